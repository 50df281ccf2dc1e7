"""The bench's accounts: what of a run's time anybody would have had to wait for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.account import Noted, waits
from tests.bench.eyes import Eyes, Sight
from tests.bench.outside import Outside
from tests.fakes import ManualClock

NOBODY = Outside({}, {}, least=20.0, window=15.0, quiet=30.0, answering=10.0)


def deployment(at: float, generation: int, *, namespace: str = "web", **status: int) -> Sight:
    metadata = {"name": "web-controller", "namespace": namespace, "generation": generation}
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": generation}
    thing = {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, "status": counts | status}
    return Sight(at, {"type": "MODIFIED", "object": thing})


def rollout(*sights: Sight, until: float) -> Any:
    """Of a wait for the primary's rollout from the instant 100 on."""
    eyes = Eyes(ManualClock())
    eyes.objects.extend(sights)
    noted = Noted({}, (), (("forward/harden", "rollout", 100.0, until),), (), (), 0.0)
    (found,) = waits(noted, {"steps": {"forward/harden": {}}}, eyes, NOBODY)
    return found


def test_a_rollout_is_waited_for_until_every_replica_is_new_and_available() -> None:
    found = rollout(deployment(99, 2, updatedReplicas=1), deployment(112.5, 2), until=113.0)
    assert (found.inherent, found.notice) == (12.5, 0.5)


def test_the_rollout_of_the_next_step_is_no_part_of_this_wait() -> None:
    begun = deployment(114.8, 3, updatedReplicas=0, observedGeneration=2)
    found = rollout(deployment(99, 2, updatedReplicas=1), deployment(112.5, 2), begun, until=113.0)
    assert (found.inherent, found.notice) == (12.5, 0.5)


def test_a_watch_may_tell_late_what_the_run_has_seen_in_time() -> None:
    found = rollout(deployment(99, 2, updatedReplicas=1), deployment(114.0, 2), until=113.0)
    assert (found.inherent, found.notice) == (13.0, 0.0)


@pytest.mark.parametrize(
    "other", [deployment(112.5, 2, namespace="web-blueshift"), deployment(112.5, 2, availableReplicas=1)]
)
def test_a_wait_of_which_nobody_outside_saw_the_end_is_added_whole(other: Sight) -> None:
    found = rollout(deployment(99, 2, updatedReplicas=1), other, until=113.0)
    assert (found.inherent, found.notice) == (0.0, None)
