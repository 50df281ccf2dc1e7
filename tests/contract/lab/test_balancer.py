"""The lab's balancer in the kernel: who is sent where, whose address is seen, and what goes on existing.

A node, two pods and a client in network namespaces of their own, and no cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueshift.lab import namespaces
from blueshift.lab.balancer.backends import Backend, Front, Table
from blueshift.lab.balancer.nft import Kernel
from blueshift.lab.paths import NETNS_FOLDER

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]

PORT = 8443
CLIENT = {4: "198.18.0.100", 6: "2001:2::64"}
NODE = {4: "198.18.0.1", 6: "2001:2::1"}
PODS = {
    "one": {4: "198.18.64.5", 6: "2001:2:0:2::5"},
    "two": {4: "198.18.64.6", 6: "2001:2:0:2::6"},
}
FRONT = {4: Front("198.18.1.1", "tcp", 443), 6: Front("2001:2:0:3::1", "tcp", 443)}
ANY = {4: "0.0.0.0/0", 6: "::/0"}


def ip(text: str) -> None:
    done = subprocess.run(["ip", *text.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {text}: {done.stderr}"


class Wires:
    """The namespaces, with a server in each pod that tells its name and whom it sees."""

    def __init__(self) -> None:
        self.made = {name: f"t{os.getpid()}-{name}" for name in ("node", "client", *PODS)}
        self._listening: list[socket.socket] = []

    def path(self, name: str) -> Path:
        return NETNS_FOLDER / self.made[name]

    def start(self) -> None:
        for netns in self.made.values():
            ip(f"netns add {netns}")
            ip(f"-n {netns} link set lo up")
        forward = {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}
        for name in self.made:
            self._set(name, {"ipv6/conf/all/disable_ipv6": "0"})
        self._set("node", forward)
        for name, addresses in (("client", CLIENT), *PODS.items()):
            node, own = self.made["node"], self.made[name]
            ip(f"-n {node} link add {name} type veth peer name eth0 netns {own}")
            ip(f"-n {node} link set {name} up")
            ip(f"-n {own} link set eth0 up")
            for version, address in addresses.items():
                length = 32 if version == 4 else 128
                more = "" if version == 4 else " nodad"
                ip(f"-n {own} addr add {address}/{length} dev eth0{more}")
                ip(f"-n {node} addr add {NODE[version]}/{length} dev {name}{more}")
                ip(f"-n {node} route add {address}/{length} dev {name} src {NODE[version]}")
                ip(f"-n {own} route add {NODE[version]}/{length} dev eth0")
                ip(f"-n {own} route add {ANY[version]} via {NODE[version]} dev eth0")
        for version in CLIENT:
            # As in a lab: what nobody has leads to the clients' link, where nobody answers for it.
            ip(f"-n {self.made['node']} route add {ANY[version]} dev client src {NODE[version]}")
        for name, addresses in PODS.items():
            for address in addresses.values():
                self._serve(name, address)

    def end(self) -> None:
        for sock in self._listening:
            # Without it a thread that waits would keep the socket.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for netns in self.made.values():
            subprocess.run(["ip", "netns", "del", netns], check=False, capture_output=True)

    def apply(self, table: Table) -> None:
        namespaces.inside(self.path("node"), lambda: asyncio.run(Kernel().apply(table)))

    def connect(self, where: str, front: Front) -> socket.socket:
        target = (front.address, front.port)
        return namespaces.inside(self.path(where), lambda: socket.create_connection(target, timeout=5))

    def ask(self, where: str, front: Front) -> tuple[str, str]:
        """Which pod answered, and the client that it saw."""
        with self.connect(where, front) as sock:
            return said(sock)

    def _serve(self, name: str, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def listen() -> socket.socket:
            sock = socket.socket(family)
            sock.bind((address, PORT))
            sock.listen(32)
            return sock

        listening = namespaces.inside(self.path(name), listen)
        self._listening.append(listening)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, peer = listening.accept()
                    threading.Thread(target=answer, args=(sock, peer[0]), daemon=True).start()

        def answer(sock: socket.socket, peer: str) -> None:
            with sock, contextlib.suppress(OSError):
                while sock.recv(100):
                    sock.sendall(f"{name} {peer}\n".encode())

        threading.Thread(target=accept, daemon=True).start()

    def _set(self, name: str, settings: dict[str, str]) -> None:
        def write() -> None:
            for key, value in settings.items():
                Path("/proc/sys/net", key).write_text(value)

        namespaces.inside(self.path(name), write)


def said(sock: socket.socket) -> tuple[str, str]:
    sock.sendall(b"?")
    name, peer = sock.recv(200).decode().split()
    return name, peer


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    made = Wires()
    try:
        made.start()
        yield made
    finally:
        made.end()


def table(version: int, *names: str) -> Table:
    return {FRONT[version]: tuple(Backend(PODS[name][version], PORT) for name in names)}


@pytest.mark.parametrize("version", [4, 6])
def test_new_connections_go_to_every_pod_of_the_table_and_pods_see_the_client(
    wires: Wires, version: int
) -> None:
    wires.apply(table(version, "one", "two"))
    seen = {wires.ask("client", FRONT[version]) for _ in range(40)}
    assert seen == {(name, CLIENT[version]) for name in PODS}
    wires.apply(table(version, "two"))
    assert {wires.ask("client", FRONT[version]) for _ in range(20)} == {("two", CLIENT[version])}


@pytest.mark.parametrize("version", [4, 6])
def test_a_connection_outlives_the_removal_of_its_pod(wires: Wires, version: int) -> None:
    wires.apply(table(version, "one"))
    with wires.connect("client", FRONT[version]) as sock:
        assert said(sock)[0] == "one"
        wires.apply(table(version, "two"))
        assert said(sock)[0] == "one"
        assert wires.ask("client", FRONT[version])[0] == "two"


@pytest.mark.parametrize("version", [4, 6])
def test_without_a_pod_and_at_other_ports_clients_are_refused_at_once(wires: Wires, version: int) -> None:
    front = FRONT[version]
    wires.apply({front: ()})
    with pytest.raises(ConnectionRefusedError):
        wires.ask("client", front)
    with pytest.raises(ConnectionRefusedError):
        wires.ask("node", front)
    wires.apply(table(version, "one"))
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
    wires.apply(table(version, "one"))
    assert wires.ask(where, FRONT[version]) == ("one", seen[version])
