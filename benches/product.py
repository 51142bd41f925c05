"""How bench.py starts Waymark: writes a config for each kind of work and returns the command."""

import os
import shutil
from pathlib import Path

BINARY = Path(__file__).resolve().parent.parent / "target" / "release" / "waymark"


def cmd(mode, directory, data, addr, port):
    """The command that serves `mode` on addr:port; `data` holds the zone and root hints the peers use."""
    directory, data = Path(directory), Path(data)
    zones = directory / "zones"
    shutil.rmtree(zones, ignore_errors=True)
    zones.mkdir(parents=True)
    resolver = "enabled = false\n"
    if mode in ("auth", "tcp", "load"):
        os.symlink(data / "bench.zone", zones / "bench.test.zone")
    else:
        resolver = 'allow = ["127.0.0.0/8"]\nupstream_deny = []\nspecial_use = false\ntrust_anchors = "none"\ncache_size = "1GiB"\nupstream = ["ipv4"]\n'
    if mode == "cached":
        resolver += '[[resolver.forward]]\nzone = "."\nservers = ["127.0.0.2:5300"]\n'
    if mode == "iterate":
        resolver += f'root_hints = "{data}/root.hints"\n'
    config = directory / "waymark.toml"
    config.write_text(
        f'[server]\nlisten = ["{addr}:{port}"]\nworkers = 1\n[zones]\ndirectory = "{zones}"\n'
        f'[resolver]\n{resolver}[store]\ndirectory = "{directory}/store"\n[control]\nsocket = "{directory}/control.sock"\n[log]\nlevel = "warn"\n'
    )
    return [BINARY, "serve", "--config", config]
