"""Who still asks one side, by its access logs: a bounded count per client and target, and what was missed."""

from __future__ import annotations

import msgspec

from blueshift.traffic.ages import Ages
from blueshift.traffic.judge import is_error
from blueshift.traffic.logs import Line, LogFormat

MOST_SECONDS = 90_000
"""Seconds with requests that are kept: a day."""
MOST_CLIENTS = 20_000
"""Rows kept; beyond that the one unheard of for longest is folded into `others`."""


Silence = tuple[float, float]
"""When it began (seconds since the epoch), and how long it was."""
_MOST_SILENCES = 8
_INSTANT = 0.001
_KEPT = 200
"""Bytes of a line that could not be read."""
_TOGETHER = 60.0
"""Seconds between two unreadable lines that make one gap, so that a noisy controller fills no memory."""


class Row(msgspec.Struct):
    """One client asking for one target."""

    client: str
    target: str
    """Host if the format has it, else `namespace-service-port`; empty for what reached no known server."""
    own: bool
    requests: int = 0
    errors: int = 0
    first: float = 0.0
    last: float = 0.0
    """Instants of the log, seconds since the epoch."""
    began: float = 0.0
    """When the latest request came."""
    ages: Ages = msgspec.field(default_factory=Ages)
    """How many of the requests are how old."""

    def add(self, line: Line) -> None:
        """Count one request."""
        if not self.requests:
            self.first = line.at
        self.requests += 1
        self.ages.add(line.at)
        self.errors += is_error(line.status)
        self.last = max(self.last, line.at)
        self.began = max(self.began, line.came)


class Follow(msgspec.Struct):
    """How far one pod's log was followed."""

    since: float
    until: float
    gaps: list[tuple[float, float]] = msgspec.field(default_factory=list)
    """Stretches of which lines are missing; the last may be open, to infinity."""
    misread: list[tuple[float, float]] = msgspec.field(default_factory=list)
    """Stretches in which lines could not be read."""
    unread: int = 0
    """Lines of an unknown time that should have been accesses and could not be parsed."""
    read: int = 0
    """Accesses."""
    unreadable: int = 0
    """Lines in all that should have been accesses and could not be parsed."""
    example: bytes = b""
    """The beginning of the first of these since the format was changed last."""

    def miss(self, raw: bytes, at: float) -> None:
        """A line of that instant should have been an access and could not be parsed: a gap, which passes."""
        self.example = self.example or raw[:_KEPT]
        self.unreadable += 1
        if not at:
            self.unread += 1
        elif self.misread and self.misread[-1][1] >= at - _TOGETHER:
            self.misread[-1] = (self.misread[-1][0], max(self.misread[-1][1], at))
        else:
            self.misread.append((at - _INSTANT, at))


