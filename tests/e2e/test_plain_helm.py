"""What a plain `helm upgrade` of the same release costs under the same traffic: what Blueshift is for."""

from __future__ import annotations

import pytest

from blueshift.lab.demo import seen
from blueshift.lab.demo.world import TO, install
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import traffic


@pytest.mark.slow
async def test_a_plain_helm_upgrade_is_counted(make_world: MakeWorld, record: Record) -> None:
    world = await make_world("plain")
    async with traffic(world) as counted:
        await install(world.lab, TO)
    summary = counted.summary
    kinds = {kind: {"requests": n.requests, "failed": n.failed} for kind, n in summary.by_kind.items()}
    record(
        {
            "requests": summary.requests,
            "failed": summary.failed,
            "stale_closed": summary.stale_closed,
            "max_gap_s": summary.max_gap_s,
            "by_kind": kinds,
            "by_phase": summary.by_phase,
        },
    )
    # How many fail is chance; that the count itself is sound is not.
    assert summary.unmatched == 0
    assert summary.requests > 1000
    assert (await seen.look(world.lab)).version == TO
