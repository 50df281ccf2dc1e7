"""What the rows come to: the figures, and every reason for which they prove nothing (issue 4, DESIGN §7)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import KINDS
from blueshift.traffic.prober.summary import Failure, KindCount, Summary

SENT_SHARE = 0.999
"""Less than this share of the schedule sent on time: void."""
ON_TIME = 1.0
"""Seconds; a request that the generator took up later than that was not sent on time."""
LONGEST_GAP = 2.0
"""Seconds in which a host that was asked gave no answer while no request to it failed: void."""
STALE_SHARE = 0.002
"""More pooled connections found closed than this share of the requests: a failure of a run that is to prove
that an upgrade cost nothing (DESIGN §7)."""
SHOWN_FAILURES = 50
_BUCKET = 1e-4  # seconds of lateness
_BUCKETS = 20_000


class _Host(msgspec.Struct):
    asked: float = -1.0
    """Since when it owes an answer; -1 if it owes none."""
    owed: int = 0
    gap: float = 0.0
    quiet: float = 0.0
    """The longest gap in which no request failed."""
    failed_at: float = -1.0


class Counter:
    """Counts while rows begin and end, in memory that grows by one byte for each request."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.scheduled = 0
        self.long_scheduled = 0
        self.sent = 0
        self.stale_closed = 0
        self.by_kind: dict[str, KindCount] = {kind: KindCount() for kind in KINDS}
        self.long = KindCount()
        self._repeated = 0
        self._long_sent = 0
        self._late = [0] * (_BUCKETS + 1)
        self._hosts: dict[str, _Host] = {}
        self._answered_by: dict[str, int] = {}
        self._by_phase: dict[str, int] = {}
        self._failures: list[Failure] = []
        self._ended = bytearray()
        """By id: what became of it."""

    @property
    def requests(self) -> int:
        """Of all kinds but the long one."""
        return sum(count.requests for count in self.by_kind.values())

    @property
    def failed(self) -> int:
        """Of all kinds but the long one."""
        return sum(count.failed for count in self.by_kind.values())

    def due(self, row: Row, *, prompt: bool) -> None:
        """Take a row of the schedule, before it is sent. Ids are handed out from 0 on without a gap.

        `prompt`: its answer is due at once, so that it tells whether the host answers at all.
        """
        self._ended.append(_LONG if row.kind == "websocket_long" else 0)
        if row.kind == "websocket_long":
            self.long_scheduled += 1
            return
        self.scheduled += 1
        if prompt:
            host = self._hosts.setdefault(row.host, _Host())
            host.owed += 1
            if host.asked < 0:
                host.asked = row.scheduled

    def end(self, row: Row, *, prompt: bool) -> None:
        """Take a row that has ended, or that was never begun."""
        long = row.kind == "websocket_long"
        if row.begun >= 0:
            late = max(0.0, row.begun - row.scheduled)
            self._late[min(_BUCKETS, int(late / _BUCKET))] += 1
            self.sent += late <= ON_TIME and not long
            self._long_sent += late <= ON_TIME and long
        if row.begun >= 0:
            self._count(row, self.long if long else self.by_kind[row.kind])
        if prompt:
            self._count_gap(self._hosts[row.host], row)

    def late_p99(self) -> float:
        """Return the 99th percentile of lateness so far, in seconds (to 0.1 ms; 2 s at most)."""
        left = sum(self._late) * 0.01
        for bucket in range(_BUCKETS, -1, -1):
            left -= self._late[bucket]
            if left < 0:
                return bucket * _BUCKET
        return 0.0

    def summary(
        self,
        seconds: float,
        backend_ids: Iterable[str],
        lost: Iterable[str],
        *,
        longest_gap: float = LONGEST_GAP,
        most_stale: float = STALE_SHARE,
    ) -> Summary:
        """Compare with the backends' ids and say what it comes to.

        `lost` names backends whose ids are not all known. Takes the ids once; call it once. `longest_gap` is
        infinite where answers may take their time, `most_stale` where a server may end idle connections as it
        likes.
        """
        matched = self._match(backend_ids)
        failed = self.failed
        failures = list(self._failures)
        if self.stale_closed > most_stale * max(1, self.requests):
            failed += 1
            failures.insert(0, self._too_stale(seconds))
        reasons = self._void_reasons(matched.unmatched, list(lost), longest_gap)
        return Summary(
            scheduled=self.scheduled,
            sent=self.sent,
            requests=self.requests,
            failed=failed,
            stale_closed=self.stale_closed,
            repeated=self._repeated,
            unmatched=matched.unmatched,
            late_p99_ms=round(self.late_p99() * 1000, 1),
            max_gap_s=round(max((host.gap for host in self._hosts.values()), default=0.0), 3),
            void=bool(reasons),
            void_reasons=tuple(reasons),
            by_kind=self.by_kind,
            long=self.long,
            backend_count=matched.count,
            long_backend_count=matched.long,
            answered_by=dict(sorted(self._answered_by.items())),
            by_phase=dict(sorted(self._by_phase.items())),
            failures=tuple(failures[:SHOWN_FAILURES]),
            seconds=round(seconds, 3),
        )

    def _count(self, row: Row, kind: KindCount) -> None:
        kind.requests += 1
        self.stale_closed += row.stale_closed
        self._repeated += row.repeated
        if row.answered_by:
            self._answered_by[row.answered_by] = self._answered_by.get(row.answered_by, 0) + 1
        if not row.failed:
            # Where the controller answers by itself, no backend has the id.
            self._ended[row.id] |= _WELL if row.expected else 0
            return
        kind.failed += 1
        self._by_phase[row.phase] = self._by_phase.get(row.phase, 0) + 1
        if len(self._failures) < SHOWN_FAILURES:
            self._failures.append(
                Failure(
                    at=round(row.scheduled, 3),
                    ended=round(row.end, 3),
                    kind=row.kind,
                    phase=row.phase,
                    reason=row.reason,
                    host=row.host,
                    path=row.path,
                    address=row.address,
                    answered_by=row.answered_by,
                    id=f"{self.run}{row.id:024x}",
                )
            )

    @staticmethod
    def _count_gap(host: _Host, row: Row) -> None:
        host.owed -= 1
        if row.begun < 0:  # never asked: not the host's doing
            host.asked = host.asked if host.owed else -1.0
            return
        if row.failed:
            host.failed_at = row.end
        gap = row.end - host.asked
        host.gap = max(host.gap, gap)
        if row.status:
            if host.failed_at < host.asked:
                host.quiet = max(host.quiet, gap)
            host.asked = row.end if host.owed else -1.0

    def _match(self, backend_ids: Iterable[str]) -> _Matched:
        matched = _Matched()
        for text in backend_ids:
            number = _number_of(text, self.run)
            if number is None:
                continue  # of another run, or of nobody's
            if number >= len(self._ended) or self._ended[number] & _SEEN:
                matched.unmatched += 1
                continue
            self._ended[number] |= _SEEN
            if self._ended[number] & _LONG:
                matched.long += 1
            else:
                matched.count += 1
        matched.unmatched += self._ended.count(_WELL) + self._ended.count(_WELL | _LONG)
        return matched

    def _too_stale(self, seconds: float) -> Failure:
        share = self.stale_closed / max(1, self.requests)
        reason = f"{self.stale_closed} pooled connections found closed, {share:.2%} of the requests"
        return Failure(seconds, seconds, "", "stale", reason, "", "", "", "", "")

    def _void_reasons(self, unmatched: int, lost: list[str], longest_gap: float) -> list[str]:
        reasons = []
        scheduled, sent = self.scheduled + self.long_scheduled, self.sent + self._long_sent
        if sent < SENT_SHARE * scheduled or not scheduled:
            reasons.append(f"{sent} of {scheduled} scheduled requests were sent on time")
        if unmatched:
            reasons.append(f"{unmatched} ids do not match between ledger and backends")
        reasons += [f"the ids of backend {name} are not all known" for name in lost]
        reasons += [
            f"{name} gave no answer for {host.quiet:.1f} s, and no request to it failed"
            for name, host in sorted(self._hosts.items())
            if host.quiet > longest_gap
        ]
        return reasons


_LONG, _WELL, _SEEN = 1, 2, 4


class _Matched(msgspec.Struct):
    unmatched: int = 0
    count: int = 0
    long: int = 0


def _number_of(text: str, run: str) -> int | None:
    if not text.startswith(run):
        return None
    try:
        return int(text[len(run) :], 16)
    except ValueError:
        return None
