"""Whether a side that traffic was moved away from really serves nobody: a pure judgement of evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from blueshift.traffic.reasons import staying_why, why
from blueshift.traffic.sockets import HELD_FOR
from blueshift.traffic.witnesses import COUNTERS, DrainEvidence, Seen


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
    """Host or service; the pod, of connections that are open now."""
    requests: int
    age: float
    """Seconds since it was last heard of."""
    why: str
    connections: int = 0
    """That are open now."""

    @property
    def did(self) -> str:
        """What it is counted for, in words."""
        number, what = (
            (self.connections, "open connection") if self.connections else (self.requests, "request")
        )
        return f"{number} {what}{'' if number == 1 else 's'}"


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
    inside = _inside(evidence, rules)
    items, held = _items(evidence, inside), _held(evidence, rules)
    free = max((earliest, *(entry.last + length for entry in inside)))
    if evidence.now < earliest:
        reason = (
            f"{evidence.now - evidence.swapped:.0f} of {earliest - evidence.swapped:.0f} s have passed since"
        )
        return Remaining(f"{reason} the swap", items, free)
    if blind := _blind(evidence, rules):
        return Unknown(blind)
    if not items and not held:
        return Drained(f"no request for a known host in {length:.0f} s, and {_passing(evidence, rules)}")
    rate, allowed = _rate(evidence, rules), rules.accept * evidence.baseline
    if rate > allowed or not allowed:
        until = None if held else free
        return Remaining(_count(items, held, length), (*items, *held), until, rest_alone=True)
    return Drained(f"{rate:.2f} requests/s remain, accepted up to {allowed:.2f}", (*items, *held))


def left(evidence: DrainEvidence, rules: DrainRules) -> tuple[tuple[Remains, ...], tuple[Remains, ...]]:
    """Who asked for known hosts in the window, and which pods have connections of others, also where it is
    not time yet or not everything was watched."""
    return _items(evidence, _inside(evidence, rules)), _held(evidence, rules)


def _count(items: Sequence[Remains], held: Sequence[Remains], length: float) -> str:
    parts = []
    if items:
        targets = {item.target for item in items}
        parts.append(f"{len(targets)} known hosts or services were asked in the last {length:.0f} s")
    if held:
        parts.append(f"{len({item.target for item in held})} pods have open connections")
    return " and ".join(parts)


def _rate(evidence: DrainEvidence, rules: DrainRules) -> float:
    """Requests per second in the window; by logs alone an upper bound, as `Ages.since` is one.

    Ours are taken off where the log is whole: else nobody knows in which of them they are.
    """
    length = rules.length(evidence.longest_gap)
    watched = {entry.pod for entry in evidence.coverage if entry.witness in COUNTERS and not entry.blind}
    if evidence.pods.keys() <= watched and not evidence.unseen:
        counted = sum(entry.requests for entry in evidence.seen if entry.witness == "metrics")
        own = evidence.own if _logged(evidence, rules) else 0
        return max(counted - own, evidence.logged) / length
    return sum(entry.requests for entry in evidence.seen if entry.witness == "log") / length


def _logged(evidence: DrainEvidence, rules: DrainRules) -> bool:
    """Whether the log shows every request to every pod in the window."""
    return all(
        any(one.witness == "log" and one.pod == pod and one.holds(*stretch) for one in evidence.coverage)
        for pod, stretch in _watched(evidence, rules).items()
    )


def _watched(evidence: DrainEvidence, rules: DrainRules) -> dict[str, tuple[float, float]]:
    """Pod → from when to when it must have been watched, or since it started."""
    length = rules.length(evidence.longest_gap)
    start, end = evidence.now - length, evidence.now - min(rules.lag, length / 2)
    return {pod: (min(max(start, born), end), end) for pod, born in sorted(evidence.pods.items())}


def _inside(evidence: DrainEvidence, rules: DrainRules) -> list[Seen]:
    start = evidence.now - rules.length(evidence.longest_gap)
    inside = [entry for entry in evidence.seen if entry.last >= start and entry.requests]

    def open_to_the_log(entry: Seen) -> bool:
        return entry.witness == "metrics" and entry.target not in evidence.unlogged

    # Counters do not tell whose requests they are. A log that has as many does: named there, or ours.
    counted = sum(entry.requests for entry in inside if open_to_the_log(entry))
    if counted > evidence.logged + evidence.own or not _logged(evidence, rules):
        return inside
    return [entry for entry in inside if not open_to_the_log(entry)]


def _items(evidence: DrainEvidence, inside: Sequence[Seen]) -> tuple[Remains, ...]:
    named = {entry.target for entry in inside if entry.client}
    return tuple(
        Remains(entry.client, entry.target, entry.requests, evidence.now - entry.last, why(evidence, entry))
        for entry in sorted(inside, key=lambda entry: -entry.requests)
        if entry.client or entry.target not in named
    )


def _held(evidence: DrainEvidence, rules: DrainRules) -> tuple[Remains, ...]:
    found = []
    for pod, count in evidence.others(rules.own_connections).items():
        connections = evidence.connections[pod]
        if count and (staying := evidence.held.get(pod)) is not None:
            found += [
                Remains(client, pod, 0, 0.0, staying_why(evidence, client), many)
                for client, many in Counter(staying).most_common()
            ]
        elif connections and count:
            idle = f"{connections.waiting} of them idle" if connections.waiting else "none of them idle"
            reason = evidence.untold.get(pod)
            said = f"{idle}; whose, and whether they stay, cannot be told: {reason}" if reason else idle
            found.append(Remains("", pod, 0, 0.0, said, count))
    return tuple(found)


def _passing(evidence: DrainEvidence, rules: DrainRules) -> str:
    count = sum(count or 0 for count in evidence.others(rules.own_connections).values())
    return f"none of {count} open connections is older than {HELD_FOR:g} s" if count else "no open connection"


def _blind(evidence: DrainEvidence, rules: DrainRules) -> str:
    """What was not watched for the whole window, or an empty string."""
    if not evidence.pods:
        return "no pod of this side was found"
    for pod, (begin, end) in _watched(evidence, rules).items():
        if evidence.connections.get(pod) is None:
            return f"nginx's own status of {pod} could not be read"
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
