"""Who gets which LoadBalancer address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiUnreachable
from blueshift.cluster.watch import WatchEvent
from blueshift.lab.loadbalancer import Habits, Pool, addresses_of, allocate, lacking
from blueshift.lab.loadbalancer_controller import Controller
from tests.fakes import ManualClock


def service(name: str = "web", *, has: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"], **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in has]}},
    }


def pools() -> list[Pool]:
    return [Pool("198.18.1.0/30"), Pool("2001:2:0:3::/120")]


def test_both_families_of_a_dual_stack_service() -> None:
    assert allocate(service(), (), pools()) == ("198.18.1.1", "2001:2:0:3::1")


def test_only_the_families_that_it_asks_for() -> None:
    assert allocate(service(ipFamilies=["IPv6"]), (), pools()) == ("2001:2:0:3::1",)


def test_a_family_that_is_added_later_leaves_the_first_address() -> None:
    assert allocate(service(has=("198.18.1.2",)), ("198.18.1.2",), pools()) == ("198.18.1.2", "2001:2:0:3::1")


@pytest.mark.parametrize(
    "other", [{"type": "ClusterIP"}, {"loadBalancerClass": "example.org/other"}], ids=["type", "class"]
)
def test_others_services_are_left_alone(other: dict[str, Any]) -> None:
    assert lacking(service(**other)) == ()


def test_a_full_pool_gives_nothing_to_any_family() -> None:
    taken = ("198.18.1.1", "198.18.1.2", "198.18.1.3")
    assert allocate(service(), taken, pools()) is None


def test_a_fixed_address_is_given_unless_somebody_has_it_or_it_is_not_ours() -> None:
    wants = service(loadBalancerIP="198.18.1.3", ipFamilies=["IPv4"])
    assert allocate(wants, (), pools()) == ("198.18.1.3",)
    assert allocate(wants, ("198.18.1.3",), pools()) is None
    assert allocate(service(loadBalancerIP="192.0.2.1", ipFamilies=["IPv4"]), (), pools()) is None


def test_a_released_address_comes_round_again_last() -> None:
    pool = Pool("198.18.1.0/30")
    assert [pool.take(()) for _ in range(5)] == [
        "198.18.1.1", "198.18.1.2", "198.18.1.3", "198.18.1.1", "198.18.1.2",
    ]  # fmt: skip


@given(st.sets(st.integers(0, 15)), st.integers(0, 20))
def test_what_is_taken_is_never_given(taken: set[int], turns: int) -> None:
    pool = Pool("198.18.1.0/28")
    used = {f"198.18.1.{number}" for number in taken}
    for _ in range(turns):
        given_ = pool.take(used)
        free = {f"198.18.1.{number}" for number in range(1, 16)} - used
        assert given_ in free if free else given_ is None
        used |= {given_} if given_ else set()


class FakeKube(KubeApi):
    """Tells the events that it is fed; remembers what was written."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self.written: list[tuple[str, tuple[str, ...]]] = []
        self.failures = 0
        self.modes: set[str] = set()

    async def watch(self, path: str, **params: Any) -> AsyncIterator[WatchEvent]:
        while True:
            yield await self.events.get()

    async def patch(self, path: str, body: Any, kind: Any = "merge", **params: Any) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise ApiUnreachable("away")
        name = path.split("/")[-2]
        given_ = addresses_of(body)
        self.written.append((name, given_))
        self.modes |= {entry["ipMode"] for entry in body["status"]["loadBalancer"]["ingress"]}
        return service(name, has=given_)


class HeldClock(ManualClock):
    """Sleeps until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self.let_go.wait()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_delay_is_kept_and_a_service_that_is_gone_by_then_gets_nothing() -> None:
    kube, clock = FakeKube(), HeldClock()
    running = asyncio.create_task(Controller(kube, clock, pools(), Habits(delay=30.0)).run())
    for name in ("stays", "goes"):
        kube.events.put_nowait(WatchEvent("ADDED", service(name)))
    await _settle()
    kube.events.put_nowait(WatchEvent("DELETED", service("goes")))
    await _settle()
    assert clock.sleeps == [30.0, 30.0]
    assert kube.written == []
    clock.let_go.set()
    await _settle()
    assert kube.written == [("stays", ("198.18.1.1", "2001:2:0:3::1"))]
    running.cancel()


async def test_a_failed_write_is_tried_again_and_nobody_gets_the_same_address() -> None:
    kube, clock = FakeKube(), ManualClock()
    kube.failures = 1
    running = asyncio.create_task(Controller(kube, clock, pools(), Habits()).run())
    for name in ("one", "two"):
        kube.events.put_nowait(WatchEvent("ADDED", service(name)))
    await _settle()
    given_ = [address for _, addresses in kube.written for address in addresses]
    assert {name for name, _ in kube.written} == {"one", "two"}
    assert len(given_) == len(set(given_)) == 4
    running.cancel()


@pytest.mark.parametrize(
    ("habits", "mode"), [(Habits(delay=1.0), "VIP"), (Habits(deregister_lag=15.0), "Proxy")]
)
async def test_kube_proxy_serves_an_address_unless_the_lab_balances_by_itself(
    habits: Habits, mode: str
) -> None:
    kube = FakeKube()
    running = asyncio.create_task(Controller(kube, ManualClock(), pools(), habits).run())
    kube.events.put_nowait(WatchEvent("ADDED", service()))
    await _settle()
    assert kube.modes == {mode}
    running.cancel()
