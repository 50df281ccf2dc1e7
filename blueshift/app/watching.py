"""Both sides' access logs as they are written, for a person: without a run, and without deciding anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from fnmatch import fnmatchcase
from functools import partial
from typing import cast

import msgspec

from blueshift.app.hosting import Hosting, hosting_of
from blueshift.app.look import temporary_of
from blueshift.app.session import Session
from blueshift.app.unseen import Counted, Note, Unseen
from blueshift.controllers.profile import Profile
from blueshift.discovery.primary import Primary, primary
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.follower import Follower
from blueshift.steps.live import live_ingresses
from blueshift.steps.witness import Whereabouts, Witness
from blueshift.traffic.judge import is_error
from blueshift.traffic.logs import HOST, Line, LogFormat

SIDES: tuple[SideName, ...] = ("primary", "temporary")
AGAIN = 5.0
"""Seconds until a side that cannot be followed is tried again."""
LOOK = 2.0
"""Seconds between two looks at what cannot be seen."""
HOSTS_AGAIN = 60.0
"""Seconds until it is looked again which hosts there are: a list of all Ingresses may be long."""


class Chosen(msgspec.Struct, frozen=True):
    """Which accesses are shown; counted are all but our own probes."""

    sides: tuple[SideName, ...] = SIDES
    hosts: tuple[str, ...] = ()
    """Patterns (`*.example.com`), in lower case; of the upstream's name too where the log has no host."""
    statuses: tuple[tuple[int, int], ...] = ()
    """Ranges, both ends included."""
    slower: float = 0.0
    """Seconds from which on an answer is slow enough."""
    own: bool = False
    """Blueshift's own probes too."""

    def shows(self, line: Line, upstreams: Collection[str] = ()) -> bool:
        """Whether this one is wanted; `upstreams` are those that serve a host that is."""
        name = line.host or line.upstream
        return (
            (self.own or not line.own)
            and (
                not self.hosts
                or (not line.host and name in upstreams)
                or any(fnmatchcase(name, pattern) for pattern in self.hosts)
            )
            and (not self.statuses or any(low <= line.status <= high for low, high in self.statuses))
            and (line.seconds or 0.0) >= self.slower
        )

    def blind(self, side: SideName, form: LogFormat) -> Iterator[str]:
        """What nothing can be shown for, as the log of a side does not tell it."""
        for option, given, groups in (
            ("--slow", self.slower, ("request_time",)),
            ("--status", self.statuses, ("status",)),
            ("--host", self.hosts, (*HOST, "proxy_upstream_name")),
        ):
            if given and form.http.variables.isdisjoint(groups):
                yield (
                    f"{option} shows no request of the {side}: its log format has no ${groups[0]} "
                    "(log-format-upstream in the controller's ConfigMap)"
                )


