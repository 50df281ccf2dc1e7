"""The balancer in a cluster: it goes on sending to an endpoint that is not ready any more, for the lag."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from blueshift.lab import namespaces
from blueshift.lab.addresses import IPV4
from blueshift.lab.paths import Lab
from tests.contract.lab.command import inside
from tests.contract.lab.conftest import LB_LAG

pytestmark = pytest.mark.lab

PORTS = {"one": 9101, "two": 9102}
IN_A_ROW = 40
"""Connections to one of two by chance: never."""


@contextlib.contextmanager
def serving(lab: Lab, name: str) -> Iterator[None]:
    """On the node: it tells its name and whom it sees."""
    listening = namespaces.inside(
        lab.netns_path, lambda: socket.create_server((IPV4.node, PORTS[name]), backlog=32)
    )

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, peer = listening.accept()
                with sock:
                    sock.sendall(f"{name} {peer[0]}".encode())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def apply(lab: Lab, *objects: Mapping[str, object]) -> None:
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    done = inside(lab.name, "kubectl", "apply", "-f", "-", input=json.dumps(bundle))
    assert done.returncode == 0, done.stderr


def endpoints(name: str, *, ready: bool) -> dict[str, object]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "lagging"}},
        "addressType": "IPv4",
        "ports": [{"port": PORTS[name]}],
        "endpoints": [{"addresses": [IPV4.node], "conditions": {"ready": ready}}],
    }


def ask(lab: Lab, address: str) -> list[str]:
    """Who answers a new connection of a client, and whom it sees; nothing when nobody does."""

    def connect() -> str:
        source = (IPV4.clients[0], 0)
        with (
            contextlib.suppress(OSError),
            socket.create_connection((address, 80), timeout=2, source_address=source) as sock,
        ):
            return sock.recv(100).decode()
        return ""

    return namespaces.inside(lab.clients_netns_path, connect).split()


def test_an_endpoint_that_is_not_ready_any_more_is_sent_to_for_the_lag(lab: Lab) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "lagging"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }
    with serving(lab, "one"), serving(lab, "two"):
        apply(lab, service, endpoints("one", ready=True), endpoints("two", ready=True))
        told: dict[str, str] = {}
        deadline = time.monotonic() + 30
        while not told:
            assert time.monotonic() < deadline
            found = inside(lab.name, "kubectl", "get", "service", "lagging", "-o", "json").stdout
            told = (json.loads(found)["status"]["loadBalancer"].get("ingress") or [{}])[0]
        assert told["ipMode"] == "Proxy"
        seen: set[str] = set()
        while seen != {"one", "two"}:
            assert time.monotonic() < deadline
            if answer := ask(lab, told["ip"]):
                seen.add(answer[0])
                assert answer[1] == IPV4.clients[0], "pods see the client"
        began = last = time.monotonic()
        apply(lab, endpoints("one", ready=False))
        row = 0
        while row < IN_A_ROW:
            assert time.monotonic() < began + 60
            name, _ = ask(lab, told["ip"])
            row = 0 if name == "one" else row + 1
            last = time.monotonic() if name == "one" else last
            time.sleep(0.02)
        assert last - began > LB_LAG / 2, "without a lag it gets nothing once that is known"
