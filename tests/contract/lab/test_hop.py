"""The lab's balancer as a hop: whose address pods see, what they are told, and what is carried whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import namespaces
from blueshift.lab.addresses import IPV4, IPV6
from blueshift.lab.balancer.backends import Backend, Table
from blueshift.lab.balancer.hop import Hop
from tests.contract.lab.wires import CLIENT, FRONT, NODE, PODS, PORT, Said, Wires, said, table, wired

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
MUCH = 3_000_000
"""Bytes; more than all buffers on the way hold."""


class Running:
    """A hop in the node's network, in a thread of its own."""

    def __init__(self, wires: Wires) -> None:
        self._loop = asyncio.new_event_loop()
        self._hop = Hop(SystemClock(), {IPV4.pool: IPV4.node, IPV6.pool: IPV6.node})
        self._thread = threading.Thread(
            target=namespaces.inside, args=(wires.path("node"), self._loop.run_forever)
        )
        self._thread.start()

    def apply(self, wanted: Table) -> None:
        asyncio.run_coroutine_threadsafe(self._hop.apply(wanted), self._loop).result(timeout=20)

    def end(self) -> None:
        self.apply({})
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    with wired() as made:
        yield made


@pytest.fixture(scope="module")
def hop(wires: Wires) -> Iterator[Running]:
    running = Running(wires)
    yield running
    running.end()


@pytest.mark.parametrize("version", [4, 6])
def test_pods_see_the_balancer_and_not_the_client(wires: Wires, hop: Running, version: int) -> None:
    front = FRONT[version]
    hop.apply(table(version, "one", "two"))
    assert {wires.ask("client", front) for _ in range(4)} == {Said(name, front.address) for name in PODS}
    hop.apply(table(version, "two"))
    assert {wires.ask("client", front).pod for _ in range(4)} == {"two"}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("where", "client"), [("client", CLIENT), ("node", NODE), ("two", PODS["two"])])
def test_where_the_service_asks_for_it_a_header_tells_the_client(
    wires: Wires, hop: Running, version: int, where: str, client: dict[int, str]
) -> None:
    front = FRONT[version]._replace(announced=True)
    hop.apply({front: (Backend(PODS["one"][version], PORT),)})
    with wires.connect(where, front) as sock:
        first, second = said(sock), said(sock)
        own, port = sock.getsockname()[:2]
    assert own == client[version]
    assert first.client == front.address
    assert first.before == f"PROXY TCP{version} {own} {front.address} {port} {front.port}"
    assert second.before == "", "once, and first of all"


def test_a_connection_outlives_the_removal_of_its_pod_and_the_listening(wires: Wires, hop: Running) -> None:
    hop.apply(table(4, "one"))
    with wires.connect("client", FRONT[4]) as sock:
        assert said(sock).pod == "one"
        hop.apply(table(4, "two"))
        assert wires.ask("client", FRONT[4]).pod == "two"
        hop.apply({FRONT[4]: ()})
        assert said(sock).pod == "one"


@pytest.mark.parametrize("version", [4, 6])
def test_without_a_pod_and_at_other_ports_clients_are_refused_at_once(
    wires: Wires, hop: Running, version: int
) -> None:
    front = FRONT[version]
    hop.apply({front: ()})
    for where in ("client", "node"):
        with pytest.raises(ConnectionRefusedError):
            wires.ask(where, front)
    hop.apply(table(version, "one"))
    with pytest.raises(ConnectionRefusedError):
        wires.ask("client", front._replace(port=8080))


def test_a_pod_that_refuses_ends_the_clients_connection(wires: Wires, hop: Running) -> None:
    hop.apply({FRONT[4]: (Backend(PODS["one"][4], PORT + 1),)})
    with wires.connect("client", FRONT[4]) as sock:
        sock.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(10) == b""


def test_much_is_carried_whole_and_an_end_is_passed_on(wires: Wires, hop: Running) -> None:
    """The pod answers each question: it begins to when the last byte of a long one has come."""
    hop.apply(table(4, "one"))
    with wires.connect("client", FRONT[4]) as sock:
        sock.settimeout(20)
        sock.sendall(b"x" * MUCH + b"?")
        answer = _read(sock, MUCH)
        assert answer.count(b"x") == MUCH
        # We have said all; the pod says goodbye, and ends too.
        sock.shutdown(socket.SHUT_WR)
        assert (answer + _read(sock)).endswith(b"\nbye")


def _read(sock: socket.socket, least: int = 1 << 40) -> bytes:
    parts, size = [], 0
    while size < least and (data := sock.recv(65536)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)
