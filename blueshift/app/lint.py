"""Whether a playbook can be trusted: every step finds what it needs, and from everywhere there is a way back.

Walked on states alone: each prefix of the track, also one that was cut off inside a step, is followed by the
way back that would be compiled there (DESIGN §3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from blueshift.app.back import way_back
from blueshift.app.kinds import compile_entries, compile_track
from blueshift.engine.protocol import Step
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError
from blueshift.playbook.schema import Playbook
from blueshift.steps.context import Tools
from blueshift.steps.located import Located, at
from blueshift.steps.purge import Purge
from blueshift.steps.shift import Wave


class Cut(msgspec.Struct, frozen=True):
    """A place in which a run may be cut off."""

    where: str
    state: State
    located: Located


class Linted(msgspec.Struct, frozen=True):
    """What was found."""

    problems: tuple[str, ...]
    cuts: int
    """Places from which a way back was walked."""
    past_return: tuple[str, ...]
    """Places after which there is no short way back: the temporary has gone."""


def lint(playbook: Playbook, tools: Tools) -> Linted:
    """Walk a playbook on a World's names; nothing is asked of the world."""
    steps = compile_track(playbook, tools)
    problems = [f"{step.id}: {why}" for step, why in _unmet(steps, State())]
    end = _walked(steps, State())
    problems += [f"at the end of the playbook {left}" for left in _left(end, primary=end.primary)]
    past: list[str] = []
    cuts = list(_cuts(steps, tools))
    for cut in cuts:
        try:
            entries = way_back(cut.state, playbook, cut.located)
        except BlueshiftError as error:
            if not _temporary_goes(cut):
                problems.append(f"{cut.where}: no way back: {error}")
            past.append(cut.where)
            continue
        back = compile_entries("back", entries, tools)
        state = cut.state
        problems += [f"{cut.where}, then {step.id}: {why}" for step, why in _unmet(back, state)]
        after = _walked(back, state)
        right = "hardened" if after.primary == "hardened" else "old"
        problems += [f"{cut.where}: after the way back {left}" for left in _left(after, primary=right)]
    return Linted(tuple(problems), len(cuts) - len(past), tuple(past))


def _cuts(steps: Sequence[Step], tools: Tools) -> Iterator[Cut]:
    """Before each step, and inside it: for a wave with none, and with all, of its names moved."""
    state = State()
    located: Located = {name.name: "primary" for name in tools.world.moving()}
    for step in steps:
        yield Cut(f"before {step.id}", state, located)
        inside = step.during(state)
        if isinstance(step, Wave):
            moved = {**located, **{name.name: step.settings.to for name in step.names}}
            for where, names in (("begun", located), ("swapped", moved)):
                yield Cut(f"{where} in {step.id}", at(inside, names), names)
            located = moved
        else:
            yield Cut(f"inside {step.id}", inside, located)
        state = step.leaves(state)
    yield Cut("after the last step", state, located)


def _temporary_goes(cut: Cut) -> bool:
    return cut.state.temporary != "ready" and (
        cut.where.startswith("after") or Purge.kind in cut.where or "restore-ttl" in cut.where
    )


def _unmet(steps: Sequence[Step], state: State) -> Iterator[tuple[Step, str]]:
    for step in steps:
        if why := step.needs(state):
            yield step, why
        state = step.leaves(state)


def _walked(steps: Sequence[Step], state: State) -> State:
    for step in steps:
        state = step.leaves(state)
    return state


def _left(state: State, *, primary: str) -> Iterator[str]:
    """What is not as it was before the run."""
    start = State()
    for field in ("traffic", "temporary", "floors", "quiesced", "ttl"):
        now, was = getattr(state, field), getattr(start, field)
        if now != was:
            yield f"{field} is {_word(now)}, not {_word(was)}"
    if state.primary != primary:
        yield f"the primary is {state.primary}"


def _word(value: object) -> str:
    return " and ".join(value) if isinstance(value, tuple) and value else str(value or "none")
