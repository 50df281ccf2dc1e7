"""Checks skipped in whole runs under traffic: what comes after them holds the run, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.lab import application, facts
from blueshift.lab.demo import settings
from blueshift.lab.demo.inside import kubectl
from blueshift.lab.demo.run import step_of
from blueshift.lab.demo.world import World, install, questions, values
from blueshift.lab.sites import SHOP
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import SNIPPET, merged, refused, settled, silent, status_of_release, upgrade
from tests.e2e.test_skips import RENAMED, loosen
from tests.e2e.traffic import Counted, again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow

HOLDS = 5


@again_if_void
async def test_snippets_across_1_12(make_world: MakeWorld, record: Record) -> None:
    """nginx-crossing-1.12. The new primary leaves the Ingress out: Helm is content, the proof is not.

    After a plain `helm upgrade` the host would answer 404, as it does at the primary's own address while the
    run holds; its clients are on the temporary.
    """
    world = await make_world("snippets")
    snippets = {"controller": {"allowSnippetAnnotations": True}}
    await install(world.lab, given=merged(values(dual_stack=facts.of(world.lab).ipv6), snippets))
    await settled(world)
    await kubectl(world.lab, "annotate", "ingress", "shop", "-n", application.NAMESPACE, SNIPPET)
    config = settings.write(world)
    assert await refused(world, config) == {"nginx-crossing-1.12"}
    assert await silent(world) == set()

    counted, said = await held(world, "nginx-crossing-1.12")
    record(figures(counted))
    assert SHOP in said
    assert await silent(world) == {SHOP}
    assert await status_of_release(world) == "deployed"


@again_if_void
async def test_an_immutable_field_in_a_run(make_world: MakeWorld, record: Record) -> None:
    """helm-immutable-field. Helm fails with the Services changed; nobody is there any more to notice."""
    world = await make_world("held")
    counted, said = await held(world, "helm-immutable-field", "helm-ssa-conflict", target=RENAMED)
    record(figures(counted))
    assert "field is immutable" in said
    assert await status_of_release(world) == "failed"
    assert await silent(world) == {route.host for _, route in questions(world.addresses)}


@again_if_void
async def test_a_field_of_somebody_else_in_a_run(make_world: MakeWorld, record: Record) -> None:
    """helm-ssa-conflict. The first revision that sets the field is the hardened one, of the old version."""
    world = await make_world("owned")
    await loosen(world)
    counted, said = await held(world, "helm-ssa-conflict", step="harden")
    record(figures(counted))
    assert "conflict" in said
    assert await status_of_release(world) == "failed"


async def held(
    world: World, *skip: str, target: dict[str, Any] | None = None, step: str = "upgrade"
) -> tuple[Counted, str]:
    """Run the upgrade without these checks under traffic; it holds in that step, and no request fails."""
    config = settings.write(world, values=target or {})
    async with traffic(world) as counted:
        ended = await upgrade(world, config, *skip)
    assert_ended(ended, HOLDS, counted.summary)
    assert await step_of(world.lab) == f"forward/{step}"
    return counted, ended.text


def figures(counted: Counted) -> dict[str, Any]:
    """What the traffic said."""
    return {"requests": counted.summary.requests, "failed": counted.summary.failed}
