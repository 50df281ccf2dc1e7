"""A release that Helm 3 made and has upgraded before is upgraded under load by Helm 3, and by Helm 4."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from blueshift.clock import SystemClock
from blueshift.lab import build, facts
from blueshift.lab.charts import chart
from blueshift.lab.demo import roles, seen, settings
from blueshift.lab.demo.inside import entered, helm, kubectl
from blueshift.lab.demo.upgrade import BLUESHIFT
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, TO, World, point, values
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run
from tests.e2e.command import blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow


async def by_helm_3(lab: Lab, program: Path) -> World:
    """The world with its primary made anew: no field in it is owned as Helm 4 owns them."""
    await helm(lab, "uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout", "180s")
    text = msgspec.json.encode(values(dual_stack=facts.of(lab).ipv6)).decode()
    how = ["-n", NAMESPACE, "-f", "-", "--wait", "--timeout", "180s", "--kubeconfig", str(lab.kubeconfig)]
    for what in ("install", "upgrade"):
        argv = [str(program), what, RELEASE, str(chart(FROM)), *how]
        await run(entered(lab, argv), f"helm 3 {what}", stdin=text)
    return await point(lab, SystemClock())


@pytest.mark.parametrize("major", [3, 4])
@again_if_void
async def test_a_release_of_helm_3_is_upgraded(make_world: MakeWorld, record: Record, major: int) -> None:
    three = await build.helm3(tell, lambda _: None)
    lab = (await make_world(f"helm{major}")).lab
    world = await by_helm_3(lab, three / "helm")
    config = settings.write(world)
    await roles.grant(world, config)
    before = await seen.look(lab)
    # `lab exec` puts the lab's own helm, of version 4, first on PATH; what comes after it may change that.
    program = (BLUESHIFT,) if major == 4 else ("env", f"PATH={three}:{os.environ['PATH']}", BLUESHIFT)
    asked = ("--config", str(config))
    checked = await blueshift(lab, "check", *asked, "--only", "helm-client", "-o", "json", program=program)
    (finding,) = json.loads("\n".join(checked.lines[checked.lines.index("[") :]))
    # Told, where another major version goes on: the next revision is applied by the client as before.
    assert finding["outcome"] == ("pass" if major == 3 else "info"), finding["sentence"]
    async with traffic(world) as counted:
        done = await blueshift(lab, "upgrade", "--yes", *asked, "--output", "plain", program=program)
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    assert_ended(done, 0, counted.summary)
    after = await seen.look(lab)
    assert (before.version, after.version) == (FROM, TO)
    assert after.answers == before.answers
    assert seen.left_behind(before, after) == ()
    fields = await kubectl(
        lab, "get", "-n", NAMESPACE, f"deployment/{RELEASE}-controller", "-o", "json", "--show-managed-fields"
    )
    owners = {(one["manager"], one["operation"]) for one in json.loads(fields)["metadata"]["managedFields"]}
    # As Helm 3 owns them, so that the next `helm upgrade`, of either version, meets no field of others.
    assert ("helm", "Update") in owners, owners
