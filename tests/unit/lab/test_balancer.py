"""Where the lab's own balancer sends, and how long it still sends to a pod that ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from blueshift.cluster.api import KubeApi
from blueshift.cluster.watch import WatchEvent
from blueshift.lab.balancer.backends import ANNOUNCED, Backend, Backends, Front, Table, ready
from blueshift.lab.balancer.nft import rules
from blueshift.lab.balancer.watch import Balancer
from tests.fakes import ManualClock

HTTPS = Front("198.18.1.1", "tcp", 443)
HTTPS6 = Front("2001:2:0:3::1", "tcp", 443)
ONE, TWO = Backend("198.18.64.5", 8443), Backend("198.18.64.6", 8443)
ONE6 = Backend("2001:2:0:2::5", 8443)


def service(*addresses: str, ports: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "edge", "uid": "web"},
        "spec": {"ports": list(ports or ({"name": "https", "port": 443},))},
        "status": {"loadBalancer": {"ingress": [{"ip": address} for address in addresses]}},
    }


def endpoints(name: str, *pods: str | tuple[str, bool | None], **other: Any) -> dict[str, Any]:
    given = [pod if isinstance(pod, tuple) else (pod, True) for pod in pods]
    return {
        "metadata": {
            "name": name,
            "namespace": "edge",
            "uid": name,
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv6" if any(":" in address for address, _ in given) else "IPv4",
        "ports": [{"name": "https", "port": 8443}, {"name": "http", "port": 8080}],
        "endpoints": [
            {"addresses": [address], "conditions": {} if is_ready is None else {"ready": is_ready}}
            for address, is_ready in given
        ],
        **other,
    }


def test_each_address_leads_to_the_ready_pods_of_its_own_family_at_the_port_of_that_name() -> None:
    slices = (
        endpoints("a", (ONE.address, None), (TWO.address, False)),
        endpoints("b", ONE6.address),
        endpoints("c", "198.18.64.9", metadata={"name": "c", "namespace": "other", "uid": "c"}),
    )
    found = ready([service(HTTPS.address, HTTPS6.address)], slices)
    assert found == {HTTPS: frozenset({ONE}), HTTPS6: frozenset({ONE6})}


def test_ports_without_a_name_and_udp() -> None:
    port = {"port": 53, "protocol": "UDP"}
    unnamed = endpoints("a", ONE.address, ports=[{"name": None, "port": 5353}])
    found = ready([service("198.18.1.1", ports=(port,))], [unnamed])
    assert found == {Front("198.18.1.1", "udp", 53): frozenset({Backend(ONE.address, 5353)})}


@pytest.mark.parametrize(("value", "announced"), [("true", True), ("false", False), (None, False)])
def test_a_service_asks_for_proxy_headers_by_its_annotation(value: str | None, announced: bool) -> None:
    asking = service(HTTPS.address)
    asking["metadata"] |= {} if value is None else {"annotations": {ANNOUNCED: value}}
    assert list(ready([asking], [])) == [HTTPS._replace(announced=announced)]


def test_a_service_without_an_address_has_no_balancer() -> None:
    assert ready([service()], [endpoints("a", ONE.address)]) == {}


def test_a_pod_that_ends_is_sent_to_for_the_lag_and_a_new_one_at_once() -> None:
    backends = Backends(15.0)
    assert backends.settle({HTTPS: frozenset({ONE})}, 0.0) == ({HTTPS: (ONE,)}, None)
    assert backends.settle({HTTPS: frozenset({TWO})}, 10.0) == ({HTTPS: (ONE, TWO)}, 25.0)
    # Another change meanwhile does not begin the lag anew.
    assert backends.settle({HTTPS: frozenset({TWO})}, 24.9) == ({HTTPS: (ONE, TWO)}, 25.0)
    assert backends.settle({HTTPS: frozenset({TWO})}, 25.0) == ({HTTPS: (TWO,)}, None)


def test_a_pod_that_is_ready_again_stays() -> None:
    backends = Backends(15.0)
    backends.settle({HTTPS: frozenset({ONE})}, 0.0)
    backends.settle({HTTPS: frozenset()}, 10.0)
    assert backends.settle({HTTPS: frozenset({ONE})}, 20.0) == ({HTTPS: (ONE,)}, None)
    assert backends.settle({HTTPS: frozenset()}, 30.0) == ({HTTPS: (ONE,)}, 45.0)
    assert backends.settle({HTTPS: frozenset()}, 45.0) == ({HTTPS: ()}, None)


def test_with_its_service_a_balancer_goes_at_once() -> None:
    backends = Backends(15.0)
    backends.settle({HTTPS: frozenset({ONE})}, 0.0)
    assert backends.settle({}, 1.0) == ({}, None)
    assert backends.settle({HTTPS: frozenset({TWO})}, 2.0) == ({HTTPS: (TWO,)}, None)


def test_the_rules_send_to_every_backend_and_refuse_what_nobody_serves() -> None:
    text = rules({HTTPS: (ONE, TWO), HTTPS6: ()})
    assert (
        "ip daddr 198.18.1.1 tcp dport 443 dnat ip to "
        "numgen random mod 2 map { 0 : 198.18.64.5 . 8443, 1 : 198.18.64.6 . 8443 }" in text
    )
    assert "ip6 daddr 2001:2:0:3::1 tcp dport" not in text
    assert "ip6 daddr 2001:2:0:3::1 meta l4proto tcp reject with tcp reset" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_the_kernel_takes_the_rules_again_and_again() -> None:
    """Without a mark of the lab: a namespace of its own ends with the command."""
    full = rules({HTTPS: (ONE, TWO), HTTPS6: (ONE6,)})
    script = "nft -f - <<'E'\n" + full + "E\n"
    last = "nft -f - <<'E'\n" + rules({HTTPS: (TWO,)}) + "E\nnft list ruleset"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-e", "-c", script * 2 + last], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert TWO.address in done.stdout
    assert ONE.address not in done.stdout, "what was is replaced"


class FakeKube(KubeApi):
    def __init__(self) -> None:
        self.events: dict[str, asyncio.Queue[WatchEvent]] = {
            kind: asyncio.Queue() for kind in ("services", "endpointslices")
        }

    async def watch(self, path: str, **params: Any) -> AsyncIterator[WatchEvent]:
        while True:
            yield await self.events[path.rpartition("/")[2]].get()

    def tell(self, kind: str, type_: Any, found: dict[str, Any]) -> None:
        self.events[kind].put_nowait(WatchEvent(type_, found))


class Remembered:
    def __init__(self) -> None:
        self.tables: list[Table] = []

    async def apply(self, table: Table) -> None:
        self.tables.append(table)


class Expiring(ManualClock):
    """A timeout ends when the clock is moved over it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[tuple[float, asyncio.Timeout]] = []

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        async with asyncio.timeout(None) as scope:
            waited = (self.now() + seconds, scope)
            self.waited.append(waited)
            try:
                yield scope
            finally:
                self.waited.remove(waited)

    async def move(self, seconds: float) -> None:
        self.advance(seconds)
        for ends, scope in self.waited:
            if ends <= self.now():
                scope.reschedule(asyncio.get_running_loop().time())
        await _settle()


async def _settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_the_way_is_told_every_change_and_the_end_of_the_lag() -> None:
    kube, clock, way = FakeKube(), Expiring(), Remembered()
    running = asyncio.create_task(Balancer(kube, clock, way, 15.0).run())
    kube.tell("endpointslices", "ADDED", endpoints("a", ONE.address))
    kube.tell("services", "ADDED", service(HTTPS.address))
    await _settle()
    assert way.tables[-1] == {HTTPS: (ONE,)}
    kube.tell("endpointslices", "MODIFIED", endpoints("a", (ONE.address, False), TWO.address))
    await _settle()
    assert way.tables[-1] == {HTTPS: (ONE, TWO)}
    told = len(way.tables)
    await clock.move(14.0)
    # A change of something else is none of the table.
    kube.tell("services", "MODIFIED", {**service(HTTPS.address), "more": True})
    await _settle()
    assert len(way.tables) == told
    await clock.move(1.0)
    assert way.tables[-1] == {HTTPS: (TWO,)}
    kube.tell("services", "DELETED", service(HTTPS.address))
    await _settle()
    assert way.tables[-1] == {}
    running.cancel()
