"""Cells with the real controller, the lab's application behind it, and the lab's traffic around each run.

One at a time: all of them serve the same sites, and each has them from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from blueshift.clock import SystemClock
from blueshift.lab import application, facts
from blueshift.lab.certificates import Authority
from blueshift.lab.demo import settings, world
from blueshift.lab.demo.inside import apply, helm, kubectl, listed
from blueshift.lab.image_set import build_images, import_images
from blueshift.lab.image_specs import REGISTRY
from blueshift.lab.paths import Lab
from blueshift.lab.sites import sites
from blueshift.lab.zone import ALIASES, HOSTS
from tests.crash.cells import CELL, FROM, Cell, bare_lab, begun
from tests.e2e.command import tell
from tests.e2e.traffic import traffic

RATE, WARM = 40.0, 200
"""Requests per second, and how many of them must have ended before the run begins."""
TTL = 5
"""Seconds of every record: less than the demo's, and still waited out."""
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    # As in the demo, but for a shorter hold: what a run waits for is what keeps requests from failing.
    **settings.OVERRIDES,
    **{
        shift: {**settings.OVERRIDES[shift], "hold": "5s"}
        for shift in ("shift-to-temporary", "shift-to-primary")
    },
}


async def lab_up(name: str) -> Lab:
    """A lab with the images of both releases of the controller and of the application."""
    images = await build_images(tell, lambda _: None)
    lab = await bare_lab(name)
    await import_images(lab, images)
    return lab


async def make(lab: Lab, number: int) -> Cell:
    """A cell whose primary answers for every site at every address."""
    name, clock, dual_stack = f"c{number:03d}", SystemClock(), facts.of(lab).ipv6
    await _cleared(lab)
    folder = world.folder(lab)
    folder.mkdir(exist_ok=True)
    # Ingresses first: the controller's webhook would judge each by itself, and slowly.
    objects = application.manifests(
        sites(),
        _authority(folder / "sites-ca.pem"),
        image=f"{REGISTRY}/echo:1",
        ingress_class=name,
        dual_stack=dual_stack,
    )
    await apply(lab, objects)
    await world.install(lab, FROM, _values(name, dual_stack=dual_stack), name=name)
    made = await world.point(lab, clock, ttl=TTL, name=name)
    asked = partial(traffic, made, rate=RATE, warm=WARM)
    return begun(Cell(lab, name, (*HOSTS, *ALIASES), traffic=asked), OVERRIDES)


async def remove(cell: Cell) -> None:
    """Take the cell out of the lab; the sites and their records stay for the next one."""
    await _uninstalled(cell.lab, cell.name)


@cache
def _authority(certificate: Path) -> Authority:
    """One for all cells of a lab: a client keeps what it has read of the file."""
    return Authority(certificate)


def _values(name: str, *, dual_stack: bool) -> dict[str, Any]:
    """The demo's values, in an Ingress class of the cell's own."""
    values = world.values(dual_stack=dual_stack)
    own = {"name": name, "controllerValue": f"k8s.io/{name}"}
    return {"controller": values["controller"] | {"ingressClass": name, "ingressClassResource": own}}


async def _cleared(lab: Lab) -> None:
    """What a cell that failed has left would answer for the sites too, and its webhook refuse them."""
    for item in await listed(lab, "namespaces"):
        if CELL.match(item["metadata"]["name"]) and "deletionTimestamp" not in item["metadata"]:
            await _uninstalled(lab, item["metadata"]["name"])


async def _uninstalled(lab: Lab, namespace: str) -> None:
    """Release and namespace, which have the same name, also where they are the temporary's."""
    await helm(lab, "uninstall", namespace, "-n", namespace, "--no-hooks", "--ignore-not-found")
    await kubectl(lab, "delete", "namespace", namespace, "--wait=false")
