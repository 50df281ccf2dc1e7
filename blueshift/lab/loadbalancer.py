"""Which addresses a Service of type LoadBalancer is given. Pure: loadbalancer_controller.py does it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal

import msgspec

Service = Mapping[str, Any]

Mode = Literal["direct", "proxy"]
"""Whether connections are sent on as they are, or end at the balancer, which makes its own to the pods."""


class Habits(msgspec.Struct, frozen=True):
    """How the lab's load balancer behaves. Without any of this it is kube-proxy, which has no habits."""

    delay: float = 0.0
    """Seconds until a Service of type LoadBalancer is given its addresses."""
    deregister_lag: float = 0.0
    """Seconds for which new connections still go to a pod that ends or is not ready any more."""

    mode: Mode = "direct"

    @property
    def own(self) -> bool:
        """Whether connections go by the lab's own balancer (`blueshift.lab.balancer`)."""
        return self.mode == "proxy" or self.deregister_lag > 0


PLAIN = Habits()


class Pool:
    """Addresses of one family. A released one comes round again last: caches still point at it."""

    def __init__(self, network: str) -> None:
        self._network = ip_network(network)
        self._next = 1  # the network's first address is no host's

    @property
    def family(self) -> str:
        """As Services write it."""
        return f"IPv{self._network.version}"

    def take(self, taken: Iterable[str], wanted: str = "") -> str | None:
        """A free address, `wanted` if that is one of ours, else the next; None if there is none."""
        used = set(taken)
        if wanted:
            fits = ip_address(wanted) in self._network and wanted not in used
            return wanted if fits else None
        size = self._network.num_addresses
        for step in range(size):
            offset = 1 + (self._next - 1 + step) % (size - 1)
            address = str(self._network[offset])
            if address not in used:
                self._next = offset + 1
                return address
        return None


def addresses_of(service: Service) -> tuple[str, ...]:
    """The addresses that a Service has been given."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return tuple(entry["ip"] for entry in ingress if "ip" in entry)


def lacking(service: Service) -> tuple[str, ...]:
    """The families for which a Service still waits; empty for one that wants no address from us."""
    spec = service["spec"]
    if spec.get("type") != "LoadBalancer" or spec.get("loadBalancerClass"):
        return ()
    has = {f"IPv{ip_address(address).version}" for address in addresses_of(service)}
    return tuple(family for family in spec.get("ipFamilies", ("IPv4",)) if family not in has)


def allocate(service: Service, taken: Iterable[str], pools: Sequence[Pool]) -> tuple[str, ...] | None:
    """All addresses that the Service is to have, those that it has first; None when a pool cannot give one.

    `spec.loadBalancerIP` is honoured for its family; when somebody has it, the Service waits.
    """
    used = set(taken)
    given = list(addresses_of(service))
    wanted = str(service["spec"].get("loadBalancerIP") or "")
    for family in lacking(service):
        fixed = wanted if wanted and f"IPv{ip_address(wanted).version}" == family else ""
        pool = next((pool for pool in pools if pool.family == family), None)
        address = pool.take(used, fixed) if pool else None
        if address is None:
            return None
        used.add(address)
        given.append(address)
    return tuple(given)


def argv(kubeconfig: Path, habits: Habits, pools: Sequence[str]) -> list[str]:
    """The command line of the process that gives them."""
    return [
        sys.executable,
        "-m",
        "blueshift.lab.loadbalancer_controller",
        str(kubeconfig),
        msgspec.json.encode(habits).decode(),
        *pools,
    ]
