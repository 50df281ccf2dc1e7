"""A node, two pods and a client in network namespaces of their own, and no cluster: for load balancers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from blueshift.lab import namespaces
from blueshift.lab.balancer.backends import Backend, Front, Table
from blueshift.lab.paths import NETNS_FOLDER

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


class Said(NamedTuple):
    """Which pod answered, the client that it saw, and what came before the question."""

    pod: str
    client: str
    before: str = ""


class Wires:
    """The namespaces, with a server in each pod that answers each `?`."""

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

    def connect(self, where: str, front: Front) -> socket.socket:
        target = (front.address, front.port)
        return namespaces.inside(self.path(where), lambda: socket.create_connection(target, timeout=5))

    def ask(self, where: str, front: Front) -> Said:
        """Ask on a new connection."""
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
                said = b""
                while data := sock.recv(200):
                    said += data
                    if said.endswith(b"?"):
                        sock.sendall(f"{name}|{peer}|{said[:-1].decode().strip()}\n".encode())
                        said = b""
                sock.sendall(b"bye")

        threading.Thread(target=accept, daemon=True).start()

    def _set(self, name: str, settings: dict[str, str]) -> None:
        def write() -> None:
            for key, value in settings.items():
                Path("/proc/sys/net", key).write_text(value)

        namespaces.inside(self.path(name), write)


def said(sock: socket.socket) -> Said:
    sock.sendall(b"?")
    return Said(*sock.recv(400).decode().strip().split("|"))


@contextlib.contextmanager
def wired() -> Iterator[Wires]:
    made = Wires()
    try:
        made.start()
        yield made
    finally:
        made.end()


def table(version: int, *names: str) -> Table:
    return {FRONT[version]: tuple(Backend(PODS[name][version], PORT) for name in names)}
