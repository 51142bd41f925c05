"""Signed trees and validating resolvers for the benches beside this file: what `bench.py` has, signed from the root down by
`sign_zones.rs`, and its resolvers with the root's key as trust anchor."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASE = HERE.parent / "target" / "release"
BENCH = Path(os.environ.get("BENCH", HERE.parent.parent / "shared" / "bench" / "bench.py"))


def namespace():
    """Goes on in a network namespace of its own, where the tree's addresses are this machine's."""
    if os.environ.get("IN_NAMESPACE") != "1":
        os.environ["IN_NAMESPACE"] = "1"
        os.environ["BENCH_DIR"] = tempfile.mkdtemp(prefix="waymark-bench-")
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "198.18.0.0/15", "dev", "lo"], check=True)


def load():
    """bench.py as a module, without its last line, which runs it."""
    module = types.ModuleType("bench")
    module.__file__ = str(BENCH)
    exec(compile(BENCH.read_text().removesuffix("main()\n"), BENCH, "exec"), module.__dict__)
    module.W.mkdir(exist_ok=True)
    return module


bench = load()
ANCHOR = bench.W / "inet" / "root.ds"


def internet(leaves=20_000, extra=()):
    """The tree of `bench.py iterate`, signed: the root by RSA-2048 and NSEC, the top level by P-256 and NSEC3 with opt-out, both with
    two keys as in reality; the leaves by P-256 and NSEC, with one key. `extra` zones, (name, how, records), are delegated from their
    top level and served on 198.18.3.1. Returns the name servers' processes."""
    starts = []
    note = lambda *a, **k: starts.append((a, k)) or types.SimpleNamespace(pid=0, poll=lambda: None)
    real, bench.subprocess = bench.subprocess, types.SimpleNamespace(Popen=note, STDOUT=subprocess.STDOUT)
    ready, bench.wait_ready = bench.wait_ready, lambda *a, **k: None
    bench.internet(leaves)
    bench.subprocess, bench.wait_ready = real, ready
    directory = bench.W / "inet"
    for group, how in (("root", "rsa split nsec"), ("tld", "p256 split opt-out"), ("leaf", "p256 one nsec")):
        for zone in (directory / group).glob("*.zone"):
            zone.write_text(f"; sign: {how}\n" + zone.read_text())
    (directory / "extra").mkdir()
    for name, how, records in extra:
        label, above = name.split(".")
        with open(directory / "tld" / f"{above}.zone", "a") as f:
            f.write(f"{label} NS ns.{label}\nns.{label} A 198.18.3.1\n")
        (directory / "extra" / f"{name}.zone").write_text(
            f"; sign: {how}\n$ORIGIN {name}.\n$TTL 3600\n@ SOA ns h 1 3600 600 86400 300\n@ NS ns\nns A 198.18.3.1\n{records}")
    subprocess.run([RELEASE / "examples" / "sign_zones", directory], check=True)
    servers = [subprocess.Popen(*a, **k) for a, k in starts]
    if extra:
        servers.append(serve(directory / "extra", [name for name, _, _ in extra]))
    leaf = bench.Server("x", bench.W)
    leaf.addr, leaf.port, leaf.p = "198.18.2.1", 53, servers[2]
    bench.wait_ready(leaf, "www.d0.t0", 120)
    return servers


def serve(directory, names):
    """An NSD for further zones; `asked` tells what it was asked."""
    conf = f'''server:
  ip-address: 198.18.3.1
  server-count: 1
  minimal-responses: yes
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/pid"
  xfrdfile: "{directory}/xfrd"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/list"
  rrl-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "{directory}/control"
'''
    conf += "".join(f"zone:\n  name: {name}\n  zonefile: {directory}/{name}.zone\n" for name in names)
    (directory / "nsd.conf").write_text(conf)
    command = ["taskset", "-c", "1", "nsd", "-d", "-c", directory / "nsd.conf"]
    return subprocess.Popen(command, stdout=open(directory / "log", "wb"), stderr=subprocess.STDOUT, start_new_session=True)


