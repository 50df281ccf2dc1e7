"""Timestamped lines, for logs and terminals that cannot redraw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from blueshift import events
from blueshift.report.view import View, fold
from blueshift.report.words import escaped, instant, latency, length, like, listed, rate

# A wait is told again this often while its reason stays the same, but for its figures.
AGAIN = timedelta(seconds=30)
# A service in trouble says so every few seconds; a log needs it seldom.
SAME_NOTICE = timedelta(minutes=5)


class Plain:
    """A listener that writes a line for every event that matters."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._view = View()
        self._told: tuple[str, str, datetime] | None = None
        self._noticed: dict[str, datetime] = {}
        self._left: dict[str, events.DrainSeen] = {}

    def __call__(self, event: events.Event) -> None:
        """Listen."""
        self._view = fold(self._view, event)
        if isinstance(event, events.Waiting):
            lines = self._waiting(event)
        elif isinstance(event, events.Noticed):
            lines = self._notice(event)
        elif isinstance(event, events.DrainSeen):
            lines = self._drain(event)
        else:
            lines = self._lines(event)
        for line in lines:
            self._write(f"{instant(event.at)} {escaped(line)}")

    def _lines(self, event: events.Event) -> list[str]:
        view = self._view
        match event:
            case events.RunStarted():
                how = "begins" if event.epoch == 1 else f"is carried on (epoch {event.epoch})"
                return [f"run {event.run} of {event.release} {how}: {len(event.steps)} steps"]
            case events.Turned():
                why = f": {event.reason}" if event.reason else ""
                return _several(f"TURNS to {event.to}, by {event.by}, {len(event.steps)} steps", why)
            case events.StepStarted():
                return [f"[{view.at() + 1}/{len(view.steps)}] {event.step}"]
            case events.EffectIntended():
                return [f"  {event.step}: {event.what}"]
            case events.EffectDone() if event.adopted:
                return [f"  {event.step}: found done already: {event.effect}"]
            case events.StepSettled():
                step = view.step(event.step)
                took = f" after {length((event.at - step.started).total_seconds())}" if step.started else ""
                return [f"  {event.step}: settled{took}: {event.said}"]
            case events.GateWaits():
                return [
                    f"  {event.step}: waits at the gate {event.gate}: {event.reason}",
                    f"  {event.step}: open it with: {event.command}",
                ]
            case events.Held():
                return _several(f"HOLDS in {event.step}: ", event.reason)
            case events.RunEnded():
                told = "" if event.status == "holding" else f": {event.said}"
                return [f"run {event.run} {event.status}{told}"]
        return []

    def _waiting(self, event: events.Waiting) -> list[str]:
        if self._told:
            step, reason, at = self._told
            if (step, like(reason)) == (event.step, like(event.reason)) and event.at - at < AGAIN:
                return []
        self._told = (event.step, event.reason, event.at)
        since = length((event.at - event.since).total_seconds())
        until = f", until {instant(event.until, event.at)} at the latest" if event.until else ""
        then = f"; then: {event.then}" if event.then else ""
        reason, items = listed(event.reason)
        if not items or not any(items == listed(seen.reason)[1] for seen in self._left.values()):
            reason = event.reason
        lines = _several(f"  {event.step}: waits: ", f"{reason} (for {since}{until}{then})")
        return [*lines, *self._seen()]

    def _seen(self) -> list[str]:
        """What both sides and DNS look like, beside a wait."""
        sides = [
            f"{seen.side} {seen.ready}/{seen.wanted} ready, {rate(seen.requests_per_s)} requests/s, "
            f"{rate(seen.errors_per_s)} errors/s"
            + (f", p95 {latency(seen.p95_s)}" if seen.p95_s is not None else "")
            for (*_, seen) in self._view.sides.values()
        ]
        servers = [
            f"{seen.server}{' (recursive)' if seen.recursive else ''} "
            f"answers primary {seen.primary}, temporary {seen.temporary}"
            + (f", other {seen.other}" if seen.other else "")
            + (f", unknown {seen.unknown}" if seen.unknown else "")
            for seen in (*self._view.answers.values(), *self._view.recursives.values())
        ]
        return [f"    {'; '.join(part)}" for part in (sides, servers) if part]

    def _drain(self, event: events.DrainSeen) -> list[str]:
        """Who still comes, when it is for another reason; of other figures alone only now and then."""
        told = self._left.get(event.side)
        if told is not None and like(told.reason) == like(event.reason):
            same = replace(told, at=event.at, reason=event.reason) == event
            if same or event.at - told.at < AGAIN:
                return []
        self._left[event.side] = event
        connections = "?" if event.connections is None else event.connections
        counts = f"clients {event.clients}, requests {event.requests}, connections {connections}"
        reason, items = listed(event.reason)
        return _several(f"  drain of the {event.side}: {counts}: ", "\n".join((reason or "drained", *items)))

    def _notice(self, event: events.Noticed) -> list[str]:
        last = self._noticed.get(event.sentence)
        if last and event.at - last < SAME_NOTICE:
            return []
        self._noticed[event.sentence] = event.at
        return _several(f"  {event.step}: note: " if event.step else "  note: ", event.sentence)


def _several(begin: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    return [begin + first, *(f"      {line}" for line in rest)]