class Tally:
    """Counts the lines of all pods of one side."""

    def __init__(self, form: LogFormat) -> None:
        self.form = form
        self._former: LogFormat | None = None
        self.pods: dict[str, Follow] = {}
        self.others = 0
        self._seconds: dict[int, list[int]] = {}
        """Second → requests of known targets by others, and by our own probes."""
        self._rows: dict[tuple[str, str, bool], Row] = {}
        self._heard: dict[str, tuple[float, list[Silence]]] = {}
        """Client → when it was last heard of, and its silences, whatever it asked for: each longer than all
        that came later, so that what is forgotten is no longer than one that is known."""

    def reads(self, form: LogFormat) -> None:
        """The format was changed. Lines of the one before still come: a reload takes a moment, and workers
        that end write on as they began."""
        self._former, self.form = self.form, form
        for follow in self.pods.values():
            follow.example = b""

    def follow(self, pod: str, at: float) -> None:
        """A pod's log is read from the instant `at` on (its start, say).

        A second call, after `lost`, ends the gap there; read again from before it, nothing was missed.
        """
        seen = self.pods.setdefault(pod, Follow(at, at))
        if seen.gaps and seen.gaps[-1][1] == float("inf"):
            began, _ = seen.gaps.pop()
            if at > began:
                seen.gaps.append((began, at))
        seen.until = max(seen.until, at)

    def alive(self, pod: str, at: float) -> None:
        """The stream of a pod is open and has given all lines up to `at`."""
        self.pods[pod].until = max(self.pods[pod].until, at)

    def lost(self, pod: str, at: float) -> None:
        """A pod's stream broke: from `at` on nothing is known until it is followed again."""
        gaps = self.pods[pod].gaps
        if not gaps or gaps[-1][1] != float("inf"):
            gaps.append((at, float("inf")))

    def missed(self, pod: str, since: float, until: float) -> None:
        """What a pod wrote between two instants cannot be had any more."""
        self.pods[pod].gaps.append((since, until))

    def add(self, pod: str, raw: bytes, at: float = 0.0) -> Line | None:
        """Count one line of a pod; returns it if it was an access.

        `at` is when it was written, by the kubelet: the time of a line whose format has none, and what of a
        second the others do not tell.
        """
        line = self.form.parse(raw)
        if line is None and self._former:
            line = self._former.parse(raw)
        if line is None:
            if self.form.unread(raw):
                self.pods[pod].miss(raw, at)
            return None
        self.pods[pod].read += 1
        if not line.at or _tells_more(at, line.at):
            line = line._replace(at=at)
        target = line.target
        if target:
            self._count(line)
        if target and not line.own:
            self._hear(line)
        key = (line.client, target, line.own)
        row = self._rows.pop(key, None) or Row(line.client, target, line.own)
        row.add(line)
        self._rows[key] = row  # at the end: the first is always the one unheard of for longest
        if len(self._rows) > MOST_CLIENTS:
            self.others += self._rows.pop(next(iter(self._rows))).requests
        return line

    def _count(self, line: Line) -> None:
        second = int(line.at)
        self._seconds.setdefault(second, [0, 0])[line.own] += 1
        if len(self._seconds) > MOST_SECONDS:
            del self._seconds[next(iter(self._seconds))]

    def within(self, since: float) -> tuple[int, int]:
        """Requests of known targets from an instant on, whose second counts in whole: of others, and ours."""
        found = [counts for second, counts in self._seconds.items() if second >= int(since)]
        return sum(others for others, _ in found), sum(own for _, own in found)

    def _hear(self, line: Line) -> None:
        # From the end of one request to when the next came: the end of a WebSocket of an hour, which came
        # before the latest request ended, is no coming back after an hour.
        came = line.came
        last, silences = self._heard.pop(line.client, (came, []))
        if came > last:
            while silences and silences[-1][1] <= came - last:
                silences.pop()
            silences.append((last, came - last))
            del silences[:-_MOST_SILENCES]
        self._heard[line.client] = (max(last, line.at), silences)
        if len(self._heard) > MOST_CLIENTS:
            del self._heard[next(iter(self._heard))]

    def rows(self, since: float = 0.0) -> tuple[Row, ...]:
        """Clients of known targets that were heard of since an instant, the latest first; without our own."""
        found = [row for row in self._rows.values() if row.target and not row.own and row.last >= since]
        return tuple(sorted(found, key=lambda row: -row.last))

    def noise(self, since: float = 0.0) -> int:
        """Requests since an instant, about, that reached no known server."""
        return sum(row.ages.since(since) for row in self._rows.values() if not row.target)

    def longest_gap(self, since: float = 0.0) -> float:
        """Seconds: the longest silence of any client that ended after an instant, as far as it is after."""
        found = (
            min(length, began + length - since)
            for last, silences in self._heard.values()
            if last > since
            for began, length in silences
            if began + length > since
        )
        return max(found, default=0.0)


def _tells_more(at: float, told: float) -> bool:
    """Whether an instant is within the whole second that a log tells: what is cut off makes silences of a
    client up to a second too long or too short, and a window of a drain twice that."""
    return told.is_integer() and told <= at < told + 1.0
