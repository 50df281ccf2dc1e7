"""Checks of how pods end, skipped: a blanked status, and a hook that never runs."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.lab import facts, namespaces
from blueshift.lab.charts import chart
from blueshift.lab.demo import settings
from blueshift.lab.demo.inside import helm, kubectl, listed
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, World, values
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import by_hand, controllers, merged, published, refused, settled, statuses, until

pytestmark = pytest.mark.slow

SLEEP = 60
"""Seconds for which the hook would keep a pod serving, if it ran."""
HOOK = ["/bin/sh", "-c", f"/opt/acme/leave-balancer && sleep {SLEEP} && /wait-shutdown"]
"""A company's own, and so not replaced by hardening; its first program is in no image."""
PINNED = "- --update-status-on-shutdown=true\n"
"""A line of a company's chart, after all that values say: of two flags the last one counts."""


async def test_how_pods_end(make_world: MakeWorld, tmp_path: Path, record: Record) -> None:
    """nginx-status-race and nginx-prestop-binary: each stops the upgrade alone, and one bump shows both.

    The plan's steps would do the same: no value reaches the flag that this chart pins, and hardening leaves a
    hook alone that it does not know. So the last old pod blanks every status, and the hook of every old pod
    fails. `minReadySeconds` lets one old pod have ended before the last one is told to: a last pod that still
    sees another blanks nothing (and neither with two published addresses; shared/samples, fact 18).
    """
    world = await make_world("ending")
    address = world.addresses[0]
    given = {
        "controller": {
            "publishService": {"enabled": False},
            "extraArgs": {"publish-status-address": address},
            "lifecycle": {"preStop": {"exec": {"command": HOOK}}},
            "minReadySeconds": 20,
        }
    }
    await install_fork(world, tmp_path / "chart", given)
    await settled(world)

    async def one_published() -> bool:
        return await published(world, [address])

    await until(one_published, within=240)
    config = settings.write(world)
    both = {"nginx-status-race", "nginx-prestop-binary"}
    assert await refused(world, config) == both
    for one in both:
        assert await refused(world, config, one) == both - {one}
    old = {pod["metadata"]["name"] for pod in await controllers(world)}
    async with statuses(world) as told:
        assert await by_hand(world, given) == ""
        await settled(world)
    blanked = {name for name, addresses in told if not addresses}
    assert blanked == {name for name, _ in told}, "the last old pod takes all away"
    assert await failed_hooks(world) >= old

    pod = (await controllers(world))[0]
    name = pod["metadata"]["name"]
    await kubectl(world.lab, "delete", "pod", name, "-n", NAMESPACE, "--wait=false")

    async def refuses() -> bool:
        return not await accepts(world, pod["status"]["podIP"])

    # A load balancer that has not heard of it yet still sends here, for as long as the hook was to take.
    await until(refuses, within=SLEEP / 2)
    ending = {item["metadata"]["name"] for item in await listed(world.lab, "pods", "-n", NAMESPACE)}
    record({"blanked": len(blanked), "failed_hooks": len(old), "refuses_while_ending": name in ending})
    assert name in ending
    assert name in await failed_hooks(world)


async def install_fork(world: World, folder: Path, given: dict[str, Any]) -> None:
    """The primary anew, in its version, from a chart that pins the flag."""
    shutil.copytree(chart(FROM), folder)
    template = folder / "templates" / "_args.tpl"
    text = template.read_text()
    assert text.rstrip().endswith("{{- end -}}")
    template.write_text(text.rstrip().removesuffix("{{- end -}}") + PINNED + "{{- end -}}\n")
    content = merged(values(dual_stack=facts.of(world.lab).ipv6), given)
    await helm(
        world.lab, "upgrade", RELEASE, str(folder), "-n", NAMESPACE, "--wait", "--timeout", "300s",
        "-f", "-", stdin=msgspec.json.encode(content).decode(),
    )  # fmt: skip


async def failed_hooks(world: World) -> set[str]:
    """Pods whose preStop hook failed, as their kubelet says."""
    found = await listed(world.lab, "events", "-n", NAMESPACE, "--field-selector", "reason=FailedPreStopHook")
    return {event["involvedObject"]["name"] for event in found}


async def accepts(world: World, address: str) -> bool:
    """Whether somebody listens there, asked from the node."""

    async def connected() -> bool:
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(address, 80)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    where = world.lab.netns_path
    return await asyncio.to_thread(namespaces.inside, where, lambda: asyncio.run(connected()))
