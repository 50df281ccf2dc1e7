"""Whose connections to one pod are open, from the kernel's own table, and which of them stay.

nginx counts its connections and tells nothing else of them. Public addresses always have some for a moment:
scanners, health checks of balancers, probes. Who stays is there in look after look (decision 0020).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

HELD_FOR = 10.0
"""Seconds after which an open connection is one that stays: more than who only looks takes."""
_APART = 60.0
"""Seconds between two looks, after which a connection that is in both may not be the same."""
_LISTEN, _OPEN = b"0A", (b"01", b"08")
"""LISTEN. ESTABLISHED; CLOSE_WAIT: its client has ended its half, the controller not yet (tcp_states.h)."""


class Socket(NamedTuple):
    """One open connection to the data plane."""

    client: str
    """Address; that of the connection, whatever a PROXY header says."""
    client_port: int
    port: int
    """At which it came."""

    @property
    def inside(self) -> bool:
        """Whether the pod has it with itself: nginx passes unknown hosts to its own port 8181 and counts that
        too; questions for its status; TLS behind a passthrough."""
        return ip_address(self.client).is_loopback


class Ports(NamedTuple):
    """At which ports nginx listens, as far as that is known."""

    named: frozenset[int] = frozenset()
    """These alone, where a pod has the network of its node and the table is of all that run there."""
    not_theirs: frozenset[int] = frozenset()
    """Else all at which the pod listens but these of the controller itself: metrics, webhook."""


def parse_sockets(table: bytes, ports: Ports) -> frozenset[Socket]:
    """Open connections to nginx in the text of /proc/net/tcp, tcp6 or both (proc(5)).

    Addresses are in the byte order of the machine there, taken to be little-endian.
    """
    rows = tuple(_rows(table))
    theirs = ports.named or {port for port, _, state in rows if state == _LISTEN} - ports.not_theirs
    return frozenset(
        Socket(*_endpoint(remote), port) for port, remote, state in rows if state in _OPEN and port in theirs
    )


def _rows(table: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    for line in table.splitlines():
        fields = line.split(maxsplit=4)
        if len(fields) >= 4 and fields[3] in (_LISTEN, *_OPEN):
            yield _endpoint(fields[1])[1], fields[2], fields[3]


def _endpoint(field: bytes) -> tuple[str, int]:
    number, _, port = field.partition(b":")
    packed = bytes.fromhex(number.decode())
    words = b"".join(packed[at : at + 4][::-1] for at in range(0, len(packed), 4))
    if len(words) == 4:
        return str(IPv4Address(words)), int(port, 16)
    address = IPv6Address(words)
    return str(address.ipv4_mapped or address), int(port, 16)


class Staying:
    """Tells the connections of one pod that stay from those that pass, by looks at its table."""

    def __init__(self) -> None:
        self._since: dict[Socket, float] = {}
        self._first: float | None = None
        self._last = self._whole = 0.0
        """The last look in which the table had every connection that nginx counted."""

    def look(self, found: Collection[Socket], at: float, counted: int = 0) -> None:
        """What was open at an instant in seconds; nginx counted so many beside ours.

        One that is new may be there since the look before.
        """
        if self._first is None or at - self._last > _APART:
            self._since, self._first, self._last, self._whole = {}, at, at, at
        self._since = {socket: self._since.get(socket, self._last) for socket in found}
        self._last = at
        if counted <= len(found):
            self._whole = at

    def held(self) -> tuple[Socket, ...] | None:
        """Connections of others that are open for `HELD_FOR` and longer; None as long as that cannot be told,
        or where nginx counted more all the while than the table has."""
        if self._first is None or self._last - self._first < HELD_FOR:
            return None
        if self._last - self._whole >= HELD_FOR:
            return None
        staying = (one for one, since in self._since.items() if self._last - since >= HELD_FOR)
        return tuple(sorted(one for one in staying if not one.inside))
