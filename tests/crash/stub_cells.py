"""Cells with the stub in the controller's place: small, quick, many side by side, and asked by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from blueshift.dns.records import RecordSet
from blueshift.lab.charts import chart
from blueshift.lab.demo.inside import apply, entered, helm, kubectl, listed
from blueshift.lab.nameservers import zone
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run as run_program
from blueshift.lab.zone import ZONE
from tests.crash import stub
from tests.crash.cells import FROM, Cell, bare_lab, begun
from tests.crash.entry import Pace
from tests.e2e.command import tell

TTL = 3
"""Seconds of every record."""
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


async def lab_up(name: str) -> Lab:
    """A lab with the stub's images and nothing else in it."""
    lab = await bare_lab(name)
    await stub.bring(lab, tell)
    return lab


async def make(lab: Lab, number: int) -> Cell:
    """A cell whose primary is ready and whose names point at it."""
    name = f"c{number:03d}"
    hosts = tuple(f"{label}.{name}.{ZONE}" for label in ("one", "two", "*.wild"))
    cell = begun(Cell(lab, name, hosts, pace=Pace()), OVERRIDES)
    await apply(
        lab, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, *_ingresses(cell)]
    )
    values = msgspec.json.encode(stub.values(name)).decode()
    await helm(
        lab, "install", name, str(chart(FROM)), "-n", name, "--wait", "--timeout", "60s", "-f", "-",
        stdin=values,
    )  # fmt: skip
    addresses = await _addresses(cell)
    await _update(lab, [RecordSet(host, "A", TTL, addresses) for host in cell.hosts])
    asked = ["dig", f"@{zone(lab).secondary[0]}", "+short", cell.hosts[-1], "A"]
    while not await run_program(entered(lab, asked), "dig"):  # noqa: ASYNC110  # a server tells nobody
        await asyncio.sleep(0.1)
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


async def _update(lab: Lab, records: Sequence[RecordSet]) -> None:
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


async def remove(cell: Cell) -> None:
    """Take the cell out of the lab; its records go too."""
    await helm(cell.lab, "uninstall", cell.name, "-n", cell.name, "--no-hooks", "--ignore-not-found")
    await kubectl(cell.lab, "delete", "namespace", cell.name, "--wait=false")
    await _send(cell.lab, [f"update delete {host}. A" for host in cell.hosts])
