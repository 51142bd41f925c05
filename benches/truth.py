#!/usr/bin/env python3
"""How soon a change is in the answers of one daemon: overrides, reports and edits, through aliases of its own and of other zones.

    cargo build --release && benches/truth.py [--changes N] [--zones N] [--endpoints N]

The daemon has a steered name, an alias of it in its zone, one in another, and one that it has cached of a server elsewhere; beside them so
many other zones, one of them with so many endpoints that are checked. Each figure is from just before the command is given (a request to the
control socket or to the listener of reports; for an edit the file is written before) until the first answer that has it, per name.
"""

import argparse
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

BINARY = Path(__file__).resolve().parent.parent / "target" / "release" / "waymark"
NAMES = ["www.h.test", "alias.h.test", "alias.a.test", "alias.far.test"]
TOKEN = "0123456789abcdef"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def elsewhere(server):
    """Answers each question with an alias that holds for an hour."""
    target = wire("alias.h.test")
    while True:
        query, client = server.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 3600, len(target)) + target
        server.sendto(query[:2] + b"\x84\0\0\1\0\1\0\0\0\0" + query[12:end] + answer, client)


class Client:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))

    def ask(self, name):
        """The last four octets of the answer: the address, which comes last."""
        self.socket.send(b"\0\7\1\0\0\1\0\0\0\0\0\0" + wire(name) + b"\0\1\0\1")
        return socket.inet_ntoa(self.socket.recv(4096)[-4:])


def call(path, where):
    """Asks over HTTP; `where` is a path or a port. Returns the body."""
    stream = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    stream.connect(where if isinstance(where, str) else ("127.0.0.1", where))
    stream.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode())
    text = b""
    while piece := stream.recv(65536):
        text += piece
    assert text.startswith(b"HTTP/1.1 200"), text
    stream.close()


def zone(last):
    return f"""[records]
"@" = {{ NS = "ns" }}
ns = {{ A = "192.0.2.53" }}
www = {{ route = "www" }}
alias = {{ CNAME = "www" }}
[check.report]
push = {{ token = "{TOKEN}", ttl = "1h" }}
[pool.one]
members = ["192.0.2.1"]
[pool.two]
check = "report"
members = ["192.0.2.2"]
[pool.last]
members = ["{last}"]
[route.www]
fallback = ["one", "two", "last"]
"""


def many(folder, zones, endpoints, port):
    own = '[records]\n"@" = { NS = "ns" }\nns = { A = "192.0.2.53" }\nalias = { CNAME = "alias.h.test." }\n'
    (folder / "a.test.toml").write_text(own)
    for i in range(zones):
        (folder / f"zone{i}.test.toml").write_text(own + 'mail = { A = "192.0.2.25" }\n"*" = { TXT = "v=spf1 -all" }\n')
    pools = range((endpoints + 249) // 250)
    text = '[records]\n"@" = { NS = "ns" }\nns = { A = "192.0.2.53" }\n' + "".join(f'p{i} = {{ pool = "p{i}" }}\n' for i in pools)
    text += f'[check.tcp]\ntcp = "{{address}}:{port}"\ninterval = "30s"\n'
    for i in pools:
        members = ", ".join(f'"127.{1 + n // 65536}.{n // 256 % 256}.{n % 256}"' for n in range(250 * i, min(250 * i + 250, endpoints)))
        text += f'[pool.p{i}]\ncheck = "tcp"\nmembers = [{members}]\n'
    if endpoints:
        (folder / "many.test.toml").write_text(text)


def measure(title, client, wanted, act, rows):
    begun = time.monotonic()
    worker = threading.Thread(target=act)
    worker.start()
    times = []
    for name in NAMES:
        while client.ask(name) != wanted:
            assert time.monotonic() - begun < 10, (title, name)
            # The daemon needs the cores more.
            time.sleep(0.001)
        times.append(time.monotonic() - begun)
    worker.join()
    rows.setdefault(title, []).append(times)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--changes", type=int, default=100)
    arguments.add_argument("--zones", type=int, default=0)
    arguments.add_argument("--endpoints", type=int, default=0)
    asked = arguments.parse_args()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    threading.Thread(target=elsewhere, args=(server,), daemon=True).start()
    checked = socket.socket()
    checked.bind(("0.0.0.0", 0))
    checked.listen(4096)
    threading.Thread(target=lambda: [checked.accept()[0].close() for _ in iter(int, 1)], daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        zones = directory / "zones"
        zones.mkdir()
        many(zones, asked.zones, asked.endpoints, checked.getsockname()[1])
        edited = zones / "h.test.toml"
        edited.write_text(zone("192.0.2.3"))
        (directory / "waymark.toml").write_text(
            '[server]\nlisten = ["127.0.0.1:0"]\n[zones]\ndirectory = "zones"\n[store]\ndirectory = "store"\n'
            '[control]\nsocket = "control.sock"\nlisten = "127.0.0.1:0"\n[resolver]\npriming = false\nupstream_deny = []\n'
            f'trust_anchors = "none"\n[[resolver.forward]]\nzone = "far.test"\nservers = ["127.0.0.1:{server.getsockname()[1]}"]\n'
        )
        daemon = subprocess.Popen([BINARY, "serve", "--config", directory / "waymark.toml"], stderr=subprocess.PIPE, text=True)
        try:
            for line in daemon.stderr:
                if "metrics on http://" in line:
                    metrics = int(line.split("http://")[1].split("/")[0].split(":")[1])
                if "listening on " in line:
                    client = Client(int(line.split(":")[-1]))
                    break
            threading.Thread(target=lambda: [None for _ in daemon.stderr], daemon=True).start()
            control, rows = str(directory / "control.sock"), {}
            push = lambda state: call(f"/push?address=192.0.2.2&state={state}", metrics)
            push("up")
            for _ in NAMES:
                [client.ask(name) for name in NAMES]
            # Files count as unchanged when they have been for two seconds.
            time.sleep(3)
            call("/reload", control)
            last = "192.0.2.3"
            for i in range(asked.changes):
                measure("override", client, "192.0.2.2", lambda: call("/health/override?pattern=one&kind=drain", control), rows)
                measure("report", client, last, lambda: push("down"), rows)
                last = f"192.0.2.{100 + i % 100}"
                edited.write_text(zone(last))
                measure("edit and reload", client, last, lambda: call("/reload", control), rows)
                measure("report", client, "192.0.2.2", lambda: push("up"), rows)
                measure("override", client, "192.0.2.1", lambda: call("/health/lift?pattern=one", control), rows)
        finally:
            daemon.terminate()
            daemon.wait()
    print(f"{asked.zones} other zones, {asked.endpoints} endpoints; milliseconds, median and most of {asked.changes} changes")
    for title, times in rows.items():
        cells = []
        for i, name in enumerate(NAMES):
            column = sorted(1000 * row[i] for row in times)
            cells.append(f"{name} {column[len(column) // 2]:.1f}, {column[-1]:.1f}")
        print(f"{title:<16} " + "; ".join(cells))


main()
