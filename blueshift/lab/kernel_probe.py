"""Tries what a lab asks of the kernel, in namespaces that end with this process.

`python -m blueshift.lab.kernel_probe FOLDER` prints a JSON object: what was tried, and the error or "".
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from blueshift.lab import namespaces

# name: commands, of which the first that fails tells why
_TRIALS = {
    "bridge": (("ip", "link", "add", "try0", "type", "bridge"),),
    "veth": (("ip", "link", "add", "try1", "type", "veth", "peer", "name", "try2"),),
    "nftables NAT": (
        ("nft", "add", "table", "ip", "try"),
        ("nft", "add", "chain", "ip", "try", "nat", "{ type nat hook prerouting priority 0; }"),
        ("nft", "add", "rule", "ip", "try", "nat", "tcp", "dport", "1", "dnat", "to", "192.0.2.1"),
    ),
}


def main(folder: Path) -> None:
    """Try everything and print what came of it."""
    try:
        namespaces.unshare(namespaces.NEW_NETWORK)
        namespaces.private_mounts()
    except OSError as error:
        print(json.dumps({"namespaces": str(error)}))  # noqa: T201 this is the program's output
        return
    results = {"overlayfs": _overlay(folder)}
    for name, commands in _TRIALS.items():
        errors = [told for command in commands if (told := _error(command))]
        results[name] = errors[0] if errors else ""
    # Last: from here on this process could start only one more.
    try:
        namespaces.unshare(namespaces.NEW_PIDS)
        results["namespaces"] = ""
    except OSError as error:
        results["namespaces"] = str(error)
    print(json.dumps(results))  # noqa: T201


def _overlay(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as base:
        layers = {name: Path(base, name) for name in ("lower", "upper", "work", "merged")}
        for path in layers.values():
            path.mkdir()
        options = ",".join(f"{name}dir={layers[name]}" for name in ("lower", "upper", "work"))
        error = _error(("mount", "-t", "overlay", "overlay", "-o", options, str(layers["merged"])))
        if not error:
            namespaces.unmount(layers["merged"])
        return error


def _error(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return f"cannot be tried without the program {command[0]}"
    return done.stderr.strip() or ("" if done.returncode == 0 else f"{command[0]} failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
