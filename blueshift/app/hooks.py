"""The hooks of a run: those that are told what becomes of it, and what those around its steps are given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from blueshift import events
from blueshift.engine.hooks import NOT_FOR_ME, StepHook, Told, When, due, last_words, run
from blueshift.engine.protocol import Effect
from blueshift.engine.state import SideName
from blueshift.engine.store import Writer
from blueshift.errors import BlueshiftError
from blueshift.playbook.hooks import Hook
from blueshift.playbook.schema import Playbook
from blueshift.steps.context import Tools
from blueshift.steps.purge import GATE as PURGE_GATE

AGAIN = 1800.0
"""Seconds after which a gate that still waits is told again."""
FORGOTTEN = 4 * 3600.0
"""Seconds after which a temporary that nobody lets go counts as forgotten, each time anew."""
RUNNING = 600.0
"""Seconds between two tellings that a run is at work."""
_ENDS = {"succeeded": "success", "rolled-back": "rolled-back", "interrupted": "interrupted"}
# What comes while a gate waits, and opens none.
_BESIDE = (
    events.SideSeen
    | events.AnswersSeen
    | events.DrainSeen
    | events.WitnessSeen
    | events.Noticed
    | events.Waiting
)


class Hooks:
    """The hooks of one process of a run: `listen` takes events, `around` is asked by the loop.

    Those that are told run beside the run, one after the other, so that the end is told after the start.
    """

    def __init__(self, tools: Tools, writer: Writer, playbook: Playbook, emit: events.Emit) -> None:
        self._tools = tools
        self._writer = writer
        self._playbook = playbook
        self._clock = tools.clock
        self._emit = emit
        self._telling: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # fair: first come, first told
        self._repeated: list[asyncio.Task[None]] = []
        self._gate: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """The process begins, or carries on, the run."""
        self._tell(self._told("start"))
        self._repeated = [self._every(RUNNING, self._told("running"))]

    def listen(self, event: events.Event) -> None:
        """Start what belongs to an event."""
        if self._gate and not isinstance(event, _BESIDE):
            self._gate_over()
        match event:
            case events.Held():
                self._tell(self._told("holding", event.step, event.reason))
            case events.GateWaits():
                told = self._told("gate", event.step, event.reason, command=event.command)
                self._tell(told)
                self._gate = [self._every(AGAIN, told)]
                if event.gate == PURGE_GATE:
                    forgotten = self._told(
                        "forgotten-temporary", event.step, event.reason, command=event.command
                    )
                    self._gate.append(self._every(FORGOTTEN, forgotten))
            case events.RunEnded() if event.status in _ENDS:
                self._tell(self._told(_ENDS[event.status], "", event.said, then="show", status=event.status))

    async def close(self, status: str, failure: str = "") -> None:
        """Tell the end of the process, and return when every hook has ended, each within its time."""
        self._gate_over()
        for task in self._repeated:
            task.cancel()
        if failure:
            self._tell(self._told("failure", "", failure, status=status))
        self._tell(self._told("end", "", failure, then="show", status=status))
        while self._telling:
            await asyncio.wait(self._telling)

    def around(self, when: When, step: str) -> Sequence[Effect]:
        """See engine.hooks.Around. On a way back a hook that fails does not hold the run."""
        found = due(self._playbook.hooks, when, step, self._writer.journal.track)
        if not found:
            return ()
        to = self._to(step.split("/")[1])
        target = self._tools.target(to) if to else None

        def told(event: str) -> Told:
            return replace(
                self._told(event, step),
                to=to or "",
                addresses=(*target.ipv4, *target.ipv6) if target else (),
                hosts=tuple(name.name for name in self._tools.world.moving()),
            )

        def say(sentence: str) -> None:
            self._notice(step, sentence)

        fails = self._writer.journal.on == "forward"
        return tuple(StepHook(hook, told(hook.on), self._clock, say, fails=fails) for hook in found)

    def _to(self, entry: str) -> SideName | None:
        """The side that the step of that id in a playbook or a way back moves traffic to."""
        turn = self._writer.journal.turn
        if turn is not None:
            return next((step.settings.get("to") for step in turn.steps if step.id == entry), None)
        return next((getattr(e.settings, "to", None) for e in self._playbook.steps if e.id == entry), None)

    @property
    def _release(self) -> str:
        return f"{self._writer.journal.namespace}/{self._writer.journal.release}"

    def _told(
        self,
        event: str,
        step: str = "",
        reason: str = "",
        *,
        then: str = "status",
        status: str = "",
        command: str = "",
    ) -> Told:
        command = command or f"blueshift {then} {self._tools.run}"
        return Told(event, self._tools.run, self._release, step, reason, command, status)

    def _notice(self, step: str, sentence: str) -> None:
        self._emit(events.Noticed(at=self._clock.utc(), run=self._tools.run, step=step, sentence=sentence))

    def _every(self, seconds: float, told: Told) -> asyncio.Task[None]:
        async def again() -> None:
            while True:
                await self._clock.sleep(seconds)
                self._tell(told)

        return asyncio.create_task(again())

    def _gate_over(self) -> None:
        for task in self._gate:
            task.cancel()
        self._gate = []

    def _tell(self, told: Told) -> None:
        hooks = [hook for hook in self._playbook.hooks if hook.on == told.event]
        if not hooks:
            return

        async def tell() -> None:
            async with self._turn:
                for hook in hooks:
                    if said := await self._one(hook, told):
                        self._notice(told.step, said)

        task = asyncio.create_task(tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _one(self, hook: Hook, told: Told) -> str:
        """Run one that is told; what a person should know of it."""
        try:
            ended = await run(hook, told, self._clock)
        except BlueshiftError as error:
            return str(error)
        if ended.code not in (0, NOT_FOR_ME):
            return f"hook {hook.name} ended with {ended.code}: {last_words(ended)}"
        return f"hook {hook.name}: {ended.output}" if ended.output else ""
