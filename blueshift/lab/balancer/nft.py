"""Balances in the kernel: each new connection is sent on to a pod by DNAT, and keeps its client's address.

Connections that exist are the kernel's to carry on (conntrack), also when their pod is no longer chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blueshift.lab.balancer.backends import Backend, Front, Table
from blueshift.lab.processes import run

_NAME = "inet lab_balancer"


class Kernel:
    """The rules in the network namespace of the calling process."""

    async def apply(self, table: Table) -> None:
        """Replace all rules at once. Raises BlueshiftError with what nft said."""
        await run(["nft", "-f", "-"], "nft", stdin=rules(table))


def rules(table: Table) -> str:
    """An nft script that brings the rules to `table`, in one transaction."""
    backends = sorted({backend.address for found in table.values() for backend in found})
    chains = {
        "distribute": [_distribute(front, found) for front, found in table.items() if found],
        "prerouting": ["type nat hook prerouting priority dstnat;", "jump distribute"],
        "output": ["type nat hook output priority -100;", "jump distribute"],
        # A pod that is sent to itself would answer itself and not the balancer's address.
        "postrouting": ["type nat hook postrouting priority srcnat;", *_hairpins(backends)],
        # What is still addressed to the balancer has no pod, or a port that nobody serves.
        "forward": ["type filter hook forward priority filter;", *_refusals(table)],
        "local": ["type filter hook output priority filter;", *_refusals(table)],
    }
    body = "\n".join(
        f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }"
        for name, lines in chains.items()
    )
    return f"add table {_NAME}\nflush table {_NAME}\ntable {_NAME} {{\n{body}\n}}\n"


def _distribute(front: Front, backends: tuple[Backend, ...]) -> str:
    ip = _family(front.address)
    chosen = ", ".join(f"{turn} : {one.address} . {one.port}" for turn, one in enumerate(backends))
    to = f"numgen random mod {len(backends)} map {{ {chosen} }}"
    return f"{ip} daddr {front.address} {front.protocol} dport {front.port} dnat {ip} to {to}"


def _hairpins(addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        ip = _family(address)
        yield f"{ip} saddr {address} {ip} daddr {address} masquerade"


def _refusals(fronts: Iterable[Front]) -> Iterator[str]:
    for address in sorted({front.address for front in fronts}):
        yield f"{_family(address)} daddr {address} meta l4proto tcp reject with tcp reset"


def _family(address: str) -> str:
    return "ip6" if ":" in address else "ip"
