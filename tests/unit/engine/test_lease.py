"""The Lease tells who is alive, by watching and never by comparing clocks."""

from __future__ import annotations

from typing import Any, cast

import pytest

from blueshift.engine.lease import DURATION, Held, Lease
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

PATH = "/apis/coordination.k8s.io/v1/namespaces/ingress/leases/blueshift-demo"


def lease(kube: FakeKube, clock: ManualClock, holder: str) -> Lease:
    return Lease(cast(Any, kube), clock, "ingress", "demo", holder)


async def test_a_living_holder_is_named_to_the_second_operator() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1")

    def renew(verb: str, path: str) -> None:
        if verb == "get" and clock.elapsed > 3:
            kube.hook = lambda verb, path: None
            kube.objects[PATH] = kube._stamp(kube.objects[PATH])

    kube.hook = renew
    with pytest.raises(Held, match=r"ann@laptop, run r1") as error:
        await lease(kube, clock, "bob@desk").acquire("r2")
    assert "blueshift resume r1" in (error.value.hint or "")
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "ann@laptop"


async def test_a_dead_holder_is_replaced_after_the_lease_has_been_watched() -> None:
    kube, clock = FakeKube(), ManualClock()
    await lease(kube, clock, "ann@laptop").acquire("r1")
    await lease(kube, clock, "bob@desk").acquire("r1")
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "bob@desk"
    assert clock.elapsed >= DURATION


async def test_a_released_lease_is_taken_at_once() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1")
    await first.release(finished=False)
    await lease(kube, clock, "bob@desk").acquire("r1")
    assert clock.elapsed == 0


async def test_a_finished_run_leaves_no_lease() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1")
    await first.release(finished=True)
    assert PATH not in kube.objects


async def test_a_lease_taken_by_another_is_noticed() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1")
    kube.objects[PATH]["spec"]["holderIdentity"] = "bob@desk"
    await first.keep()
    with pytest.raises(Held, match="bob@desk"):
        first.check()
    await first.release(finished=True)
    assert PATH in kube.objects, "what is not ours is not deleted"
