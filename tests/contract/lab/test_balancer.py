"""The lab's balancer in the kernel: who is sent where, whose address is seen, and what goes on existing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from blueshift.lab import namespaces
from blueshift.lab.balancer.backends import Table
from blueshift.lab.balancer.nft import Kernel
from tests.contract.lab.wires import CLIENT, FRONT, NODE, PODS, Said, Wires, said, table, wired

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    with wired() as made:
        yield made


def apply(wires: Wires, wanted: Table) -> None:
    namespaces.inside(wires.path("node"), lambda: asyncio.run(Kernel().apply(wanted)))


@pytest.mark.parametrize("version", [4, 6])
def test_new_connections_go_to_every_pod_of_the_table_and_pods_see_the_client(
    wires: Wires, version: int
) -> None:
    apply(wires, table(version, "one", "two"))
    seen = {wires.ask("client", FRONT[version]) for _ in range(40)}
    assert seen == {Said(name, CLIENT[version]) for name in PODS}
    apply(wires, table(version, "two"))
    assert {wires.ask("client", FRONT[version]) for _ in range(20)} == {Said("two", CLIENT[version])}


@pytest.mark.parametrize("version", [4, 6])
def test_a_connection_outlives_the_removal_of_its_pod(wires: Wires, version: int) -> None:
    apply(wires, table(version, "one"))
    with wires.connect("client", FRONT[version]) as sock:
        assert said(sock).pod == "one"
        apply(wires, table(version, "two"))
        assert said(sock).pod == "one"
        assert wires.ask("client", FRONT[version]).pod == "two"


@pytest.mark.parametrize("version", [4, 6])
def test_without_a_pod_and_at_other_ports_clients_are_refused_at_once(wires: Wires, version: int) -> None:
    front = FRONT[version]
    apply(wires, {front: ()})
    with pytest.raises(ConnectionRefusedError):
        wires.ask("client", front)
    with pytest.raises(ConnectionRefusedError):
        wires.ask("node", front)
    apply(wires, table(version, "one"))
    with pytest.raises(ConnectionRefusedError):
        wires.ask("client", front._replace(port=8080))


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("where", "seen"),
    [
        ("node", NODE),
        # It cannot see its own address: its answer would never leave it.
        ("one", NODE),
        ("two", PODS["two"]),
    ],
)
def test_the_node_and_the_pods_reach_it_too(
    wires: Wires, version: int, where: str, seen: dict[int, str]
) -> None:
    apply(wires, table(version, "one"))
    assert wires.ask(where, FRONT[version]) == Said("one", seen[version])
