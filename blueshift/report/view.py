"""What the events of a run add up to at this moment: a pure fold that every drawn view reads."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from blueshift import events

# Looks at a side that are kept, for small curves.
_LOOKS = 24
# Notices kept for the views; older ones were printed when they came.
_NOTICES = 3


class StepView(msgspec.Struct, frozen=True):
    """One step of the track."""

    id: str
    started: datetime | None = None
    settled: datetime | None = None
    said: str = ""
    passed: bool = False
    """A later step was seen to start, so this one settled in an earlier process."""

    @property
    def done(self) -> bool:
        """Whether it has settled, in this process or before."""
        return self.settled is not None or self.passed


class View(msgspec.Struct, frozen=True):
    """The run as its events tell it."""

    run: str = ""
    release: str = ""
    epoch: int = 1
    since: datetime | None = None
    steps: tuple[StepView, ...] = ()
    current: str = ""
    effect: str = ""
    """The effect in flight."""
    waiting: events.Waiting | None = None
    gate: events.GateWaits | None = None
    held: events.Held | None = None
    ended: events.RunEnded | None = None
    sides: dict[str, tuple[events.SideSeen, ...]] = {}
    """The latest looks at each, the newest last."""
    answers: dict[str, events.AnswersSeen] = {}
    recursives: dict[str, events.AnswersSeen] = {}
    """As `answers`, of resolvers for which nothing waits."""
    drains: dict[str, events.DrainSeen] = {}
    """Who still comes to a side, as the current step looks at it."""
    notices: tuple[events.Noticed, ...] = ()

    def at(self) -> int:
        """Index of the current step; 0 before the first."""
        return next((i for i, step in enumerate(self.steps) if step.id == self.current), 0)

    def step(self, name: str) -> StepView:
        """A step by its id, empty when it is unknown."""
        return next((step for step in self.steps if step.id == name), StepView(name))


def fold(view: View, event: events.Event) -> View:
    """The view after one more event."""
    match event:
        case events.SideSeen():
            looks = (*view.sides.get(event.side, ()), event)[-_LOOKS:]
            return replace(view, sides={**view.sides, event.side: looks})
        case events.DrainSeen():
            return replace(view, drains={**view.drains, event.side: event})
        case events.AnswersSeen() if event.recursive:
            return replace(view, recursives={**view.recursives, event.server: event})
        case events.AnswersSeen():
            return replace(view, answers={**view.answers, event.server: event})
        case events.Noticed():
            return replace(view, notices=(*view.notices, event)[-_NOTICES:])
        case events.RunStarted():
            return View(
                run=event.run,
                release=event.release,
                epoch=event.epoch,
                since=event.at,
                steps=tuple(StepView(name) for name in event.steps),
            )
        case events.Turned():
            steps = tuple(StepView(name) for name in event.steps)
            return replace(view, steps=steps, current="", effect="", waiting=None, gate=None, held=None)
        case events.RunEnded():
            return replace(view, ended=event, effect="", waiting=None, gate=None)
    return _of_step(view, event)


def _of_step(view: View, event: events.Event) -> View:
    match event:
        case events.StepStarted():
            return _begun(view, event)
        case events.StepSettled():
            settled = replace(view.step(event.step), settled=event.at, said=event.said)
            return replace(_with(view, settled), effect="", waiting=None, gate=None)
        case events.EffectIntended():
            return replace(view, effect=event.what, waiting=None, gate=None)
        case events.EffectDone():
            return replace(view, effect="", waiting=None, gate=None)
        case events.Waiting():
            return replace(view, waiting=event, gate=None)
        case events.GateWaits():
            return replace(view, gate=event, waiting=None)
        case events.Held():
            return replace(view, current=event.step, held=event, effect="", waiting=None, gate=None)
    return view


def _begun(view: View, event: events.StepStarted) -> View:
    begun = _with(view, replace(view.step(event.step), started=event.at))
    index = next(i for i, step in enumerate(begun.steps) if step.id == event.step)
    passed = tuple(
        replace(step, passed=True) if i < index and step.settled is None else step
        for i, step in enumerate(begun.steps)
    )
    return replace(begun, steps=passed, current=event.step, effect="", waiting=None, gate=None, drains={})


def _with(view: View, changed: StepView) -> View:
    if any(step.id == changed.id for step in view.steps):
        steps = tuple(changed if step.id == changed.id else step for step in view.steps)
    else:
        steps = (*view.steps, changed)
    return replace(view, steps=steps)
