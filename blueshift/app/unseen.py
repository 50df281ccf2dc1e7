"""What `watch` cannot see of one side: each pod and reason once, and again when it changes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from blueshift.cluster.errors import Forbidden
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.follower import Follower
from blueshift.steps.podlogs import PodLogs, clock_time, stretch
from blueshift.traffic.logfiles import shown
from blueshift.traffic.logs import LogFormat
from blueshift.traffic.tally import Follow

_MAY = "`blueshift rbac --role viewer` prints a role that may"


class Note(msgspec.Struct, frozen=True):
    """A sentence about what is watched; between accesses it stands alone in having a `note`."""

    note: str
    side: SideName | None = None
    pod: str = ""


class Counted(msgspec.Struct):
    """One side since the watching began."""

    requests: int = 0
    errors: int = 0
    """See `judge.is_error`; none where the log tells no status."""
    pods: int | None = None
    """That run now; None until the side was looked at."""
    read: int = 0
    """Those of them whose log can be read."""
    unread: int = 0
    """Lines that should have been accesses and could not be read."""
    dark: str = ""
    """Why the log does not show every request of the side."""
    lost: bool = False
    """Whether its pods cannot be looked at now."""

    def doubts(self) -> tuple[str, ...]:
        """What the numbers are not of, as sentences' parts; none where they are of all."""
        found = (
            "cannot be followed now" if self.lost else "not looked at yet" if self.pods is None else "",
            "no pod runs" if self.pods == 0 else "",
            f"of {self.read} of {self.pods} pods" if self.read < (self.pods or 0) else "",
            f"{self.unread} line{'s' * (self.unread > 1)} could not be read" if self.unread else "",
            f"not every request is logged: {self.dark}" if self.dark else "",
        )
        return tuple(one for one in found if one)


class Unseen:
    """Compares what is known of one side's logs now with what was told of them."""

    def __init__(self, follower: Follower, counted: Counted) -> None:
        self._follower = follower
        self._counted = counted
        self._side = follower.side
        self._broken: dict[str, str] = {}
        """Pod → why its log cannot be read, as it was told."""
        self._gaps: dict[str, int] = {}
        """Pod → how many stretches that are missing were told."""
        self._unreadable: set[str] = set()
        self._dark = ""
        self._form: LogFormat | None = None

    def news(self, now: float) -> Iterator[Note]:
        """What is to be said at an instant (seconds since the epoch)."""
        counted, logs = self._counted, self._follower.logs
        running = self._follower.running
        if running is None:
            return
        counted.pods, counted.read, counted.dark = len(running), 0, ""
        if logs is None:
            return
        pods = logs.tally.pods
        counted.unread = sum(follow.unreadable for follow in pods.values())
        counted.read = sum(
            pod in running and pod not in logs.broken and _reads(one) for pod, one in pods.items()
        )
        counted.dark = self._follower.dark if running else ""
        if counted.dark and counted.dark != self._dark:
            sentence = f"the access log of the {self._side} does not show every request ({counted.dark})"
            yield self._note("", sentence)
        self._dark = counted.dark
        if self._form is not None and logs.tally.form is not self._form:
            self._unreadable.clear()
            sentence = f"the log format of the {self._side} was changed: lines are read by the new one too"
            yield self._note("", sentence)
        self._form = logs.tally.form
        for pod in sorted(pods):
            if pod in running:
                yield from self._of_pod(pod, logs, now)

    def _of_pod(self, pod: str, logs: PodLogs, now: float) -> Iterator[Note]:
        follow, error = logs.tally.pods[pod], logs.broken.get(pod)
        why, before = (_why(error) if error else ""), self._broken.get(pod, "")
        gaps = [gap for gap in follow.gaps if not math.isinf(gap[1])]
        lost = ", ".join(stretch(*gap, now) for gap in gaps[self._gaps.get(pod, 0) :])
        log = f"the log of {pod} ({self._side})"
        reach = max(self._follower.since, logs.born[pod])
        if pod not in self._gaps and follow.since > reach:
            told = f"{log} reaches back to {clock_time(follow.since)} alone: before that it was rotated"
            yield self._note(pod, told)
        if why and why != before:
            yield self._note(pod, f"{log} cannot be read: {why}")
        elif before and not why:
            told = f"missing is what it wrote {lost}" if lost else "nothing of it is missing"
            yield self._note(pod, f"{log} is followed again; {told}")
        elif lost:
            yield self._note(pod, f"{log} is missing {lost}: it was rotated while its stream was broken")
        self._broken[pod], self._gaps[pod] = why, len(gaps)
        if follow.example and pod not in self._unreadable:
            self._unreadable.add(pod)
            yield self._note(
                pod,
                f"{follow.unreadable} of {follow.unreadable + follow.read} lines in {log} could not be read "
                f"and are not counted, the first: {shown(follow.example)!r}; accesses are read by "
                "log-format-upstream in the controller's ConfigMap",
            )

    def _note(self, pod: str, sentence: str) -> Note:
        return Note(sentence, self._side, pod)


def _reads(follow: Follow) -> bool:
    """Whether anything of a log can be read: one without a line can."""
    return bool(follow.read or not follow.unreadable)


def _why(error: BlueshiftError) -> str:
    hint = _MAY if isinstance(error, Forbidden) else error.hint
    return f"{error.message}; {hint}" if hint else error.message
