#!/usr/bin/env python3
"""A flood of random names below a signed zone: the share answered without asking its server, and CPU, beside other resolvers.

    cargo build --release --bins --examples && sudo python3 benches/flood.py [--servers unbound,kresd,pdns-rec,named,waymark]

200,000 random names in a zone of 1,000, signed by ECDSA P-256 with NSEC, and in one with NSEC3 without opt-out; DO is set.
"""

import argparse
import random
import shutil
import statistics
import signed
from signed import bench

NAMES, QUESTIONS = 1_000, 200_000


def zones():
    rng = random.Random(2)
    label = lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(8))
    records = lambda: "".join(f"{label()} A 192.0.2.{i % 250 + 1}\n" for i in range(NAMES))
    return [("nsec.t0", "p256 one nsec", records()), ("nsec3.t0", "p256 one nsec3", records())]


def measure(name, zone):
    server = signed.start(name)
    try:
        bench.wait_ready(server, "www.d0.t0", 60)
        rng = random.Random(3)
        label = lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(10))
        file = bench.W / "flood"
        file.write_text("".join(f"{label()}.{zone} A\n" for _ in range(QUESTIONS)))
        sent, before = signed.asked(), server.cpu()
        m = bench.dnsperf(server, file, ["-n", "1", "-q", "100", "-c", "20", "-b", "4096", "-D"])
        after = server.cpu()
        sent = signed.asked() - sent
        user, us = ((after[i] - before[i]) / m["done"] * 1e6 for i in (0, 1))
        return dict(us=us, user=user, share=1 - sent / m["done"], sent=sent, rss=server.rss(), codes=m["codes"], lost=m["lost"])
    finally:
        server.stop()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--servers", default="unbound,kresd,pdns-rec,named,waymark")
    o = a.parse_args()
    signed.namespace()
    upstream = signed.internet(100, zones())
    results = {}
    try:
        for r in range(o.rounds):
            for zone in ("nsec.t0", "nsec3.t0"):
                for name in o.servers.split(","):
                    m = measure(name, zone)
                    results.setdefault((zone, name), []).append(m)
                    print(f"round {r + 1} {zone:8s} {name:9s} {m['us']:6.2f} µs ({m['user']:.2f} user), {m['sent']} asked upstream: {m['share']:.2%} without, "
                          f"{m['lost']:.0f} lost, rss {m['rss']:.0f} MiB  {m['codes']}  {signed.busy()}", flush=True)
    finally:
        signed.stop(upstream)
        shutil.rmtree(bench.W)
    print(f"medians of {o.rounds} rounds")
    for (zone, name), list in results.items():
        median = lambda what: statistics.median(m[what] for m in list)
        print(f"{zone:8s} {name:9s} {median('us'):6.2f} ({median('user'):.2f}) µs, {median('share'):.2%} without asking")


main()
