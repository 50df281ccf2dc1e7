"""Whether a side that traffic was moved away from really serves nobody: a pure judgement of evidence.

What no witness sees is never silence. A witness is the access log or the metrics of one pod; metrics have no
series for wildcard hosts, expressions and Ingresses without a host, so those need the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from blueshift.traffic.metrics import Window
from blueshift.traffic.reasons import staying_why, why
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
    """By metrics those of the window, by a log all since it was followed."""
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


class DrainRules(msgspec.Struct, frozen=True):
    """What counts as drained. Defaults are for production; all but shares are seconds."""

    least: float = 900
    factor: float = 10
    """Times the TTL, as many resolvers and clients keep answers longer than they may."""
    window: float = 600
    lag: float = 30
    """How old the newest look of a witness may be."""
    own_connections: int = 1
    """Per pod: reading the status is one itself."""
    accept: float = 0.0
    """Share of the baseline's request rate that may remain."""

    def length(self, longest_gap: float) -> float:
        """Seconds of the window: evidence must be whole for as long, counted back from now."""
        return max(self.window, 2 * longest_gap)


class Remains(msgspec.Struct, frozen=True):
    """Somebody who is still there, and why as far as it can be known."""

    client: str
    target: str
    requests: int
    age: float
    """Seconds since it was last heard of."""
    why: str


class Drained(msgspec.Struct, frozen=True):
    """Proven."""

    said: str
    accepted: tuple[Remains, ...] = ()


class Remaining(msgspec.Struct, frozen=True):
    """Not yet: by time, or because somebody is still there."""

    reason: str
    items: tuple[Remains, ...] = ()
    until: float | None = None
    """The earliest instant at which it could be drained, if time alone is missing: nobody may come again."""
    rest_alone: bool = False
    """Whether all else holds: DNS points away, the time is over, and everything was watched."""


class Unknown(msgspec.Struct, frozen=True):
    """It cannot be told, and why."""

    reason: str


def drained(evidence: DrainEvidence, rules: DrainRules) -> Drained | Remaining | Unknown:
    """Judge one moment."""
    if evidence.dns:
        return Remaining(f"DNS does not point away everywhere: {evidence.dns}")
    length = rules.length(evidence.longest_gap)
    earliest = evidence.swapped + max(rules.least, rules.factor * evidence.ttl, length)
    items, held = left(evidence, rules)
    free = max((earliest, *(entry.last + length for entry in _inside(evidence, evidence.now - length))))
    if evidence.now < earliest:
        reason = (
            f"{evidence.now - evidence.swapped:.0f} of {earliest - evidence.swapped:.0f} s have passed since"
        )
        return Remaining(f"{reason} the swap", items, free)
    end = evidence.now - min(rules.lag, length / 2)
    if blind := _blind(evidence, evidence.now - length, end):
        return Unknown(blind)
    if not items and not held:
        return Drained(f"no request for a known host in {length:.0f} s, and {_passing(evidence, rules)}")
    rate, allowed = _rate(evidence, length), rules.accept * evidence.baseline
    if rate > allowed or not allowed:
        until = None if held else free
        return Remaining(_count(items, held, length), (*items, *held), until, rest_alone=True)
    return Drained(f"{rate:.2f} requests/s remain, accepted up to {allowed:.2f}", (*items, *held))


def left(evidence: DrainEvidence, rules: DrainRules) -> tuple[tuple[Remains, ...], tuple[Remains, ...]]:
    """Who asked for known hosts in the window, and which pods have connections of others, also where it is
    not time yet or not everything was watched."""
    since = evidence.now - rules.length(evidence.longest_gap)
    return _items(evidence, since), tuple(_held(evidence, rules))


def _count(items: Sequence[Remains], held: Sequence[Remains], length: float) -> str:
    parts = []
    if items:
        targets = {item.target for item in items}
        parts.append(f"{len(targets)} known hosts or services were asked in the last {length:.0f} s")
    if held:
        parts.append(f"{len({item.target for item in held})} pods have open connections")
    return " and ".join(parts)


