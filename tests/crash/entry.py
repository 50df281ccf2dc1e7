"""The real command, killed at chosen boundaries: `python -m tests.crash.entry ORDERS ARGUMENTS…`.

A *boundary* is one write of the journal or one effect; ORDERS is a JSON file that says where to note each
boundary that is passed, and at which points to kill (SIGKILL, this process alone). A point is
`when|boundary`: `before` and `after` it, or `amid` an effect, half a second after it began. Each point
kills once in a run, whichever process comes there. At a *stop* the command waits, once in a run, until
whoever disturbs the world has done so. The product itself has no switch for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from blueshift.cli.main import run as command
from blueshift.engine import effects, lease
from blueshift.engine.entries import Entry
from blueshift.engine.journal import Journal
from blueshift.engine.protocol import Effect, Journalled, Observed, Place
from blueshift.engine.store import Runs, Writer
from blueshift.engine.waiting import Waiting
from blueshift.steps import drain, follower, purge

AMID = 0.25
"""Seconds of an effect's work before it is killed: helm has then begun, and is done with no chart yet."""


class Pace(msgspec.Struct, frozen=True):
    """Seconds in place of the product's own: without traffic, the matrix would else be nothing but waits."""

    lease: float = 3.0
    """In place of 15: the claim of a killed process runs out soon."""
    renew: float = 1.0
    """In place of 5."""
    quiet: float = 4.0
    """In place of 30: how long the temporary must be idle."""
    look: float = 1.0
    """In place of 5: how often metrics are read."""
    again: float = 1.0
    """In place of 30: how soon a drain asks again."""


class Orders(msgspec.Struct, frozen=True):
    """Where to note, and where to kill."""

    passed: str
    killed: str
    cell: str
    """Its name is left out of boundaries, so that they are the same in every cell."""
    points: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    stopped: str = ""
    go: str = ""
    """Files: each stop that was come to, a line each; and at how many of them it may go on."""
    pace: Pace | None = None
    """None: the product's own."""


class Killer:
    """Notes boundaries, and kills."""

    def __init__(self, orders: Orders) -> None:
        self._passed = Path(orders.passed)
        self._cell = orders.cell
        self._killed = Path(orders.killed)
        done = _lines(self._killed)
        self._left = set(orders.points) - set(done)
        self._stops, self._stopped, self._go = orders.stops, Path(orders.stopped), Path(orders.go)

    async def at(self, when: str, boundary: str) -> None:
        """Pass a point, or stop or end there."""
        boundary = boundary.replace(self._cell, "CELL")
        point = f"{when}|{boundary}"
        if when == "before":
            _append(self._passed, boundary)
        if point in self._left:
            _append(self._killed, point)
            os.kill(os.getpid(), signal.SIGKILL)
        if point in self._stops:
            await self._stop(point)

    async def _stop(self, point: str) -> None:
        earlier = _lines(self._stopped)
        if point in earlier:
            return
        _append(self._stopped, point)
        while int("".join(_lines(self._go)) or "0") <= len(earlier):  # noqa: ASYNC110  # in another process
            await asyncio.sleep(0.02)

    async def amid(self, boundary: str) -> None:
        """End in the middle of an effect, if that is asked for."""
        if f"amid|{boundary.replace(self._cell, 'CELL')}" in self._left:
            await asyncio.sleep(AMID)
            await self.at("amid", boundary)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _append(file: Path, line: str) -> None:
    with file.open("a") as target:
        target.write(line + "\n")
        target.flush()
        os.fsync(target.fileno())


def name_of(entry: Entry) -> str:
    """A journal write as a boundary: the step, what is written, and of which effect or wait."""
    of = [str(getattr(entry, field, "")) for field in ("step", "effect", "key")]
    return " ".join(word for word in (of[0], type(entry).__name__, *of[1:]) if word)


class Marked:
    """An effect with a boundary around it."""

    def __init__(self, effect: Effect, step: str, killer: Killer) -> None:
        self._effect = effect
        self._boundary = f"{step} effect {effect.key}"
        self._killer = killer
        self.key = effect.key
        self.intent = effect.intent

    async def observe(self, journalled: Journalled | None) -> Observed:
        """As the effect does."""
        return await self._effect.observe(journalled)

    async def do(self) -> str | None:
        """Do it, if there is time."""
        await self._killer.at("before", self._boundary)
        killing = asyncio.create_task(self._killer.amid(self._boundary))
        try:
            said = await self._effect.do()
        finally:
            killing.cancel()
        await self._killer.at("after", self._boundary)
        return said


def mark(killer: Killer) -> None:
    """Put the boundaries into the engine."""
    write, create, do = Writer.write, Runs.create, effects.do_once

    async def written(self: Writer, entry: Entry) -> Journal:
        boundary = name_of(entry)
        await killer.at("before", boundary)
        journal = await write(self, entry)
        await killer.at("after", boundary)
        return journal

    async def created(self: Runs, journal: Journal, inputs: Mapping[str, bytes]) -> Writer:
        await killer.at("before", "create")
        writer = await create(self, journal, inputs)
        await killer.at("after", "create")
        return writer

    async def done(waiting: Waiting, step: Place, effect: Effect) -> bool:
        return await do(waiting, step, Marked(effect, step.id, killer))

    Writer.write = written  # type: ignore[method-assign]
    Runs.create = created  # type: ignore[method-assign]
    effects.do_once = done


def hasten(pace: Pace) -> None:
    """Put shorter times into the product."""
    lease.DURATION, lease.RENEW = pace.lease, pace.renew
    purge._QUIET, follower.EVERY, drain.ASK_AGAIN = pace.quiet, pace.look, pace.again


def main() -> None:
    """Run the command with the orders of the first argument."""
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    sys.argv = ["blueshift", *sys.argv[2:]]
    if orders.pace is not None:
        hasten(orders.pace)
    mark(Killer(orders))
    sys.exit(command())


if __name__ == "__main__":
    main()
