"""Life goes on during a run: hosts come and go, a certificate is renewed, and both sides have all of it."""

from __future__ import annotations

from collections import Counter

import pytest

from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.world import TO
from tests.e2e.command import blueshift
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.life import life
from tests.e2e.traffic import traffic

pytestmark = pytest.mark.slow


async def test_what_is_new_meanwhile_is_served_by_both_sides(make_world: MakeWorld, record: Record) -> None:
    world = await make_world("life")
    before = await seen.look(world.lab)
    config = settings.write(world)
    async with traffic(world) as counted, life(world) as lived:
        ended = await blueshift(world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain")
    summary = counted.summary
    reasons = Counter(f"{one.phase}: {one.reason}" for one in summary.failures)
    record({"requests": summary.requests, "failed": summary.failed, "rounds": lived.rounds, **lived.served})
    record({"reasons": dict(reasons), "stale_closed": summary.stale_closed, "refused": lived.refused})
    assert ended.code == 0, ended.why
    after = await seen.look(world.lab)
    assert (after.version, after.answers) == (TO, before.answers)
    assert seen.left_behind(before, after) == ()