class Watching:
    """Follows every pod of both sides, those too that come meanwhile."""

    def __init__(
        self,
        session: Session,
        chosen: Chosen,
        tell: Callable[[SideName, str, Line], None],
        note: Callable[[Note], None],
        *,
        since: float = 0.0,
    ) -> None:
        self.counted: dict[SideName, Counted] = {side: Counted() for side in chosen.sides}
        self._session = session
        self._chosen = chosen
        self._tell = tell
        self._note = note
        self._since = since
        self._hosting = Hosting()
        self._upstreams: frozenset[str] = frozenset()
        self._said: set[Note] = set()
        self._troubles: dict[SideName, tuple[str, float]] = {}
        """Side → why it cannot be followed, and when that was seen last."""
        self._failed: Exception | None = None
        """Why nothing can be told any more, such as a reader that went away."""
        self._ended = asyncio.Event()
        self._doubted: dict[SideName, tuple[Hosting, LogFormat]] = {}
        """Side → hosts and format of which it was told what they cannot tell: of thousands it is slow."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow until `stopping` is set. Raises BlueshiftError where there is no release to follow."""
        session = self._session
        release = session.config.release
        found = await primary(session.kube, release.name, release.namespace, session.recognise, hosts=False)
        profile = cast(Profile, found.known)
        self._learn(hosting_of(found.served, profile, found.settings.prefix), found.unserved)
        where = Whereabouts(release.namespace, found.workload, temporary_of(session))
        witness = Witness(session.kube, profile, session.clock, where)
        followers = [self._follower(side, witness, profile) for side in self._chosen.sides]
        unseen = [Unseen(one, self.counted[one.side]) for one in followers]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._again(one)) for one in followers]
            tasks.append(group.create_task(self._looks(followers, unseen)))
            if self._chosen.hosts:
                tasks.append(group.create_task(self._hosts(found, profile)))
            waits = [group.create_task(event.wait()) for event in (stopping, self._ended)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, *waits):
                task.cancel()
        self._look(followers, unseen)
        if self._failed:
            raise self._failed

    def _follower(self, side: SideName, witness: Witness, profile: Profile) -> Follower:
        def hear(pod: str, line: Line) -> None:
            if not line.own:
                self.counted[side].requests += 1
                self.counted[side].errors += is_error(line.status)
            if self._chosen.shows(line, self._upstreams):
                self._write(partial(self._tell, side, pod, line))

        session = self._session
        return Follower(
            side, session.kube, witness, profile, session.clock, hear, counts=False, back=self._since
        )

    async def _again(self, follower: Follower) -> None:
        """A side that cannot be looked at now is looked at again."""
        side, clock = follower.side, self._session.clock
        while True:
            try:
                await follower.run()
            except BlueshiftError as error:
                before, _ = self._troubles.get(side, ("", 0.0))
                self._troubles[side] = (error.message, clock.now())
                self.counted[side].lost = True
                if error.message != before:
                    self._say(
                        Note(
                            f"the {side} cannot be followed: {error.message}; trying again in {AGAIN:g} s",
                            side,
                        )
                    )
                await clock.sleep(AGAIN)

    async def _looks(self, followers: Collection[Follower], unseen: Collection[Unseen]) -> None:
        while True:
            await self._session.clock.sleep(LOOK)
            self._look(followers, unseen)

    def _look(self, followers: Collection[Follower], unseen: Collection[Unseen]) -> None:
        """Say what has come to be unseen, or to be seen again."""
        for follower in followers:
            side = follower.side
            if side in self._troubles and follower.looked > self._troubles[side][1]:
                del self._troubles[side]
                self.counted[side].lost = False
                self._say(Note(f"the {side} is followed again", side))
            if follower.logs:
                form = follower.logs.tally.form
                for sentence in self._chosen.blind(side, form):
                    self._once(Note(sentence, side))
                if self._doubted.get(side) != (asked := (self._hosting, form)):
                    self._doubted[side] = asked
                    for sentence in self._hosting.doubts(self._chosen.hosts, form):
                        self._once(Note(sentence))
        for one in unseen:
            for note in one.news(self._session.clock.utc().timestamp()):
                self._say(note)

    async def _hosts(self, found: Primary, profile: Profile) -> None:
        """Ingresses come and go while they are watched."""
        session = self._session
        while True:
            await session.clock.sleep(HOSTS_AGAIN)
            try:
                ingresses = await live_ingresses(session.kube, found.settings)
            except BlueshiftError as error:
                # What was known stays the best that is.
                self._learn(self._hosting, error.message)
            else:
                self._learn(hosting_of(ingresses, profile, found.settings.prefix), "")

    def _learn(self, hosting: Hosting, unknown: str) -> None:
        self._hosting = msgspec.structs.replace(hosting, unknown=unknown)
        self._upstreams = hosting.serving(self._chosen.hosts)

    def _once(self, note: Note) -> None:
        if note not in self._said:
            self._said.add(note)
            self._say(note)

    def _say(self, note: Note) -> None:
        self._write(partial(self._note, note))

    def _write(self, to_reader: Callable[[], None]) -> None:
        """To a reader that may be gone."""
        if self._failed:
            return
        try:
            to_reader()
        except Exception as error:  # kept for `run`: raised here it would end the log of one pod alone
            self._failed = error
            self._ended.set()
