#!/usr/bin/env python3
"""CPU of validated resolutions of 20,000 cold names, beside other resolvers.

    cargo build --release --bins --examples && sudo python3 benches/validate.py [--rounds 3] [--servers unbound,kresd,pdns-rec,named,waymark]

The tree and the questions are those of `bench.py iterate`, signed from the root down (`signed.py` says how); DO is set. The servers
take turns within each round, each once validating and once not. Before figures count it is verified that all set AD.
"""

import argparse
import random
import shutil
import statistics
import signed
from signed import bench


def questions():
    rng = random.Random(1)
    return [f"{rng.choice(['www', 'www', 'mail', 'alias'])}.d{i}.t{i % 10}" for i in rng.sample(range(20_000), 20_000)]


def measure(name, validates, file, names):
    server = signed.start(name, validates)
    try:
        bench.wait_ready(server, "www.d0.t0", 60)
        before = server.cpu()
        m = bench.dnsperf(server, file, ["-n", "1", "-q", "200", "-c", "20", "-b", "4096", "-t", "8", "-D"])
        after = server.cpu()
        rss = server.rss()
        answers = [signed.ask(server, name) for name in names[:200]]
        wrong = [n for n, answer in zip(names, answers) if answer != (0, validates)]
        us, user = ((after[i] - before[i]) / m["done"] * 1e6 for i in (1, 0))
        if wrong or m["lost"] > 20:
            print(f"  {name}: {m['lost']:.0f} lost, {len(wrong)} of 200 without the right AD, such as {wrong[:3]}", flush=True)
        return dict(us=us, user=user, rss=rss, codes=m["codes"], qps=m["qps"])
    finally:
        server.stop()


def verify(servers, names):
    for name in servers:
        server = signed.start(name)
        try:
            bench.wait_ready(server, "www.d0.t0", 60)
            for question in names[:20]:
                answer = signed.ask(server, question)
                assert answer == (0, True), f"{name} answers {question} with (rcode, AD) {answer}"
        finally:
            server.stop()
    print(f"AD is set by {', '.join(servers)}", flush=True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--servers", default="unbound,kresd,pdns-rec,named,waymark")
    a.add_argument("--validating-only", action="store_true")
    o = a.parse_args()
    signed.namespace()
    upstream = signed.internet()
    servers, names = o.servers.split(","), questions()
    file = bench.W / "questions"
    file.write_text("".join(f"{name} A\n" for name in names))
    results = {}
    try:
        verify(servers, names)
        for r in range(o.rounds):
            for name in servers:
                for validates in (True,) if o.validating_only else (True, False):
                    m = measure(name, validates, file, names)
                    results.setdefault((name, validates), []).append(m)
                    how = "validates" if validates else "does not"
                    print(f"round {r + 1} {name:9s} {how} {m['us']:6.1f} µs ({m['user']:.1f} user)  rss {m['rss']:.0f} MiB  {m['codes']}  {signed.busy()}", flush=True)
    finally:
        signed.stop(upstream)
        shutil.rmtree(bench.W)
    median = lambda key, what: statistics.median(m[what] for m in results[key])
    print(f"medians of {o.rounds} rounds: CPU µs per cold question (user), MiB")
    for name, validates in results:
        key = (name, validates)
        print(f"{name:9s} {'validates' if validates else 'does not '} {median(key, 'us'):6.1f} ({median(key, 'user'):.1f})  {median(key, 'rss'):.0f}")


main()
