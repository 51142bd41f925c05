#!/usr/bin/env python3
"""How long zones take to load, and the memory they take: `cargo build --release && python3 benches/load.py`.

Two loads: 12,000 small zones as TOML, and a master file of a million records. Memory beyond wire data is
(RSS after - RSS of an empty server - sum of uncompressed wire records) / records; peak is VmHWM / RSS after.
"""
import os
import subprocess
import tempfile
import time
from pathlib import Path

BINARY = Path(__file__).resolve().parent.parent / "target" / "release" / "waymark"
TICK = os.sysconf("SC_CLK_TCK")


def small_zones(folder):
    for i in range(12_000):
        (folder / f"zone{i}.test.toml").write_text(
            f'[records]\n"@" = {{ NS = ["ns1", "ns2.example.net."], MX = "10 mail", TXT = "v=spf1 mx -all" }}\n'
            f'ns1 = {{ A = "192.0.2.53" }}\nmail = {{ A = "192.0.2.25" }}\nwww = {{ A = ["192.0.2.{i % 250}", "192.0.2.251"] }}\n'
        )


def name_octets(name):
    return len(name) + 2


def million_records(folder):
    """Returns the octets of the records in uncompressed wire form."""
    wire, lines = 0, ["$TTL 3600", "@ SOA ns1 host 1 3600 600 86400 300", "@ NS ns1", "ns1 A 127.0.0.1"]
    for i in range(1_000_000):
        kind, owner = i % 4, f"h{i}"
        data, octets = [
            (f"A 192.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", 4),
            (f"AAAA 2001:db8::{i >> 16:x}:{i & 65535:x}", 16),
            (f'TXT "host number {i}"', 13 + len(str(i))),
            (f"CNAME h{i - 3}", name_octets(f"h{i - 3}.bench.test")),
        ][kind]
        lines.append(f"{owner} {data}")
        wire += name_octets(f"{owner}.bench.test") + 10 + octets
    (folder / "bench.test.zone").write_text("\n".join(lines) + "\n")
    return wire


def memory(pid, field):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(field + ":")[1].split()[0]) * 1024


def load(zones):
    """Starts the daemon on these zones; returns seconds until it listens, CPU seconds, RSS and peak."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "waymark.toml"
        config.write_text(
            f'[server]\nlisten = "127.0.0.1:0"\nworkers = 1\n[zones]\ndirectory = "{zones}"\n[resolver]\nenabled = false\n'
            f'[control]\nsocket = "{directory}/socket"\n'
        )
        begun = time.monotonic()
        process = subprocess.Popen([BINARY, "serve", "--config", config], stderr=subprocess.PIPE, text=True)
        told = []
        for line in iter(process.stderr.readline, ""):
            told.append(line)
            if "listening on" in line:
                break
        else:
            raise SystemExit("".join(told))
        took = time.monotonic() - begun
        stat = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        figures = took, (int(stat[11]) + int(stat[12])) / TICK, memory(process.pid, "VmRSS"), memory(process.pid, "VmHWM")
        process.terminate()
        process.communicate()
        return figures


def main():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in ("empty", "small", "million"):
            (root / name).mkdir()
        small_zones(root / "small")
        wire = million_records(root / "million")
        empty = load(root / "empty")[2]
        for name in ("small", "million"):
            runs = sorted(load(root / name) for _ in range(3))
            took, cpu, rss, peak = runs[1]
            print(f"{name:8} {took:.2f} s until it answers, {cpu:.2f} s of CPU, RSS {rss >> 20} MiB, peak {peak / rss:.2f} x")
        print(f"million: {(rss - empty - wire) / 1e6:.0f} octets a record beyond its {wire / 1e6:.0f} of wire data")


main()
