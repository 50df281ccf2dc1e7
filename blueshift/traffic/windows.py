"""What the access lines of one side come to, from several instants on at once, in bounded memory.

A window is opened when something begins to be watched, and costs as much however long it lasts: a row for
each target, with a sketch of a few hundred numbers. Stretches kept for later would cost as much each.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from blueshift.traffic.bursts import Bursts
from blueshift.traffic.judge import is_error
from blueshift.traffic.logs import Line
from blueshift.traffic.sides import Answered
from blueshift.traffic.targets import OTHERS, Target, Targets

MOST_WINDOWS = 3
"""At once; the one that was asked for the longest ago is closed for a new one."""
_SAME = 2.0
"""Seconds: the instant at which a wait began is known a moment after it began, from the journal."""


class Window:
    """Lines since an instant."""

    def __init__(self, since: float, opened: float) -> None:
        self.since = since
        self.opened = opened
        """When counting began: lines that were read before are not in it."""
        self.targets = Targets()
        self.unread = 0
        """Lines that should have been accesses and could not be read."""
        self._all = Bursts()
        self._bursts: dict[str, Bursts] = {}
        """Of the targets that had errors."""

    def add(self, name: str, status: int, seconds: float | None, at: float) -> None:
        """Count an access."""
        self.targets.of(name).add(status, seconds)
        if is_error(status):
            self._all.add(at)
            self._bursts.setdefault(name if name in self.targets else OTHERS, Bursts()).add(at)

    def answered(self) -> Answered:
        """As it is judged; counting goes on in it."""
        seen = self.targets.answered()
        bursts = {name: one.times() for name, one in self._bursts.items()}
        return Answered(
            replace(seen.whole, bursts=self._all.times()),
            {name: replace(one, bursts=bursts.get(name, 1.0)) for name, one in seen.targets.items()},
        )

    def blind(self, margin: float) -> str:
        """Why too many lines could not be read for an error share to mean anything; empty where it does."""
        lines = self.unread + sum(target.requests for target in self.targets.values())
        if self.unread <= margin * lines:
            return ""
        return f"{self.unread} of {lines} lines could not be read ({self.unread / lines:.2%})"


class Lately(NamedTuple):
    """All known targets since the look before."""

    seconds: float
    target: Target

    def per_second(self) -> dict[str, float]:
        """Requests per second by class of status; `none` for those without an answer.

        `2xx` is always there: nobody asking is something that a log tells, and not a log that tells nothing.
        """
        found = {"2xx": 0.0}
        for status, count in sorted(self.target.statuses.items()):
            name = f"{status // 100}xx" if status >= 100 else "none"
            found[name] = found.get(name, 0.0) + count / self.seconds
        return found


class Windows:
    """Takes each line once; our own probes, and what reached no known server, count nowhere."""

    def __init__(self, now: float, since: float) -> None:
        """One is open from the start, with all that is read of the time from `since` on."""
        self._begun = self._looked = now
        self._latest = Target()
        self._open = [Window(since, since)]

    def window(self, since: float, now: float) -> Window:
        """The window that began at that instant; opened if there is none."""
        found = next((one for one in self._open if abs(one.since - since) <= _SAME), None)
        if found:
            self._open.remove(found)
        self._open.append(found or Window(since, now))
        del self._open[:-MOST_WINDOWS]
        return self._open[-1]

    def add(self, line: Line, at: float) -> None:
        """Count an access that was written at an instant."""
        name = line.target
        if not name or line.own:
            return
        if at >= self._begun:
            self._latest.add(line.status, line.took)
        for window in self._open:
            if at >= window.since:
                window.add(name, line.status, line.took, at)

    def miss(self, at: float) -> None:
        """A line of that instant could not be read."""
        for window in self._open:
            window.unread += at >= window.since

    def lately(self, now: float) -> Lately | None:
        """What came since this was asked last; None where no time has passed."""
        if now <= self._looked:
            return None
        found = Lately(now - self._looked, self._latest)
        self._latest, self._looked = Target(), now
        return found
