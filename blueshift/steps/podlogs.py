"""Follows the access logs of all pods of one side; what was missed of them is known and never silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import NotFound
from blueshift.errors import BlueshiftError
from blueshift.traffic.logs import Line, LogFormat
from blueshift.traffic.records import AsFormatted
from blueshift.traffic.tally import Tally
from blueshift.traffic.windows import Windows

LAG = 30.0
"""Seconds: how old the newest word of an open stream may be."""
AGAIN = 10.0
"""Seconds within which a stream opened anew gives the last line that was read, if that is still there."""
_REREAD = 5.0
"""Seconds before its beginning from which on it is looked whether a log reaches back so far."""
_BEFORE = 0.001
"""Seconds before a log's first line, so that this is read too."""
_STAMP = 64
"""Bytes that hold the kubelet's timestamp."""
_TURN = 500
"""Lines after which others have their turn: a log that is read from long ago comes without a pause."""

Hear = Callable[[str, Line], None]
"""Takes each access once, with its pod."""


class PodLogs:
    """The streams of one side's pods."""

    def __init__(
        self, kube: KubeApi, clock: Clock, form: LogFormat, since: float, hear: Hear | None = None
    ) -> None:
        self.tally = Tally(form)
        self.windows = Windows(clock.utc().timestamp(), since)
        self._kube = kube
        self._clock = clock
        self._since = since
        self._begun = clock.utc().timestamp()
        self._hear = hear
        self._following: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, float] = {}
        """Pod → when it was last seen running."""
        self.born: dict[str, float] = {}
        """Pod → when it started."""
        self._read: dict[str, float] = {}
        """Pod → the kubelet's timestamp of the last line that was counted."""
        self._records: dict[str, AsFormatted] = {}
        """Pod → what has come of an access that takes several lines."""
        self._unproven: dict[str, float] = {}
        """Pod → the last line before its stream broke, until the new one shows that nothing is missing."""
        self.broken: dict[str, BlueshiftError] = {}
        """Pod → why its log cannot be followed, until it is followed again and what is missing is known."""

    def reads(self, form: LogFormat) -> None:
        """Read by this format from now on, and by the one before; nothing changes where it is the same."""
        if form != self.tally.form:
            self.tally.reads(form)
            self._records.clear()

    def follow(self, namespace: str, container: str, pods: Mapping[str, float]) -> None:
        """Follow these pods (name → when it started), each whose stream has ended anew."""
        now = self._clock.utc().timestamp()
        for pod, started in pods.items():
            self.born[pod], self._seen[pod] = started, now
            task = self._following.get(pod)
            if task is None or task.done():
                self._following[pod] = asyncio.create_task(self._follow(namespace, pod, container))

    def stop(self) -> None:
        """End all streams."""
        for task in self._following.values():
            task.cancel()

    def holes(self, since: float, now: float) -> tuple[str, ...]:
        """What of the logs between two instants was not seen, by pod and stretch."""
        found = []
        for pod, follow in sorted(self.tally.pods.items()):
            begin = max(since, self.born[pod])
            if follow.since > begin:
                found.append(f"the log of {pod} is followed only since {clock_time(follow.since)}")
            found += [
                f"the log of {pod} is missing {stretch(max(gap, begin), end, now)}"
                for gap, end in follow.gaps
                if end > begin and gap < now
            ]
            missing = bool(follow.gaps) and follow.gaps[-1][1] > now
            if not missing and max(follow.until, begin) < min(now, self._seen[pod]) - LAG:
                found.append(f"nothing is known of the log of {pod} since {clock_time(follow.until)}")
        return tuple(found)

    async def _follow(self, namespace: str, pod: str, container: str) -> None:
        """One pod's log until its stream ends; the next round takes it up where this one was.

        The kubelet's timestamps tell lines that were counted already from new ones. It is asked for whole
        seconds, so the last line that was read comes again; where it does not, it was rotated away meanwhile
        (only the newest file is served), or the container is another one.
        """
        tally = self.tally
        begin = max(self._since, self.born[pod])
        if pod in self._read:
            begin = self._unproven[pod] = self._read[pod]
        else:
            begin = await self._first(namespace, pod, container, begin)
            tally.follow(pod, begin)
        opened = self._clock.utc().timestamp()
        ticking: asyncio.Task[None] | None = None
        try:
            lines = self._kube.logs(
                namespace,
                pod,
                container,
                follow=True,
                since=datetime.fromtimestamp(begin, UTC),
                timestamps=True,
            )
            ticking = asyncio.create_task(self._tick(pod, opened))
            turn = 0
            async for raw in lines:
                at, line = _stamped(raw)
                self._prove(pod, at)
                if at > begin:
                    self._count(pod, line, at)
                    turn += 1
                    if turn % _TURN == 0:
                        await self._clock.sleep(0)
        except NotFound:
            pass  # the pod has ended
        except BlueshiftError as error:
            self.broken[pod] = error
            tally.lost(pod, tally.pods[pod].until)
        finally:
            if ticking:
                ticking.cancel()

    async def _first(self, namespace: str, pod: str, container: str, wanted: float) -> float:
        """From when on a log can be read that is wanted from an earlier instant on: the kubelet gives the
        file that is written now (`kubectl logs`), and none that was rotated away before."""
        if wanted > self._begun - _REREAD:
            return wanted
        with contextlib.suppress(BlueshiftError):  # what hinders this hinders the reading too, which says it
            async for raw in self._kube.logs(namespace, pod, container, timestamps=True, limit=_STAMP):
                return max(wanted, _stamped(raw)[0] - _BEFORE)
        return wanted

    async def caught_up(self, pods: Collection[str], within: float) -> bool:
        """Wait until all that these pods had logged by now has been read, at most so many seconds."""
        now, end = self._clock.utc().timestamp(), self._clock.now() + within
        read: dict[str, float] = {}
        while self._clock.now() < end:
            await self._clock.sleep(0.5)
            follows = self.tally.pods
            # A stream that brings nothing more although it is open has brought everything.
            if pods and all(
                pod in follows
                and follows[pod].until >= now
                and (self._read.get(pod, 0.0) >= now or self._read.get(pod) == read.get(pod))
                for pod in pods
            ):
                return True
            read = dict(self._read)
        return False

    def _count(self, pod: str, line: bytes, at: float) -> None:
        self._read[pod] = at
        for whole in self._whole(pod, line):
            if access := self.tally.add(pod, whole, at):
                self.windows.add(access, at)
                if self._hear:
                    self._hear(pod, access)
            elif self.tally.form.unread(whole):
                self.windows.miss(at)

    def _whole(self, pod: str, line: bytes) -> Sequence[bytes]:
        """The accesses that a line of a pod's log ends, where the format writes one over several lines."""
        if not (shapes := self.tally.form.http.lines):
            return (line,)
        return self._records.setdefault(pod, AsFormatted(shapes)).joined((line,))

    def _prove(self, pod: str, at: float) -> None:
        """The first that is known of a stream opened anew is of that instant: what is between is missing."""
        self.broken.pop(pod, None)
        last = self._unproven.pop(pod, None)
        if last is not None:
            self.tally.follow(pod, last)
            if at > last:
                self.tally.missed(pod, last, at)
                self._records.pop(pod, None)  # the rest of that access is among what is missing

    async def _tick(self, pod: str, opened: float) -> None:
        """While the stream is open, silence is silence: lines arrive within about a second.

        The first tick waits longer: a stream that cannot be opened fails before it.
        """
        await self._clock.sleep(2.0)
        while True:
            await self._clock.sleep(1.0)
            now = self._clock.utc().timestamp()
            if now - opened >= AGAIN:
                self._prove(pod, opened)
            if pod not in self._unproven:
                self.tally.alive(pod, now - 1.0)


def clock_time(at: float) -> str:
    """An instant as a sentence names it, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def stretch(begin: float, end: float, now: float) -> str:
    """From when to when something is missing, as a sentence names it."""
    return f"from {clock_time(begin)} {'on' if end > now else f'to {clock_time(end)}'}"


def _stamped(raw: bytes) -> tuple[float, bytes]:
    """Split the kubelet's RFC 3339 timestamp, which is in the node's time zone, from a line."""
    stamp, _, line = raw.partition(b" ")
    try:
        return datetime.fromisoformat(stamp.decode()).timestamp(), line
    except ValueError:
        return 0.0, raw
