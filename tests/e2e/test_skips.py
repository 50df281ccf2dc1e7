"""Checks that stop an upgrade, and what each spares: skipped, or by hand, the harm is seen.

A plain `helm upgrade` stands for the step of a run wherever both would write the same objects; what of it
traffic feels is in test_skips_held.py, where Blueshift's later protections have their turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blueshift.lab.demo import settings
from blueshift.lab.demo.inside import kubectl
from blueshift.lab.demo.world import NAMESPACE, World, install, questions
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import (
    by_hand,
    controllers,
    published,
    refused,
    silent,
    state,
    status_of_release,
    statuses,
    until,
)

RENAMED = {"fullnameOverride": NAMESPACE, "nameOverride": "edge"}
"""Tidier labels under the same names: the Deployment's selector would change, which none may."""
WEBHOOK = "validatingwebhookconfiguration"
PARTNER = "partner"
RIVAL = "rival"


async def test_an_immutable_field(make_world: MakeWorld, record: Record) -> None:
    """helm-immutable-field. Helm writes the Services first: they select the pods that were never made."""
    world = await make_world("immutable")
    stopped = await refused(world, settings.write(world, values=RENAMED))
    assert stopped == {"helm-immutable-field", "helm-ssa-conflict"}, "the API server is asked too"
    assert await silent(world) == set()

    said = await by_hand(world, RENAMED)
    assert "field is immutable" in said
    assert await status_of_release(world) == "failed"
    hosts = {route.host for _, route in questions(world.addresses)}

    async def nobody() -> bool:
        return await silent(world) == hosts

    await until(nobody, within=60)
    record({"hosts_lost": len(hosts)})


@pytest.mark.slow
async def test_a_field_of_somebody_else(make_world: MakeWorld, record: Record) -> None:
    """helm-ssa-conflict. `helm upgrade` fails at the webhook, when it has replaced the pods already."""
    world = await make_world("conflict")
    await loosen(world)
    assert await refused(world, settings.write(world)) == {"helm-ssa-conflict"}
    assert all("v1.11.3" in image for image in await images(world))

    said = await by_hand(world, {})
    assert "conflict" in said
    assert "failurePolicy" in said
    assert await status_of_release(world) == "failed"

    async def replaced() -> bool:
        return all("v1.12.1" in image for image in await images(world))

    await until(replaced, within=120)
    record({"helm": said[-300:], "release": "failed", "images": await images(world)})


async def loosen(world: World) -> None:
    """Somebody lets Ingresses be written while the webhook is away, with kubectl, and forgets it."""
    patch = '[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]'
    await kubectl(world.lab, "patch", WEBHOOK, f"{NAMESPACE}-admission", "--type=json", "-p", patch)


async def images(world: World) -> list[str]:
    """What the primary's pods run."""
    return [pod["spec"]["containers"][0]["image"] for pod in await controllers(world)]


@pytest.mark.slow
async def test_a_class_of_somebody_else(make_world: MakeWorld, record: Record) -> None:
    """helm-name-collision and class-shared.

    Where the target asks for the IngressClass of another release, Helm by itself refuses before it changes
    anything, so by hand nothing is lost: the check spares a run that would find out in its `upgrade` step,
    with all names moved. Where another controller serves the same class, the harm needs no upgrade: each
    writes its own address into every Ingress, in turn, and whoever publishes statuses moves the names.
    """
    world = await make_world("classes")
    await beside(world, PARTNER, {"name": PARTNER, "controllerValue": f"k8s.io/{PARTNER}"}, class_=PARTNER)
    asks = {"controller": {"ingressClassResource": {"aliases": [PARTNER]}}}
    stopped = await refused(world, settings.write(world, values=asks))
    assert stopped == {"helm-name-collision", "helm-ssa-conflict"}, "the class names another controller"
    before = await state(world)
    assert "invalid ownership metadata" in await by_hand(world, asks)
    assert await state(world) == before

    ours = " ".join(world.addresses)

    async def settled() -> bool:
        return await published(world, world.addresses)

    async def fought() -> bool:
        return turns(told, ours) > 1

    await until(settled, within=150)
    async with statuses(world) as told:
        await beside(world, RIVAL, {"enabled": False}, class_="nginx")
        assert await refused(world, settings.write(world)) == {"class-shared"}
        await until(fought, within=240)
    theirs = sorted({addresses for _, addresses in told} - {ours})
    record({"statuses": len(told), "ours": ours, "theirs": theirs})
    assert theirs


async def beside(world: World, name: str, resource: dict[str, Any], *, class_: str) -> None:
    """Another release of the chart, of one pod, with an address of its own."""
    given = {
        "controller": {
            "ingressClassResource": resource,
            "ingressClass": class_,
            "admissionWebhooks": {"enabled": False},
        }
    }
    await install(world.lab, given=given, name=name)


def turns(told: Sequence[tuple[str, str]], ours: str) -> int:
    """How often an Ingress went from our addresses to others or back: the most of any."""
    last: dict[str, bool] = {}
    counted: dict[str, int] = {}
    for name, addresses in told:
        mine = addresses == ours
        counted[name] = counted.get(name, 0) + (name in last and last[name] != mine)
        last[name] = mine
    return max(counted.values(), default=0)
