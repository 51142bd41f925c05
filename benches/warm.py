#!/usr/bin/env python3
"""CPU of cached answers that were validated, beside cached answers of a tree that is not signed.

    cargo build --release --bins --examples && sudo python3 benches/warm.py [--rounds 5] [--seconds 3]

The same 10,000 names of the signed tree, in four ways that take turns: resolved without validation; validated, and asked for without AD,
with AD, and with DO. The questions are ready-made messages, since dnsperf sets no AD.
"""

import argparse
import random
import shutil
import statistics
import struct
import signed
from signed import bench

# Whether it validates, the header's flags, and whether an OPT record with DO is there.
WAYS = {"not validated": (False, 0x100, None), "validated, no AD": (True, 0x100, None), "validated, AD": (True, 0x120, None),
        "not validated, EDNS": (False, 0x100, 0), "validated, EDNS": (True, 0x100, 0), "validated, DO": (True, 0x100, 0x8000)}


def messages(flags, dnssec_ok, names):
    out = []
    for name in names:
        question = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
        opt = b"" if dnssec_ok is None else b"\0" + struct.pack(">HHIH", 41, 1232, dnssec_ok, 0)
        message = struct.pack(">HHHHHH", 0, flags, 1, 0, 0, dnssec_ok is not None) + question + opt
        out.append(struct.pack(">H", len(message)) + message)
    return b"".join(out)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--seconds", type=int, default=3)
    o = a.parse_args()
    signed.namespace()
    upstream = signed.internet(10_000)
    rng = random.Random(4)
    names = [f"www.d{i}.t{i % 10}" for i in range(10_000)]
    first = bench.W / "all"
    first.write_text("".join(f"{name} A\n" for name in names))
    asked = [rng.choice(names) for _ in range(100_000)]
    results = {way: [] for way in WAYS}
    try:
        for way, (_, flags, dnssec_ok) in WAYS.items():
            (bench.W / way.replace(" ", "_")).write_bytes(messages(flags, dnssec_ok, asked))
        for r in range(o.rounds):
            for validates in (False, True):
                server = signed.start("waymark", validates)
                try:
                    bench.wait_ready(server, names[0], 60)
                    bench.dnsperf(server, first, ["-n", "1", "-q", "100", "-D"])
                    assert signed.ask(server, names[1]) == (0, validates)
                    for way, (this, _, _) in WAYS.items():
                        if this != validates:
                            continue
                        before = server.cpu()
                        m = bench.dnsperf(server, bench.W / way.replace(" ", "_"), ["-B", "-l", str(o.seconds), "-q", "400", "-c", "20", "-b", "4096"])
                        after = server.cpu()
                        user, us = ((after[i] - before[i]) / m["done"] * 1e6 for i in (0, 1))
                        results[way].append((us, user))
                        print(f"round {r + 1} {way:20s} {us:5.2f} µs ({user:.2f} user)  {m['codes']}  {signed.busy()}", flush=True)
                finally:
                    server.stop()
    finally:
        signed.stop(upstream)
        shutil.rmtree(bench.W)
    print(f"medians of {o.rounds} rounds")
    for way, list in results.items():
        print(f"{way:20s} {statistics.median(us for us, _ in list):5.2f} ({statistics.median(user for _, user in list):.2f})")


main()