def asked():
    """Questions that the server of the further zones was asked since it began."""
    command = ["nsd-control", "-c", bench.W / "inet" / "extra" / "nsd.conf", "stats_noreset"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^num.queries=(\d+)", told, re.M)[1])


#------- Resolvers ----------------------------------------------------------------------------------------------------

def edit(path, changes):
    """Replaces text of a config that bench.py wrote; each must be there."""
    text = Path(path).read_text()
    for before, after in changes.items():
        assert before in text, f"{before!r} is not in {path}"
        text = text.replace(before, after)
    Path(path).write_text(text)


class Unbound(bench.Unbound):
    validates, aggressive = True, True

    def cmd(s):
        command = super().cmd()
        aggressive = "yes" if s.aggressive else "no"
        if s.validates:
            edit(s.d / "unbound.conf", {'module-config: "iterator"': f'module-config: "validator iterator"\n  trust-anchor-file: "{ANCHOR}"\n'
                                        f'  key-cache-size: 64m\n  neg-cache-size: 64m\n  aggressive-nsec: {aggressive}'})
        return command


class Kresd(bench.Kresd):
    validates = True

    def cmd(s):
        command = super().cmd()
        if s.validates:
            edit(s.d / "kresd.conf", {"trust_anchors.remove('.')": f"trust_anchors.remove('.') trust_anchors.add([[{ANCHOR.read_text().strip()}]])"})
        return command


class PdnsRec(bench.PdnsRec):
    validates = True

    def cmd(s):
        command = super().cmd()
        if s.validates:
            data = ANCHOR.read_text().split(" DS ")[1].strip()
            lua = s.write("anchor.lua", f'clearTA()\naddTA(".", "{data}")\n')
            edit(s.d / "recursor.conf", {"dnssec=off": f"dnssec=validate\nlua-config-file={lua}\naggressive-nsec-cache-size=1000000"})
        return command


class Named(bench.Named):
    validates = True

    def cmd(s):
        command = super().cmd()
        if s.validates:
            tag, algorithm, kind, *digest = ANCHOR.read_text().split(" DS ")[1].split()
            edit(s.d / "named.conf", {"dnssec-validation no": "dnssec-validation yes",
                                      "controls {": f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{"".join(digest)}"; }};\ncontrols {{'})
        return command


class Waymark(bench.Server):
    validates = True

    def cmd(s):
        sys.path.insert(0, str(HERE))
        import product
        command = product.cmd(s.mode, s.d, bench.W, s.addr, s.port)
        if s.validates:
            edit(s.d / "waymark.toml", {'trust_anchors = "none"': f'trust_anchors = "{ANCHOR}"'})
        return [str(x) for x in command]


RESOLVERS = {"unbound": Unbound, "kresd": Kresd, "pdns-rec": PdnsRec, "named": Named, "waymark": Waymark}


def start(name, validates=True, cpu="0", **more):
    """A resolver of the signed tree, without a cache."""
    directory = bench.W / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    server = RESOLVERS[name]("iterate", directory)
    server.validates = validates
    for key, value in more.items():
        setattr(server, key, value)
    server.start(cpu)
    return server


def ask(server, name, rtype=1, flags=0x120, timeout=5):
    """(response code, whether AD is set); flags are RD and AD."""
    question = b"".join(bytes([len(l)]) + l.encode() for l in name.rstrip(".").split(".")) + b"\0" + struct.pack(">HH", rtype, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as k:
        k.settimeout(timeout)
        k.sendto(struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 0) + question, (server.addr, server.port))
        try:
            reply = k.recv(4096)
        except (TimeoutError, ConnectionError):
            return None, False
    return reply[3] & 15, bool(reply[3] & 0x20)


def nanoseconds(server):
    """CPU of all threads of a server."""
    total = 0
    for pid in server.pids():
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(file.read_text().split()[0])
    return total


def busy():
    """How many processes want the two cores, for the reader of the figures."""
    return f"load average {os.getloadavg()[0]:.1f}"


def stop(processes):
    """Ends the processes started here, with those that they started."""
    for process in processes:
        try:
            os.killpg(process.pid, 9)
        except OSError:
            pass
        process.wait()
