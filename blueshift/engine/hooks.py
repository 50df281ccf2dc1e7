"""Hooks: how a program of the user is run, and those around a step, which are effects of that step.

As an effect a hook is journalled before and after: a resume does not repeat one that had succeeded, and runs
one again that was cut off. So a hook runs at least once, and perhaps twice.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from blueshift.clock import Clock
from blueshift.engine import programs
from blueshift.engine.programs import Ended
from blueshift.engine.protocol import Absent, Effect, Intent, Journalled, Observed
from blueshift.errors import BlueshiftError
from blueshift.playbook.hooks import Hook, identity, located

When = Literal["before", "after"]

NOT_FOR_ME = 75
"""EX_TEMPFAIL of sysexits.h, as whole runs use it: there is nothing to do here, and that is no failure."""
_LAST_WORDS = 400
"""Characters of a hook's output in a sentence."""


class Told(msgspec.Struct, frozen=True):
    """One event as hooks get it."""

    event: str
    run: str
    release: str
    """`namespace/name` of the primary."""
    step: str = ""
    reason: str = ""
    command: str = ""
    """What a person may do next."""
    status: str = ""
    """How the run ended."""
    to: str = ""
    """The side that a shift moves traffic to."""
    addresses: tuple[str, ...] = ()
    """The addresses of that side."""
    hosts: tuple[str, ...] = ()
    """The DNS names that move. In JSON only: there may be thousands."""

    def environment(self) -> Mapping[str, str]:
        """As variables."""
        fields = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "hosts"}
        fields["addresses"] = " ".join(self.addresses)
        return {f"BLUESHIFT_{name.upper()}": str(value) for name, value in fields.items()}


async def run(hook: Hook, told: Told, clock: Clock) -> Ended:
    """Run a program to its end, and then end all that it left in its process group.

    Raises BlueshiftError when it cannot be started, or takes longer than its timeout.
    """
    program = located(hook.run[0])
    if program is None:
        raise BlueshiftError(
            f"hook {hook.name} is not on this machine: {hook.run[0]}",
            hint="put it there, or name the folder of hooks that this machine has: `--hooks FOLDER`",
        )
    try:
        ended = await programs.run(
            (program, *hook.run[1:]),
            told.environment(),
            clock,
            timeout=hook.timeout,
            given=msgspec.json.encode(told),
        )
    except OSError as error:
        raise BlueshiftError(f"hook {hook.name} cannot be started: {error.strerror}") from error
    if ended.late:
        raise BlueshiftError(
            f"hook {hook.name} was ended after {hook.timeout:g} s, with all that it had started: "
            f"{last_words(ended)}",
            hint="`timeout` of the hook gives it longer" if not hook.folder else None,
        )
    return ended


def last_words(ended: Ended) -> str:
    """The end of a hook's output, for a sentence."""
    return ended.last_words(_LAST_WORDS)


def due(hooks: Sequence[Hook], when: When, step: str, track: Sequence[str]) -> tuple[Hook, ...]:
    """The hooks before (after) a step of a track; a step of a playbook may be several of the run.

    Those of one step come after those of every step; the same program and arguments only once. None on the
    way of a panic.
    """
    way, name, *_ = step.split("/")
    parts = [other for other in track if other.split("/")[:2] == [way, name]]
    end = parts[:1] if when == "before" else parts[-1:]
    if way.startswith("panic") or end != [step]:
        return ()
    found: dict[tuple[str, ...], Hook] = {}
    for event in (f"{when}-step", f"{when}-{name}"):
        for hook in hooks:
            if hook.on == event:
                found.setdefault(identity(hook), hook)
    return tuple(found.values())


class StepHook:
    """A hook before or after a step, as an effect of it."""

    def __init__(
        self, hook: Hook, told: Told, clock: Clock, say: Callable[[str], None], *, fails: bool
    ) -> None:
        # By what it is and not by where the folder lies, so that a resume on another machine knows it.
        argv = hook.run[1:] if hook.folder else hook.run
        digest = hashlib.sha256("\0".join(argv).encode()).hexdigest()[:8]
        self.key = f"hook {hook.name} {digest}"
        self.intent = Intent(f"run the hook {hook.name}", wanted=shlex.join(hook.run), bound=hook.timeout)
        self._hook = hook
        self._told = told
        self._clock = clock
        self._say = say
        self._fails = fails

    async def observe(self, journalled: Journalled | None) -> Observed:
        """What it did is its own affair: as long as the journal has no end of it, it is run."""
        return Absent()

    async def do(self) -> str:
        """See Effect. Raises BlueshiftError when it fails."""
        try:
            return self._judged(await run(self._hook, self._told, self._clock))
        except BlueshiftError as error:
            if self._fails:
                raise
            self._say(f"{error}; the way back goes on")
            return str(error)

    def _judged(self, ended: Ended) -> str:
        name = self._hook.name
        if ended.code in (0, NOT_FOR_ME) and ended.output:
            self._say(f"hook {name}: {ended.output}")
        if ended.code == 0:
            return ""
        if ended.code == NOT_FOR_ME:
            self._say(f"hook {name} passes this step over")
            return f"passed over: {last_words(ended)}"
        raise BlueshiftError(
            f"hook {name} ended with {ended.code}: {last_words(ended)}",
            hint=f"mend what it says: a resume runs it again. With exit {NOT_FOR_ME} it lets the step pass",
        )


Around = Callable[[When, str], Sequence[Effect]]
"""(before or after, step id) → the hooks of that step."""


def none(when: When, step: str) -> Sequence[Effect]:
    """No hooks."""
    return ()
