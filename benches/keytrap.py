#!/usr/bin/env python3
"""What KeyTrap (CVE-2023-50387) costs, and what it costs others, beside Unbound.

    cargo build --release --bins --examples && sudo python3 benches/keytrap.py [--servers unbound,waymark] [--seconds 10]

Zones with 100 keys of ECDSA P-384 that share one tag, and wrong signatures that name it: six, which fit a reply over UDP, over each
answer (`answers`), or 100 over the keys themselves (`keys`). First the CPU of single questions; then 1,000 questions a second for distinct names of the traps, and the
latency of others' questions meanwhile: of 200 a second that are cached and 50 a second that are not.
"""

import argparse
import shutil
import statistics
import subprocess
import time
import signed
from signed import bench

ZONES = 10
TRAPS = [(f"{kind}{i}.t{i}", f"p384 one nsec trap-{kind}", "* A 192.0.2.1\n") for kind in ("answers", "keys") for i in range(ZONES)]
LEAVES = 4_000


def spent(server, name):
    """(response code, CPU µs) of one question."""
    before = signed.nanoseconds(server)
    rcode, _ = signed.ask(server, name)
    # What is done after the answer counts too.
    time.sleep(0.02)
    return rcode, (signed.nanoseconds(server) - before) / 1e3


def repeated(server, names):
    """CPU µs of a question that comes often."""
    file = bench.W / "again"
    file.write_text("".join(f"{name} A\n" for name in names * 1_000))
    before = signed.nanoseconds(server)
    done = bench.dnsperf(server, file, ["-n", "1", "-q", "50"])["done"]
    return (signed.nanoseconds(server) - before) / 1e3 / done


def single(name):
    """CPU of first and next questions."""
    server = signed.start(name)
    try:
        bench.wait_ready(server, "www.d0.t0", 60)
        for i in range(10):
            signed.ask(server, f"www.d{i}.t{i}")
        idle = signed.nanoseconds(server)
        time.sleep(2)
        idle = (signed.nanoseconds(server) - idle) / 2e6 * 0.02
        cost = lambda names: statistics.median(us for _, us in [spent(server, name) for name in names]) - idle
        print(f"{name:9s} an honest cold name {cost([f'www.d{i}.t{i % 10}' for i in range(10, 60)]):7.0f} µs, a cached one {cost(['www.d0.t0'] * 50):.0f} µs, "
              f"and often {repeated(server, ['www.d0.t0']):.1f} µs")
        for kind in ("answers", "keys"):
            rcodes = {signed.ask(server, f"probe.{kind}0.t0")[0]}
            first = cost([f"a.{kind}{i}.t{i}" for i in range(1, ZONES)])
            again = cost([f"a.{kind}{i}.t{i}" for i in range(1, ZONES)] * 5)
            often = repeated(server, [f"a.{kind}{i}.t{i}" for i in range(1, ZONES)])
            other = cost([f"b{n}.{kind}{i}.t{i}" for n in range(3) for i in range(1, ZONES)])
            print(f"{name:9s} trap in the {kind:7s} first {first:7.0f} µs, the same again {again:5.0f} µs, and often {often:5.1f} µs, another name of the zone {other:7.0f} µs, rcodes {rcodes}  {signed.busy()}", flush=True)
    finally:
        server.stop()


def latencies(server, file, rate, seconds):
    """dnsperf at a rate; it tells of each question in a file, since it would wait for a pipe."""
    out = open(file.with_suffix(".told"), "w+")
    command = ["taskset", "-c", "1", "dnsperf", "-v", "-s", server.addr, "-p", str(server.port), "-d", str(file), "-Q", str(rate), "-l", str(seconds), "-q", "5000", "-t", "8", "-D", "-f", "inet"]
    return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT), out


def read(process, out):
    """(p50, p99) in ms, questions asked, and those without an answer, from the lines `> RCODE NAME TYPE SECONDS` and `> T ...`."""
    process.wait()
    out.seek(0)
    took, lost = [], 0
    for line in out:
        words = line.split()
        if words[:2] == [">", "T"]:
            lost += 1
        elif words[:1] == [">"]:
            took.append(float(words[-1]) * 1e3)
    took.sort()
    at = lambda share: took[min(int(len(took) * share), len(took) - 1)] if took else float("nan")
    return at(0.5), at(0.99), len(took) + lost, lost


def under(name, kind, seconds):
    """Latencies of others, with and without an attack."""
    server = signed.start(name)
    try:
        bench.wait_ready(server, "www.d0.t0", 60)
        cached, cold, trap = (bench.W / f for f in ("cached", "cold", "trap"))
        cached.write_text("".join(f"www.d{i}.t{i % 10} A\n" for i in range(100)))
        # Each run has names of its own.
        under.run += 1
        begin = 100 + under.run * 50 * seconds % (LEAVES - 100 - 50 * seconds)
        cold.write_text("".join(f"www.d{i}.t{i % 10} A\n" for i in range(begin, begin + 50 * seconds)))
        bench.dnsperf(server, cached, ["-n", "1"])
        attack = None
        if kind:
            trap.write_text("".join(f"n{under.run}x{i}.{kind}{i % ZONES}.t{i % ZONES} A\n" for i in range(1_000 * (seconds + 2))))
            attack = latencies(server, trap, 1_000, seconds + 2)
            time.sleep(1)
        before = signed.nanoseconds(server)
        others = [latencies(server, cached, 200, seconds), latencies(server, cold, 50, seconds)]
        figures = [read(*other) for other in others]
        cpu = (signed.nanoseconds(server) - before) / 1e9 / seconds
        return figures, cpu, read(*attack)[2:] if attack else (0, 0)
    finally:
        server.stop()


under.run = 0


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--servers", default="unbound,waymark")
    a.add_argument("--seconds", type=int, default=10)
    a.add_argument("--rounds", type=int, default=2)
    o = a.parse_args()
    signed.namespace()
    upstream = signed.internet(LEAVES, TRAPS)
    try:
        for name in o.servers.split(","):
            single(name)
        for r in range(o.rounds):
            for kind in (None, "answers", "keys"):
                for name in o.servers.split(","):
                    ((c50, c99, _, c_lost), (r50, r99, _, r_lost)), cpu, (sent, lost) = under(name, kind, o.seconds)
                    print(f"round {r + 1} {name:9s} {kind or 'no':7s} trap: cached p50 {c50:.2f} p99 {c99:.2f} ms ({c_lost} lost), cold p50 {r50:.2f} p99 {r99:.2f} ms "
                          f"({r_lost} lost), CPU {cpu:.2f} of a core, {lost} of the attack's {sent} not answered  {signed.busy()}", flush=True)
    finally:
        signed.stop(upstream)
        shutil.rmtree(bench.W)


main()
