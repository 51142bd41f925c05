#!/usr/bin/env python3
"""Health checks of many HTTP endpoints, each on an address of its own in 127.0.0.0/8, by one daemon on one core.

    benches/checks.py [--endpoints N] [--hung N] [--seconds N] [--binary PATH]

The target is one process on another core: it answers every address, or accepts and says nothing on those that hang. Prints the CPU and the
memory of the daemon, how evenly probes come (tenths of a second, as the target sees them) and how far apart those of one endpoint are.
"""

import argparse
import collections
import ipaddress
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = int(ipaddress.ip_address("127.1.0.1"))
POOL = 250  # members of one pool
INTERVAL = 10
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def address(n):
    return str(ipaddress.ip_address(FIRST + n))


def serve(listener, hung, until, results):
    """Answers until a time; notes when each address was asked."""
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    open_ones, times = {}, collections.defaultdict(list)
    while time.monotonic() < until:
        for fd, _ in poll.poll(0.1):
            if fd == listener.fileno():
                for _ in range(256):
                    try:
                        client, _ = listener.accept()
                    except BlockingIOError:
                        break
                    client.setblocking(False)
                    open_ones[client.fileno()] = client
                    poll.register(client.fileno(), select.EPOLLIN)
                continue
            client = open_ones[fd]
            try:
                asked = client.recv(4096)
                if asked:
                    at = client.getsockname()[0]
                    times[at].append(time.monotonic())
                    if at in hung:
                        continue
                    client.send(REPLY)
            except OSError:
                pass
            poll.unregister(fd)
            del open_ones[fd]
            client.close()
    with open(results, "w") as file:
        for at, when in times.items():
            print(at, *when, file=file)


def config(directory, endpoints, port):
    pools = [range(first, min(first + POOL, endpoints)) for first in range(0, endpoints, POOL)]
    zone = ["[records]"] + [f'p{i} = {{ pool = "p{i}" }}' for i in range(len(pools))]
    zone += ["[check.web]", f'http = "http://{{address}}:{port}/healthz"', f'interval = "{INTERVAL}s"']
    for i, pool in enumerate(pools):
        members = ", ".join(f'"{address(n)}"' for n in pool)
        zone += [f"[pool.p{i}]", 'check = "web"', f"members = [{members}]"]
    (directory / "zones").mkdir()
    (directory / "zones/many.test.toml").write_text("\n".join(zone) + "\n")
    (directory / "waymark.toml").write_text(
        '[server]\nlisten = ["127.0.0.1:0"]\nworkers = 1\n[zones]\ndirectory = "zones"\n'
        '[store]\ndirectory = "store"\n[control]\nsocket = "control.sock"\n[resolver]\nenabled = false\n'
    )


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:13]]


def memory(pid, key):
    line = next(l for l in Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith(key))
    return int(line.split()[1]) / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--endpoints", type=int, default=50_000)
    arguments.add_argument("--hung", type=int, default=0)
    arguments.add_argument("--seconds", type=int, default=40)
    arguments.add_argument("--binary", default=ROOT / "target/release/waymark")
    asked = arguments.parse_args()
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))
    listener.listen(65_535)
    hung = {address(n) for n in range(0, asked.endpoints, asked.endpoints // asked.hung)} if asked.hung else set()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        config(directory, asked.endpoints, listener.getsockname()[1])
        settle = 2 * INTERVAL
        until = time.monotonic() + settle + asked.seconds
        target = os.fork()
        if target == 0:
            os.sched_setaffinity(0, {1})
            serve(listener, hung, until + 1, directory / "times")
            os._exit(0)
        log = open(directory / "log", "w")
        daemon = subprocess.Popen(
            ["taskset", "-c", "0", str(asked.binary), "serve", "--config", directory / "waymark.toml"], stderr=log
        )
        try:
            time.sleep(settle)
            begun, before, of_target = time.monotonic(), cpu(daemon.pid), cpu(target)
            time.sleep(max(0, until - time.monotonic()))
            took = time.monotonic() - begun
            user, system = (after - was for after, was in zip(cpu(daemon.pid), before))
            print(f"{asked.endpoints} endpoints every {INTERVAL} s, {len(hung)} of them hung, for {took:.0f} s")
            served = sum(cpu(target)) - sum(of_target)
            print(f"the target took {100 * served / took:.0f} % of another core")
            print(f"CPU {100 * user / took:.0f} % of one core, and {100 * system / took:.0f} % in the system for it")
            print(f"resident {memory(daemon.pid, 'VmRSS'):.0f} MiB, most {memory(daemon.pid, 'VmHWM'):.0f} MiB")
            os.waitpid(target, 0)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        told = (directory / "log").read_text()
        downs = {line.split("/")[1].split()[0] for line in told.splitlines() if " is down" in line}
        buckets, gaps = collections.Counter(), []
        for line in open(directory / "times"):
            at, *when = line.split()
            when = [float(w) for w in when if begun <= float(w) < begun + took]
            buckets.update(int((w - begun) * 10) for w in when)
            if at not in hung:
                gaps += [b - a for a, b in zip(when, when[1:])]
        counts = [buckets[i] for i in range(int(took * 10))]
        mean = statistics.mean(counts)
        print(f"{10 * mean:.0f} probes/s; a tenth of a second has {mean:.0f}, at least {min(counts)}, at most {max(counts)}")
        gaps.sort()
        if gaps:
            print("seconds between probes of one endpoint that answers: " + ", ".join(
                f"{title} {gaps[int(share * (len(gaps) - 1))]:.2f}" for title, share in [("least", 0), ("median", .5), ("p99.9", .999), ("most", 1)]
            ))
        print(f"called down: {len(downs & hung)} that hang, {len(downs - hung)} that answer")
        if daemon.returncode != 0:
            sys.exit(told[-2000:])


main()
