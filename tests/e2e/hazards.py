"""What tests of skipped checks share: refusals that change nothing, upgrades by hand, statuses watched."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from blueshift.cli.errors import ExitCode
from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import application, facts
from blueshift.lab.demo import seen
from blueshift.lab.demo.inside import entered, helm, listed
from blueshift.lab.demo.world import (
    NAMESPACE,
    RELEASE,
    TO,
    World,
    install,
    questions,
    unanswered,
    values,
)
from blueshift.lab.processes import killed
from tests.e2e.command import Ended, blueshift

BAD = re.compile(r"^(?:FAIL|NOT LOOKED) +([a-z][a-z0-9.-]+): ", re.MULTILINE)
"""How a refusal names a check: those that stop the upgrade come first."""
STOPS = re.compile(r"\b(\d+) of these stop an upgrade$", re.MULTILINE)
SNIPPET = 'nginx.ingress.kubernetes.io/configuration-snippet=more_set_headers "X-Team: shop";'
"""An annotation for `kubectl annotate` that controllers from 1.12 on leave out, and its Ingress with it."""
KINDS = (
    "namespaces,ingressclasses,clusterroles,clusterrolebindings,validatingwebhookconfigurations",
    "deployments,services,configmaps,ingresses,poddisruptionbudgets",
)
_EACH = 'jsonpath={.metadata.name}={.status.loadBalancer.ingress[*].ip}{"\\n"}'
_CONTROLLER = "app.kubernetes.io/component=controller"


async def upgrade(world: World, config: Path, *skip: str) -> Ended:
    """`blueshift upgrade --yes` without these checks, as cluster-admin: no refusal is for want of a right."""
    words = [word for check in skip for word in ("--skip", check)]
    confirmed = ["--skip-confirmed", RELEASE] if skip else []
    return await blueshift(
        world.lab,
        *("upgrade", "--yes", "--config", str(config), "--output", "plain", *words, *confirmed),
        admin=True,
    )


async def refused(world: World, config: Path, *skip: str) -> set[str]:
    """The checks that stop the upgrade; that nothing was changed is seen from outside."""
    before = await state(world)
    ended = await upgrade(world, config, *skip)
    assert ended.code == ExitCode.REFUSED, ended.why
    assert await state(world) == before
    counted = STOPS.search(ended.text)
    assert counted, ended.why
    return set(BAD.findall(ended.text)[: int(counted[1])])


async def state(world: World) -> tuple[seen.Seen, Mapping[str, Any]]:
    """Names, releases, leases, and what every object is to be; not what its controllers write into it."""
    looked = await seen.look(world.lab)
    items = [item for kinds in KINDS for item in await listed(world.lab, kinds, "-A")]
    wanted = {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": {
            **{part: value for part, value in item.items() if part not in ("metadata", "status")},
            "annotations": item["metadata"].get("annotations"),
        }
        for item in items
    }
    return looked, wanted


async def by_hand(world: World, given: Mapping[str, Any]) -> str:
    """A person's `helm upgrade` to the target with more values; what helm says where it fails, or nothing."""
    try:
        await install(world.lab, TO, merged(values(dual_stack=facts.of(world.lab).ipv6), given))
    except BlueshiftError as error:
        return error.message
    return ""


async def status_of_release(world: World) -> str:
    """What Helm's newest record says: `deployed`, `failed`."""
    return str(
        json.loads(await helm(world.lab, "status", RELEASE, "-n", NAMESPACE, "-o", "json"))["info"]["status"]
    )


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over others, as helm does."""
    both = {key: merged(base[key], value) for key, value in over.items() if _nested(base.get(key), value)}
    return {**base, **over, **both}


def _nested(one: Any, other: Any) -> bool:
    return isinstance(one, Mapping) and isinstance(other, Mapping)


async def silent(world: World) -> set[str]:
    """Hosts that the primary's own addresses do not answer for as they should."""
    left = await unanswered(world, questions(world.addresses), SystemClock())
    return {route.host for _, route in left}


async def controllers(world: World) -> list[dict[str, Any]]:
    """The primary's pods that are not told to end."""
    found = await listed(world.lab, "pods", "-n", NAMESPACE, "-l", _CONTROLLER)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


async def settled(world: World) -> None:
    """Every pod that was told to end has ended."""
    async with asyncio.timeout(330):
        while True:
            pods = await listed(world.lab, "pods", "-n", NAMESPACE, "-l", _CONTROLLER)
            if not any("deletionTimestamp" in pod["metadata"] for pod in pods):
                return
            await asyncio.sleep(1)


@asynccontextmanager
async def statuses(world: World) -> AsyncIterator[list[tuple[str, str]]]:
    """(Ingress, its addresses) as they are, then at every change while the block lasts."""
    kubectl = [str(facts.of(world.lab).tools / "kubectl"), "--kubeconfig", str(world.lab.kubeconfig)]
    watch = ["get", "ingress", "-n", application.NAMESPACE, "--watch", "-o", _EACH]
    process = await asyncio.create_subprocess_exec(
        *entered(world.lab, [*kubectl, *watch]), stdout=asyncio.subprocess.PIPE
    )
    told: list[tuple[str, str]] = []

    async def read() -> None:
        assert process.stdout
        async for line in process.stdout:
            name, _, addresses = line.decode().strip().partition("=")
            told.append((name, addresses))

    reading = asyncio.create_task(read())
    try:
        yield told
    finally:
        await killed(process)
        await reading


async def published(world: World, addresses: Sequence[str]) -> bool:
    """Whether every Ingress of the application has these addresses in its status, and no others."""
    items = await listed(world.lab, "ingress", "-n", application.NAMESPACE)
    found = [item["status"]["loadBalancer"].get("ingress", ()) for item in items]
    return all([one.get("ip") for one in each] == list(addresses) for each in found)


async def until(look: Callable[[], Awaitable[bool]], *, within: float) -> None:
    """Look each second; raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            if await look():
                return
            await asyncio.sleep(1)
