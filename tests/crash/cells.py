"""Cells: many small worlds in one lab, each with a release, an Ingress class and names of its own."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from blueshift.clock import SystemClock
from blueshift.dns.records import RecordSet
from blueshift.lab import lifecycle
from blueshift.lab.build import cluster_tools
from blueshift.lab.charts import chart
from blueshift.lab.demo.inside import apply, entered, helm, kubectl, listed
from blueshift.lab.nameservers import zone
from blueshift.lab.paths import Lab, lab_named
from blueshift.lab.processes import run as run_program
from blueshift.lab.zone import ZONE
from tests.crash import stub
from tests.e2e.command import tell

FROM, TO = "4.11.3", "4.12.1"
"""Chart versions."""
TTL = 3
"""Seconds of every record."""
CELL = re.compile(r"c\d{3}")
"""What a cell, its namespaces, and all that its releases own in the cluster is named by."""

OVERRIDES: dict[str, dict[str, Any]] = {
    # Lengths of time and shares, and `auto`: what is proven, and by what, stays the playbook's.
    "lower-ttl": {"ttl": "1s", "factor": 1.0, "margin": "0s", "agree_every": "200ms"},
    "install-temporary": {"answering": "1s"},
    "shift-to-temporary": {"waves": [100], "hold": "1s", "agree_every": "200ms"},
    "drain-primary": {"at_least": "1s", "factor": 1, "window": "4s", "agree_every": "200ms"},
    "harden": {"shutdown_grace": "1s", "min_ready": "0s"},
    "upgrade": {"shutdown_grace": "1s", "min_ready": "0s"},
    "shift-to-primary": {"waves": [100], "hold": "1s", "agree_every": "200ms"},
    "drain-temporary": {"at_least": "1s", "factor": 1, "window": "4s", "agree_every": "200ms"},
    "soak": {"lasts": "1s", "least": 1},
    "purge": {"auto": True, "agree_every": "200ms"},
    "restore-ttl": {"agree_every": "200ms"},
}


class Cell(msgspec.Struct, frozen=True):
    """One small world."""

    lab: Lab
    name: str
    """`c` and three digits: of the namespace, the release and the Ingress class."""
    folder: Path

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names that its Ingresses serve."""
        return tuple(f"{label}.{self.name}.{ZONE}" for label in ("one", "two", "*.wild"))

    @property
    def config(self) -> Path:
        """Its blueshift.yaml."""
        return self.folder / "blueshift.yaml"


async def lab_up(name: str) -> Lab:
    """A lab with the stub's images and nothing else in it."""
    lab = lab_named(name)
    await lifecycle.up(lab, tools=await cluster_tools(tell, lambda _: None), say=tell, clock=SystemClock())
    await stub.bring(lab, tell)
    return lab


async def make(lab: Lab, number: int) -> Cell:
    """A cell whose primary is ready and whose names point at it."""
    name = f"c{number:03d}"
    cell = Cell(lab, name, lab.root / "cells" / name)
    shutil.rmtree(cell.folder, ignore_errors=True)
    cell.folder.mkdir(parents=True)
    await apply(
        lab, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, *_ingresses(cell)]
    )
    values = msgspec.json.encode(stub.values(name)).decode()
    await helm(
        lab, "install", name, str(chart(FROM)), "-n", name, "--wait", "--timeout", "60s", "-f", "-",
        stdin=values,
    )  # fmt: skip
    addresses = await _addresses(cell)
    await update(lab, [RecordSet(host, "A", TTL, addresses) for host in cell.hosts])
    known = zone(lab)
    asked = ["dig", f"@{known.secondary[0]}", "+short", cell.hosts[-1], "A"]
    while not await run_program(entered(lab, asked), "dig"):  # noqa: ASYNC110  # a server tells nobody
        await asyncio.sleep(0.1)
    settings = {
        "release": {"name": name, "namespace": name},
        "chart": {"path": str(chart(TO))},
        "values": {"base": "running"},
        "dns": {
            "backend": "rfc2136",
            "settings": {"server": known.primary[0], "key": {"file": str(known.key_file)}},
        },
        "overrides": OVERRIDES,
    }
    cell.config.write_text(yaml.safe_dump(settings, sort_keys=False))
    return cell


def _ingresses(cell: Cell) -> list[dict[str, Any]]:
    def backend(service: str) -> dict[str, Any]:
        return {"service": {"name": service, "port": {"number": 80}}}

    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": f"site-{number}", "namespace": cell.name},
            "spec": {
                "ingressClassName": cell.name,
                "rules": [
                    {
                        "host": host,
                        "http": {
                            "paths": [
                                {"path": "/", "pathType": "Prefix", "backend": backend(f"web-{number}")},
                                {"path": "/account", "pathType": "Prefix", "backend": backend("account")},
                            ]
                        },
                    }
                ],
            },
        }
        for number, host in enumerate(cell.hosts)
    ]


async def _addresses(cell: Cell) -> tuple[str, ...]:
    while True:
        for item in await listed(cell.lab, "services", "-n", cell.name):
            given = item["status"].get("loadBalancer", {}).get("ingress", ())
            if given:
                return tuple(entry["ip"] for entry in given)
        await asyncio.sleep(0.2)


async def update(lab: Lab, records: Sequence[RecordSet]) -> None:
    """Put record sets into the zone as somebody with the key would."""
    lines = []
    for each in records:
        lines.append(f"update delete {each.name}. {each.type}")
        lines += [f"update add {each.name}. {each.ttl} {each.type} {value}" for value in each.values]
    await _send(lab, lines)


async def _send(lab: Lab, lines: Sequence[str]) -> None:
    known = zone(lab)
    text = "\n".join([f"server {known.primary[0]}", f"zone {known.zone}.", *lines, "send", ""])
    argv = ["nsenter", f"--net={lab.netns_path}", "--", "nsupdate", "-v", "-k", str(known.key_file)]
    await run_program(argv, "writing the zone", stdin=text)


def look_at(cell: Cell, server: tuple[str, int] | None, authorities: Sequence[str]) -> None:
    """Let the cell's settings name other places to ask and to update DNS at, if there are any."""
    settings = yaml.safe_load(cell.config.read_text())
    if server is not None:
        settings["dns"]["settings"] |= {"server": server[0], "port": server[1]}
        settings["dns"]["authorities"] = list(authorities)
    cell.config.write_text(yaml.safe_dump(settings, sort_keys=False))


async def remove(cell: Cell) -> None:
    """Take the cell out of the lab; its records go too."""
    await helm(cell.lab, "uninstall", cell.name, "-n", cell.name, "--no-hooks", "--ignore-not-found")
    await kubectl(cell.lab, "delete", "namespace", cell.name, "--wait=false")
    await _send(cell.lab, [f"update delete {host}. A" for host in cell.hosts])


async def run_of(cell: Cell) -> str:
    """The run of a cell's release, as the cluster has it; empty before there is one."""
    items = await listed(cell.lab, "configmaps", "-n", "blueshift")
    for item in items:
        journal = msgspec.json.decode(item.get("data", {}).get("journal.json", "{}"))
        if journal.get("release") == cell.name:
            return str(journal["run"])
    return ""
