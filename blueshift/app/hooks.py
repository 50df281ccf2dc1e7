"""Programs of the user that are told what becomes of a run: `HOOKS/<event>/*`, in the order of their names.

Events are `holding`, `gate` (and again while it waits), `success`, `rolled-back` and `interrupted`. Each
program gets `BLUESHIFT_*` in its environment and the event as JSON on its standard input. It can tell people;
it cannot stop a run: whatever becomes of it is a notice.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from blueshift import events
from blueshift.clock import Clock
from blueshift.errors import BlueshiftError

TIMEOUT = 60.0
"""Seconds that one program has; then its process group is killed."""
AGAIN = 1800.0
"""Seconds after which a gate that still waits is told again."""
KINDS = ("holding", "gate", "success", "rolled-back", "interrupted")
_ENDS = {"succeeded": "success", "rolled-back": "rolled-back", "interrupted": "interrupted"}
_SHOWN = 500


class Told(msgspec.Struct, frozen=True):
    """One event as programs get it."""

    event: str
    run: str
    release: str
    step: str
    reason: str
    command: str
    """What a person may do next."""

    def environment(self) -> Mapping[str, str]:
        """As variables."""
        fields = msgspec.structs.asdict(self)
        return {f"BLUESHIFT_{name.upper()}": str(value) for name, value in fields.items()}


def folder_of(path: Path | None) -> Path | None:
    """The folder, if one is given. Raises BlueshiftError for one that is not there, or has unknown events."""
    if path is None:
        return None
    if not path.is_dir():
        raise BlueshiftError("there is no such folder", place=str(path), hint="`--hooks` names a folder")
    unknown = sorted(item.name for item in path.iterdir() if item.is_dir() and item.name not in KINDS)
    if unknown:
        raise BlueshiftError(
            f"no event is called {unknown[0]}", place=str(path), hint=f"events are {', '.join(KINDS)}"
        )
    return path


class Hooks:
    """Runs the programs beside the run; `listen` takes events, `close` waits for what is under way."""

    def __init__(self, folder: Path | None, clock: Clock, release: str, emit: events.Emit) -> None:
        self._folder = folder
        self._clock = clock
        self._release = release
        self._emit = emit
        self._running: set[asyncio.Task[None]] = set()
        self._gate: asyncio.Task[None] | None = None

    def listen(self, event: events.Event) -> None:
        """Start what belongs to an event."""
        if self._folder is None:
            return
        if self._gate and not isinstance(event, events.SideSeen | events.AnswersSeen | events.Noticed):
            self._gate.cancel()
            self._gate = None
        match event:
            case events.Held():
                self._start(self._told(event, "holding", event.step, event.reason, "status"))
            case events.GateWaits():
                told = Told("gate", event.run, self._release, event.step, event.reason, event.command)
                self._gate = asyncio.create_task(self._again(told))
            case events.RunEnded() if event.status in _ENDS:
                self._start(self._told(event, _ENDS[event.status], "", event.said, "show"))

    async def close(self) -> None:
        """Return when every program has ended, each within its time."""
        if self._gate:
            self._gate.cancel()
        while self._running:
            await asyncio.wait(self._running)

    def _told(self, event: events.Event, kind: str, step: str, reason: str, then: str) -> Told:
        return Told(kind, event.run, self._release, step, reason, f"blueshift {then} {event.run}")

    def _start(self, told: Told) -> None:
        task = asyncio.create_task(self._all(told))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _again(self, told: Told) -> None:
        while True:
            self._start(told)
            await self._clock.sleep(AGAIN)

    async def _all(self, told: Told) -> None:
        assert self._folder is not None
        for program in programs(self._folder / told.event):
            said = await self._one(program, told)
            if said:
                self._emit(events.Noticed(at=self._clock.utc(), run=told.run, step=told.step, sentence=said))

    async def _one(self, program: Path, told: Told) -> str:
        """Run one program; what a person should know of it."""
        name = f"hook {told.event}/{program.name}"
        try:
            process = await asyncio.create_subprocess_exec(
                str(program),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **told.environment()},
                start_new_session=True,
            )
        except OSError as error:
            return f"{name} cannot be started: {error.strerror}"
        try:
            async with self._clock.timeout(TIMEOUT):
                output, _ = await process.communicate(msgspec.json.encode(told))
        except TimeoutError:
            return f"{name} was ended after {TIMEOUT:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind, too
        text = output.decode(errors="replace").strip()[-_SHOWN:]
        if process.returncode:
            return f"{name} ended with {process.returncode}: {text or 'it said nothing'}"
        return f"{name}: {text}" if text else ""


def programs(folder: Path) -> list[Path]:
    """The executable files of a folder by name; what is hidden or ends in `~` is none."""
    if not folder.is_dir():
        return []
    return sorted(
        item
        for item in folder.iterdir()
        if item.is_file()
        and os.access(item, os.X_OK)
        and not item.name.startswith(".")
        and item.name[-1] != "~"
    )
