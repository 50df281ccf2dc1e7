"""Both sides' access logs as they are written, for a person: without a run, and without deciding anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import cast

import msgspec

from blueshift.app.look import temporary_of
from blueshift.app.session import Session
from blueshift.controllers.profile import Profile
from blueshift.discovery.primary import primary
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.follower import Follower
from blueshift.steps.witness import Whereabouts, Witness
from blueshift.traffic.logs import Line

SIDES: tuple[SideName, ...] = ("primary", "temporary")
AGAIN = 5.0
"""Seconds until a side that cannot be followed is tried again."""


class Chosen(msgspec.Struct, frozen=True):
    """Which accesses are shown; counted are all but our own probes."""

    sides: tuple[SideName, ...] = SIDES
    hosts: tuple[str, ...] = ()
    """Patterns (`*.example.com`); of the upstream's name where the log has no host."""
    statuses: tuple[tuple[int, int], ...] = ()
    """Ranges, both ends included."""
    slower: float = 0.0
    """Seconds from which on an answer is slow enough."""
    own: bool = False
    """Blueshift's own probes too."""

    def shows(self, line: Line) -> bool:
        """Whether this one is wanted."""
        name = line.host or line.upstream
        return (
            (self.own or not line.own)
            and (not self.hosts or any(fnmatchcase(name, pattern) for pattern in self.hosts))
            and (not self.statuses or any(low <= line.status <= high for low, high in self.statuses))
            and line.seconds >= self.slower
        )


class Counted(msgspec.Struct):
    """One side since the watching began."""

    requests: int = 0
    errors: int = 0
    """Answers of 500 and more."""


class Watching:
    """Follows every pod of both sides, those too that come meanwhile."""

    def __init__(
        self,
        session: Session,
        chosen: Chosen,
        tell: Callable[[SideName, str, Line], None],
        note: Callable[[str], None],
        *,
        since: float = 0.0,
    ) -> None:
        self.counted: dict[SideName, Counted] = {side: Counted() for side in chosen.sides}
        self._session = session
        self._chosen = chosen
        self._tell = tell
        self._note = note
        self._since = since
        self._failed: Exception | None = None
        """Why nothing can be told any more, such as a reader that went away."""
        self._ended = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow until `stopping` is set. Raises BlueshiftError where there is no release to follow."""
        session = self._session
        release = session.config.release
        found = await primary(session.kube, release.name, release.namespace, session.recognise)
        if not found.settings.access_log:
            self._note(f"the primary writes no access log ({found.settings.access_log_why})")
        profile = cast(Profile, found.known)
        where = Whereabouts(release.namespace, found.workload, temporary_of(session))
        witness = Witness(session.kube, profile, session.clock, where)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._again(side, self._follower(side, witness, profile).run))
                for side in self._chosen.sides
            ]
            waits = [group.create_task(event.wait()) for event in (stopping, self._ended)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, *waits):
                task.cancel()
        if self._failed:
            raise self._failed

    def _follower(self, side: SideName, witness: Witness, profile: Profile) -> Follower:
        def hear(pod: str, line: Line) -> None:
            if not line.own:
                self.counted[side].requests += 1
                self.counted[side].errors += line.status >= 500
            if self._chosen.shows(line) and not self._failed:
                try:
                    self._tell(side, pod, line)
                except Exception as error:  # kept for `run`: here it would end the log of one pod alone
                    self._failed = error
                    self._ended.set()

        session = self._session
        return Follower(
            side, session.kube, witness, profile, session.clock, hear, counts=False, back=self._since
        )

    async def _again(self, side: SideName, follow: Callable[[], Awaitable[None]]) -> None:
        """A side that cannot be looked at now is looked at again."""
        while True:
            try:
                await follow()
            except BlueshiftError as error:
                self._note(f"the {side} cannot be followed: {error.message}; trying again in {AGAIN:g} s")
                await self._session.clock.sleep(AGAIN)
