#!/usr/bin/env python3
"""What a cache costs: octets of memory per RRset, beside Unbound, and growth under a flood of unique names.

    cargo build --release && sudo python3 benches/cache.py

Needs Debian's nsd, unbound and dnsperf. It runs in a network namespace of its own: NSD answers every name of a zone by a wildcard,
and each resolver forwards to it.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BINARY = Path(__file__).resolve().parent.parent / "target" / "release" / "waymark"
MIB = 1 << 20


def nsd(d):
    (d / "zone").write_text("$ORIGIN flood.test.\n@ 3600 SOA a b 1 2 3 4 5\n@ NS ns\nns A 127.0.0.2\n* 3600 A 192.0.2.1\n")
    (d / "nsd.conf").write_text(
        f'server:\n ip-address: 127.0.0.2@5300\n username: ""\n chroot: ""\n zonesdir: "{d}"\n database: ""\n pidfile: "{d}/pid"\n'
        f' xfrdfile: "{d}/xfrd"\n xfrdir: "{d}"\n zonelistfile: "{d}/list"\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n'
        f"zone:\n name: flood.test\n zonefile: {d}/zone\n")
    return ["nsd", "-d", "-c", d / "nsd.conf"]


def waymark(d, size):
    # A directory of its own: what one has learnt, the next would read.
    d = Path(tempfile.mkdtemp(dir=d))
    (d / "zones").mkdir()
    (d / "waymark.toml").write_text(
        f'[server]\nlisten = ["127.0.0.1:5301"]\nworkers = 1\n[zones]\ndirectory = "{d}/zones"\n[log]\nlevel = "warn"\n'
        f'[control]\nsocket = "{d}/control.sock"\n[store]\ndirectory = "{d}/store"\n'
        f'[resolver]\nupstream_deny = []\nspecial_use = false\ntrust_anchors = "none"\ncache_size = "{size}MiB"\n'
        '[[resolver.forward]]\nzone = "."\nservers = ["127.0.0.2:5300"]\n')
    return [BINARY, "serve", "--config", d / "waymark.toml"]


def unbound(d, size):
    (d / "unbound.conf").write_text(
        f'server:\n interface: 127.0.0.1@5301\n username: ""\n chroot: ""\n directory: "{d}"\n pidfile: ""\n num-threads: 1\n'
        f" do-not-query-localhost: no\n module-config: iterator\n use-syslog: no\n msg-cache-size: {size // 3}m\n"
        f" rrset-cache-size: {size * 2 // 3}m\n outgoing-range: 4096\n num-queries-per-thread: 2048\n local-zone: test. nodefault\n"
        'forward-zone:\n name: "."\n forward-addr: 127.0.0.2@5300\n')
    return ["unbound", "-d", "-c", d / "unbound.conf"]


def ask(d, names):
    (d / "queries").write_text("".join(f"n{i}.flood.test A\n" for i in names))
    out = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", "5301", "-d", d / "queries", "-n", "1", "-q", "100"],
                         capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Queries completed:\s+(\d+)", out)[1])


def measure(d, command, names):
    """Memory at the start and after so many names, in octets, and how many were answered."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(50):
            if subprocess.run(["dig", "@127.0.0.1", "-p", "5301", "+tries=1", "+time=1", "x.flood.test"], stdout=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)
        rss = lambda: 1024 * int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())[1])
        idle = rss()
        answered = ask(d, range(names))
        return idle, rss(), answered
    finally:
        server.terminate()
        server.wait()


def main():
    if os.environ.get("IN_NAMESPACE") != "1":
        os.environ["IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, __file__])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        upstream = subprocess.Popen(nsd(d), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for name, command in (("Unbound", unbound(d, 768)), ("Waymark", waymark(d, 768))):
                idle, full, answered = measure(d, command, 300_000)
                print(f"{name}: {(full - idle) / answered:.0f} octets of memory for each of {answered} RRsets")
            idle, full, answered = measure(d, waymark(d, 64), 1_500_000)
            print(f"Waymark with cache_size = 64MiB after {answered} names: grown by {(full - idle) / MIB:.1f} MiB, {(full - idle) / (64 * MIB):.2f} x")
        finally:
            upstream.terminate()
            upstream.wait()


main()
