"""The Lease tells who is alive, by watching and never by comparing clocks."""

from __future__ import annotations

from typing import Any, cast

import pytest

from blueshift.engine.lease import DURATION, Claim, Held, Lease
from blueshift.errors import BlueshiftError
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

PATH = "/apis/coordination.k8s.io/v1/namespaces/ingress/leases/blueshift-demo"


def lease(kube: FakeKube, clock: ManualClock, holder: str) -> Lease:
    return Lease(cast(Any, kube), clock, "ingress", "demo", holder, "blueshift")


async def anybody(claim: Claim) -> None:
    """Whatever the lease said until now."""


async def test_a_living_holder_is_named_to_the_second_operator() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)

    def renew(verb: str, path: str) -> None:
        if verb == "get" and clock.elapsed > 3:
            kube.hook = lambda verb, path: None
            kube.objects[PATH] = kube._stamp(kube.objects[PATH])

    kube.hook = renew
    with pytest.raises(Held, match=r"ann@laptop, run r1") as error:
        await lease(kube, clock, "bob@desk").acquire("r2", anybody)
    for command in ("status r1", "takeover r1", "resume r1"):
        assert f"`blueshift {command}`" in (error.value.hint or "")
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "ann@laptop"


async def test_a_dead_holder_is_replaced_after_the_lease_has_been_watched() -> None:
    kube, clock = FakeKube(), ManualClock()
    await lease(kube, clock, "ann@laptop").acquire("r1", anybody)
    await lease(kube, clock, "bob@desk").acquire("r1", anybody)
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "bob@desk"
    assert clock.elapsed >= DURATION


async def test_a_released_lease_is_taken_at_once() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)
    await first.release(finished=False)
    await lease(kube, clock, "bob@desk").acquire("r1", anybody)
    assert clock.elapsed == 0


async def test_a_finished_run_leaves_no_lease() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)
    await first.release(finished=True)
    assert PATH not in kube.objects


async def test_a_lease_taken_by_another_is_noticed() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)
    kube.objects[PATH]["spec"]["holderIdentity"] = "bob@desk"
    await first.keep()
    with pytest.raises(Held, match="bob@desk"):
        first.check()
    await first.release(finished=True)
    assert PATH in kube.objects, "what is not ours is not deleted"


async def test_what_it_said_is_asked_about_before_it_is_overwritten() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)
    await first.release(finished=False)
    asked: list[Claim] = []

    async def refuse(claim: Claim) -> None:
        asked.append(claim)
        raise BlueshiftError("r1 is not over")

    with pytest.raises(BlueshiftError, match="r1 is not over"):
        await lease(kube, clock, "bob@desk").acquire("r2", refuse)
    assert [(claim.run, claim.state, claim.holder) for claim in asked] == [("r1", "blueshift", "")]
    assert kube.objects[PATH]["metadata"]["annotations"]["blueshift.dev/run"] == "r1"


async def test_a_living_holder_loses_it_to_a_take_over_and_says_to_whom() -> None:
    kube, clock = FakeKube(), ManualClock()
    first, second = lease(kube, clock, "ann@laptop"), lease(kube, clock, "bob@desk")
    await first.acquire("r1", anybody)
    await second.seize("r1", "ann@laptop")
    assert clock.elapsed == 0
    await first.keep()
    with pytest.raises(Held, match=r"run r1 was taken over by bob@desk: this process does nothing more"):
        first.check()


async def test_a_take_over_that_comes_late_takes_nothing() -> None:
    kube, clock = FakeKube(), ManualClock()
    first = lease(kube, clock, "ann@laptop")
    await first.acquire("r1", anybody)
    await lease(kube, clock, "bob@desk").seize("r1", "ann@laptop")
    with pytest.raises(Held, match=r"run r1 is no longer carried by ann@laptop: nothing was changed"):
        await lease(kube, clock, "eve@far").seize("r1", "ann@laptop")
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "bob@desk"


async def test_a_renewal_in_between_does_not_save_the_holder() -> None:
    kube, clock = FakeKube(), ManualClock()
    await lease(kube, clock, "ann@laptop").acquire("r1", anybody)

    def renew(verb: str, path: str) -> None:
        if verb == "replace":
            kube.hook = lambda verb, path: None
            kube.objects[PATH] = kube._stamp(kube.objects[PATH])

    kube.hook = renew
    await lease(kube, clock, "bob@desk").seize("r1", "ann@laptop")
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "bob@desk"
