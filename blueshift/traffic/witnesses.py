"""What the witnesses of one side have seen: requests, connections, and how far each of them watched.

What no witness sees is never silence. A witness is the access log or the metrics of one pod; metrics have no
series for wildcard hosts, expressions and Ingresses without a host, so those need the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from blueshift.traffic.metrics import Window
from blueshift.traffic.routes import known
from blueshift.traffic.status import Connections
from blueshift.traffic.tally import Tally

WitnessName = Literal["metrics", "prometheus", "log"]
COUNTERS: tuple[WitnessName, ...] = ("metrics", "prometheus")

_OFF = "no series of requests are exported; --enable-metrics=false?"


class Coverage(msgspec.Struct, frozen=True):
    """The stretch in which one witness saw all that it can see of one pod; seconds since the epoch."""

    witness: WitnessName
    pod: str
    since: float
    until: float
    gaps: tuple[tuple[float, float], ...] = ()
    blind: str = ""
    """Why it is no witness at all (`disable-access-log`, unreadable lines, metrics that are off)."""

    def holds(self, start: float, end: float) -> bool:
        """Whether it covers all of a stretch."""
        return not self.lacks(start, end) and self.since <= start and self.until >= end

    def lacks(self, start: float, end: float) -> str:
        """Why it does not show all of a stretch, apart from its ends; empty when it does."""
        missed = any(begin < end and stop > start for begin, stop in self.gaps)
        return self.blind or ("a gap, or lines that could not be read" if missed else "")


class Seen(msgspec.Struct, frozen=True):
    """Requests of known hosts, apart from our own."""

    witness: WitnessName
    target: str
    """Host, or `namespace-service-port` where the log has no host."""
    client: str = ""
    """Empty where the witness cannot tell."""
    requests: int = 0
    """Those of the window."""
    last: float = 0.0
    """Seconds since the epoch; for metrics, the look that last saw any of the side's counts higher."""
    began: float | None = None
    """When the latest of its requests came, which may be long before it was answered; None if unknown."""


class DrainEvidence(msgspec.Struct, frozen=True):
    """All that is known at one moment. Instants are seconds since the epoch."""

    now: float
    swapped: float
    """When all authoritative servers showed the new answers; minus infinity where nobody knows."""
    ttl: float
    """Seconds: the TTL in force at the swap."""
    pods: Mapping[str, float]
    """The side's running pods and when each started."""
    seen: tuple[Seen, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    connections: Mapping[str, Connections | None] = {}
    """By pod; None where the status could not be read."""
    held: Mapping[str, Sequence[str]] = {}
    """Pod → the client of each connection that stays, once for each; without an entry where only their number
    is known, and then none may be open."""
    untold: Mapping[str, str] = {}
    """Pod → why only their number will ever be known."""
    inside: Mapping[str, int] = {}
    """Pod → connections that it has with itself, as far as they are known; nginx counts them."""
    logged: int = 0
    """Requests of known targets by the access log, in the stretch in which the counters counted theirs."""
    own: int = 0
    """Such requests of our own probes, also from elsewhere."""
    lacks: tuple[str, ...] = ()
    """Variables that the log format lacks (`LogFormat.lacks`)."""
    unseen: tuple[str, ...] = ()
    """Hosts that metrics cannot show (`Routes.unseen()`)."""
    unlogged: tuple[str, ...] = ()
    """Hosts that the access log does not show (`Routes.unlogged`)."""
    dns: str = ""
    """What is not yet, or no longer, as swapped at some authoritative server; empty if all agree."""
    longest_gap: float = 0.0
    """Seconds between two requests of any client since the swap."""
    noise: int = 0
    """Requests that match no server of the configuration."""
    cluster: Mapping[str, str] = {}
    """Addresses of clients that are of this cluster, and what each is."""
    hidden: bool = False
    """Whether client addresses are those of nodes or a load balancer (SNAT)."""
    proxied: frozenset[str] = frozenset()
    """Hosts whose names point at a proxy or CDN, which asks this side for them."""
    baseline: float = 0.0
    """Requests per second that the side had before the run."""

    def others(self, own: int) -> dict[str, int | None]:
        """Pod → open connections of others, `own` of each being ours; None where that is not known."""
        return {
            pod: one.foreign(own + self.inside.get(pod, 0)) if one else None
            for pod, one in sorted(self.connections.items())
        }


def by_metrics(
    window: Window, hosts: Collection[str], at: float, blind: str = ""
) -> tuple[tuple[Seen, ...], tuple[Coverage, ...]]:
    """Evidence from counters, our own probes among it: `hosts` as `Routes.hosts()`.

    `blind` is why the counters of no pod show every request.
    """
    seen = tuple(
        Seen("metrics", host, requests=round(count), last=window.risen)
        for host, count in sorted(window.by_host().items())
        if known(host, hosts) and count
    )
    coverage = tuple(
        Coverage(
            window.told.get(pod, "metrics"),
            pod,
            since,
            until,
            gaps=tuple((begin, end) for name, begin, end in window.gaps if name == pod),
            blind=blind,
        )
        for pod, (since, until) in window.covered.items()
        if pod not in window.uncounted
    )
    off = tuple(Coverage("metrics", pod, at, at, blind=blind or _OFF) for pod in sorted(window.uncounted))
    return seen, coverage + off


def by_log(tally: Tally, since: float, blind: str = "") -> tuple[tuple[Seen, ...], tuple[Coverage, ...]]:
    """Evidence from access logs since an instant; `blind` is why the log does not show every request."""
    seen = tuple(
        Seen("log", row.target, row.client, row.ages.since(since), row.last, row.began)
        for row in tally.rows(since)
    )
    return seen, by_streams(tally, blind)


def by_streams(tally: Tally, blind: str = "") -> tuple[Coverage, ...]:
    """How far the access log of each pod was followed and read; `blind` as for `by_log`."""
    return tuple(
        Coverage(
            "log",
            pod,
            follow.since,
            follow.until,
            gaps=tuple(sorted((*follow.gaps, *follow.misread))),
            blind=blind or (f"{follow.unread} lines could not be read" if follow.unread else ""),
        )
        for pod, follow in tally.pods.items()
    )
