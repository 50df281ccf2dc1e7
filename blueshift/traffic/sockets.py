"""Whose connections to one pod are open, from the kernel's own table, and which of them stay.

nginx counts its connections and tells nothing else of them. Public addresses always have some for a moment:
scanners, health checks of balancers, probes. Who stays is there in look after look.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

HELD_FOR = 10.0
"""Seconds after which an open connection is one that stays: more than who only looks takes."""
_APART = 120.0
"""Seconds between two looks, after which a connection that is in both may not be the same."""
_OPEN = ("01", "08")
"""ESTABLISHED; CLOSE_WAIT: its client has ended its half, the controller not yet (Linux, tcp_states.h)."""


class Socket(NamedTuple):
    """One open connection of a client."""

    client: str
    """Address; that of the connection, whatever a PROXY header says."""
    client_port: int
    port: int
    """At which it came."""


def parse_sockets(table: bytes, ports: Collection[int]) -> frozenset[Socket]:
    """Open connections to these ports in the text of /proc/net/tcp, tcp6 or both (proc(5)).

    Addresses are in the byte order of the machine there, taken to be little-endian.
    """
    found = set()
    for line in table.splitlines():
        fields = line.split(maxsplit=4)
        if len(fields) < 4 or fields[3].decode() not in _OPEN:
            continue
        _, port = _endpoint(fields[1])
        if port in ports:
            found.add(Socket(*_endpoint(fields[2]), port))
    return frozenset(found)


def _endpoint(field: bytes) -> tuple[str, int]:
    number, _, port = field.partition(b":")
    packed = bytes.fromhex(number.decode())
    words = b"".join(packed[at : at + 4][::-1] for at in range(0, len(packed), 4))
    if len(words) == 4:
        return str(IPv4Address(words)), int(port, 16)
    address = IPv6Address(words)
    return str(address.ipv4_mapped or address), int(port, 16)


class Staying:
    """Tells connections that stay from those that pass, by looks at the table of each pod."""

    def __init__(self) -> None:
        self._since: dict[str, dict[Socket, float]] = {}
        self._looks: dict[str, tuple[float, float]] = {}
        """Pod → its first and last look."""

    def look(self, pod: str, found: frozenset[Socket] | None, at: float) -> None:
        """What a pod had open at an instant in seconds; None where nobody could tell, which begins anew."""
        first, last = self._looks.get(pod, (at, at))
        if found is None or at - last > _APART:
            self._since.pop(pod, None)
            self._looks.pop(pod, None)
            first = at
        if found is not None:
            before = self._since.get(pod, {})
            self._since[pod] = {socket: before.get(socket, at) for socket in found}
            self._looks[pod] = (first, at)

    def held(self, pod: str) -> tuple[Socket, ...] | None:
        """Connections that are open for `HELD_FOR` and longer; None as long as that cannot be told."""
        first, last = self._looks.get(pod, (0.0, 0.0))
        if last - first < HELD_FOR:
            return None
        since = self._since[pod]
        return tuple(sorted(socket for socket, at in since.items() if last - at >= HELD_FOR))