def _rate(evidence: DrainEvidence, length: float) -> float:
    """Requests per second in the window; from logs alone an upper bound, as they count from the swap on."""
    watched = {entry.pod for entry in evidence.coverage if entry.witness in COUNTERS and not entry.blind}
    if evidence.pods.keys() <= watched and not evidence.unseen:
        counted = sum(entry.requests for entry in evidence.seen if entry.witness == "metrics")
        return max(0, counted - evidence.own) / length
    return sum(entry.requests for entry in evidence.seen if entry.witness == "log") / length


def _inside(evidence: DrainEvidence, start: float) -> list[Seen]:
    inside = [entry for entry in evidence.seen if entry.last >= start and entry.requests]
    counted = [one for one in inside if one.witness == "metrics" and one.target not in evidence.unlogged]
    # Counters do not tell whose requests they are. The log does, where it has as many: ours, or named.
    told = sum(one.requests for one in counted) <= evidence.logged + evidence.own
    return [one for one in inside if not told or one not in counted]


def _items(evidence: DrainEvidence, start: float) -> tuple[Remains, ...]:
    inside = _inside(evidence, start)
    named = {entry.target for entry in inside if entry.client}
    return tuple(
        Remains(entry.client, entry.target, entry.requests, evidence.now - entry.last, why(evidence, entry))
        for entry in sorted(inside, key=lambda entry: -entry.requests)
        if entry.client or entry.target not in named
    )


def _held(evidence: DrainEvidence, rules: DrainRules) -> list[Remains]:
    found = []
    for pod, connections in sorted(evidence.connections.items()):
        count = connections.foreign(rules.own_connections) if connections else 0
        if count and (staying := evidence.held.get(pod)) is not None:
            found += [
                Remains(client, pod, 0, 0.0, staying_why(evidence, client, many))
                for client, many in Counter(staying).most_common()
            ]
        elif connections and count:
            idle = f"{connections.waiting} of them idle" if connections.waiting else "none of them idle"
            found.append(Remains("", pod, 0, 0.0, f"{count} open connections, {idle}"))
    return found


def _passing(evidence: DrainEvidence, rules: DrainRules) -> str:
    known = [one for one in evidence.connections.values() if one]
    count = sum(one.foreign(rules.own_connections) for one in known)
    return f"none of {count} open connections stays" if count else "no open connection"


def _blind(evidence: DrainEvidence, start: float, end: float) -> str:
    """What was not watched for the whole window, or an empty string."""
    if not evidence.pods:
        return "no pod of this side was found"
    for pod, born in sorted(evidence.pods.items()):
        if evidence.connections.get(pod) is None:
            return f"nginx's own status of {pod} could not be read"
        begin = min(max(start, born), end)
        witnesses = [entry for entry in evidence.coverage if entry.pod == pod]
        log = any(entry.holds(begin, end) for entry in witnesses if entry.witness == "log")
        counted = any(entry.holds(begin, end) for entry in witnesses if entry.witness in COUNTERS)
        if not log and not counted:
            why = "; ".join(f"{one.witness}: {said}" for one in witnesses if (said := one.lacks(begin, end)))
            return f"no witness watched {pod} for the whole window" + (f" ({why})" if why else "")
        dark = evidence.unlogged if not counted else sorted({*evidence.unlogged} & {*evidence.unseen})
        if dark:
            return f"nothing shows the requests of {', '.join(dark[:3])} at {pod}: its access log is off"
        if not log and evidence.unseen:
            few = ", ".join(evidence.unseen[:3])
            return f"the log of {pod} was not followed for the whole window, and metrics do not show {few}"
    return ""


def by_metrics(
    window: Window, hosts: Collection[str], own: Mapping[str, float], at: float, blind: str = ""
) -> tuple[tuple[Seen, ...], tuple[Coverage, ...]]:
    """Evidence from counters: `hosts` as `Routes.hosts()`, `own` the probes that we sent there by host.

    `blind` is why the counters of no pod show every request.
    """
    seen = tuple(
        Seen("metrics", host, requests=round(count - own.get(host, 0)), last=window.risen)
        for host, count in sorted(window.by_host().items())
        if known(host, hosts) and count > own.get(host, 0)
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
        Seen("log", row.target, row.client, row.requests, row.last, row.began) for row in tally.rows(since)
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
