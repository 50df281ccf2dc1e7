"""What every cell of a lab is: release, Ingress class and namespaces of its own name, and its settings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import yaml

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from blueshift.lab.build import cluster_tools
from blueshift.lab.charts import chart
from blueshift.lab.demo.inside import listed
from blueshift.lab.nameservers import zone
from blueshift.lab.paths import Lab, lab_named
from tests.crash.entry import Pace
from tests.e2e.command import tell
from tests.e2e.traffic import Counted

FROM, TO = "4.11.3", "4.12.1"
"""Chart versions."""
CELL = re.compile(r"c\d{3}")
"""What a cell, its namespaces, and all that its releases own in the cluster is named by."""


class Cell(msgspec.Struct, frozen=True):
    """One small world."""

    lab: Lab
    name: str
    """`c` and three digits: of the namespace, the release and the Ingress class."""
    hosts: tuple[str, ...]
    """Names that its Ingresses serve."""
    pace: Pace | None = None
    """Of the command in it; None: the product's own."""
    traffic: Callable[[], AbstractAsyncContextManager[Counted | None]] = nullcontext
    """What asks its sites while a block lasts, and counts; nobody in most."""

    @property
    def folder(self) -> Path:
        """Files of its own in the lab's."""
        return self.lab.root / "cells" / self.name

    @property
    def config(self) -> Path:
        """Its blueshift.yaml."""
        return self.folder / "blueshift.yaml"


async def bare_lab(name: str) -> Lab:
    """A lab with no image in it."""
    lab = lab_named(name)
    await lifecycle.up(lab, tools=await cluster_tools(tell, lambda _: None), say=tell, clock=SystemClock())
    return lab


def begun(cell: Cell, overrides: Mapping[str, Mapping[str, Any]]) -> Cell:
    """The cell, with a new folder and its settings there."""
    shutil.rmtree(cell.folder, ignore_errors=True)
    cell.folder.mkdir(parents=True)
    known = zone(cell.lab)
    settings = {
        "release": {"name": cell.name, "namespace": cell.name},
        "chart": {"path": str(chart(TO))},
        "values": {"base": "running"},
        "dns": {
            "backend": "rfc2136",
            "settings": {"server": known.primary[0], "key": {"file": str(known.key_file)}},
        },
        "overrides": {step: dict(given) for step, given in overrides.items()},
    }
    cell.config.write_text(yaml.safe_dump(settings, sort_keys=False))
    return cell


def look_at(cell: Cell, server: tuple[str, int] | None, authorities: Sequence[str]) -> None:
    """Let the cell's settings name other places to ask and to update DNS at, if there are any."""
    settings = yaml.safe_load(cell.config.read_text())
    if server is not None:
        settings["dns"]["settings"] |= {"server": server[0], "port": server[1]}
        settings["dns"]["authorities"] = list(authorities)
    cell.config.write_text(yaml.safe_dump(settings, sort_keys=False))


async def run_of(cell: Cell) -> str:
    """The run of a cell's release, as the cluster has it; empty before there is one."""
    items = await listed(cell.lab, "configmaps", "-n", "blueshift")
    for item in items:
        journal = msgspec.json.decode(item.get("data", {}).get("journal.json", "{}"))
        if journal.get("release") == cell.name:
            return str(journal["run"])
    return ""
