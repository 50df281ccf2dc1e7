"""Draws a `View` into so many lines of so many columns: the picture of the live view, without a terminal."""

from __future__ import annotations

import textwrap
from datetime import datetime

from rich.text import Text

from blueshift.report.tables import servers, sides
from blueshift.report.view import StepView, View
from blueshift.report.words import Marks, flat, length, listed, span

# However small the terminal: the current step, one before, one after.
_FEWEST_STEPS = 3


def frame(view: View, now: datetime, width: int, height: int, marks: Marks) -> list[Text]:
    """At most `height` lines. What matters less is left out first: notices, DNS, the sides, who is left."""
    if height < 1:
        return []
    head, why = _head(view, now), _why(view, now, width)
    room = height - 1 - len(why) - _FEWEST_STEPS
    shown: list[list[Text]] = []
    blocks = (_drains(view, width), sides(view, width, marks), *servers(view, width), _notices(view))
    for block in blocks:
        fits = bool(block) and len(block) + 1 <= room
        shown.append([Text(), *block] if fits else [])
        room -= len(shown[-1])
    if why and room > 0:
        why = [Text(), *why]
        room -= 1
    rows = _steps(view, now, max(0, _FEWEST_STEPS + room), marks)
    left, both, dns, recursive, notices = shown
    lines = [head, *rows, *both, *dns, *recursive[1:], *why, *left, *notices]
    if len(lines) > height:  # a very small terminal: why nothing moves is worth more than the rest
        lines = [head, *why][:height]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(view: View, now: datetime) -> Text:
    elapsed = f"  {length((now - view.since).total_seconds())}" if view.since else ""
    state = f"  {view.ended.status}" if view.ended else ""
    return Text.assemble(("blueshift", "bold"), f"  {view.release}  run {view.run}{elapsed}", (state, "bold"))


def _steps(view: View, now: datetime, rows: int, marks: Marks) -> list[Text]:
    steps, at = view.steps, view.at()
    if len(steps) <= rows:
        return [_step(step, view, now, marks) for step in steps]
    inner = max(1, rows - 2)
    first = min(max(0, at - (inner - 1) // 2), len(steps) - inner)
    last = first + inner
    # A fold of one step takes as much room as the step itself.
    if first == 1:
        first = 0
    if last == len(steps) - 1:
        last = len(steps)
    middle = [_step(step, view, now, marks) for step in steps[first:last]]
    before = [Text(f" {marks.done} {first} steps before", "dim")] if first else []
    after = [Text(f" {marks.todo} {len(steps) - last} more, to {steps[-1].id}", "dim")]
    return [*before, *middle, *(after if last < len(steps) else [])][:rows]


def _step(step: StepView, view: View, now: datetime, marks: Marks) -> Text:
    column = max((len(other.id) for other in view.steps), default=0) + 2
    if view.held and step.id == view.held.step:
        return Text(f" {marks.held} {step.id:<{column}}holds", "bold red")
    if step.done:
        took = _took(step.started, step.settled)
        return Text.assemble((f" {marks.done} ", "green"), f"{step.id:<{column}}{took:<10}  {step.said}")
    if step.id == view.current and not view.ended:
        doing = view.effect or ("waits" if view.waiting or view.gate else "")
        return Text(f" {marks.now} {step.id:<{column}}{_took(step.started, now):<10}  {doing}", "bold cyan")
    return Text(f" {marks.todo} {step.id}", "dim")


def _took(started: datetime | None, until: datetime | None) -> str:
    return length((until - started).total_seconds()) if started and until else ""


def _drains(view: View, width: int) -> list[Text]:
    """Who still comes to a side that is drained, and why; not again what the wait says anyway."""
    lines: list[Text] = []
    for seen in view.drains.values():
        connections = "?" if seen.connections is None else str(seen.connections)
        left = f" drain of the {seen.side}: clients {seen.clients}, requests {seen.requests}, connections "
        lines.append(Text(left + connections, "bold"))
        reason, items = listed(seen.reason)
        if reason and not (view.waiting and reason in flat(view.waiting.reason)):
            lines += _folded(f"   {reason}", width, "", most=3)
        lines += [Text(f"   {item}") for item in items]
    return lines


def _why(view: View, now: datetime, width: int) -> list[Text]:
    """Why nothing moves, since when, until when, and what comes then."""
    if view.held:
        return _folded(f" holds: {view.held.reason}", width, "bold red", most=3)
    if view.gate:
        lines = _folded(f" gate {view.gate.gate}: {view.gate.reason}", width, "bold yellow", most=2)
        return [*lines, Text("   opens with:"), Text(f"   {view.gate.command}", "bold")]
    if not view.waiting:
        return []
    wait = view.waiting
    reason, items = listed(wait.reason)
    if not any(listed(seen.reason)[1] == items for seen in view.drains.values()):
        reason = wait.reason
    lines = _folded(f" waits: {reason}", width, "yellow", most=3)
    lines.append(Text(f"   {span(wait.since, wait.until, now)}"))
    return [*lines, Text(f"   then: {wait.then}")] if wait.then else lines


def _folded(text: str, width: int, style: str, *, most: int) -> list[Text]:
    lines: list[str] = []
    for part in text.splitlines():
        lines += textwrap.wrap(part, width, initial_indent="   " if lines else "", subsequent_indent="   ")
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: max(0, width - 2)] + " …"]
    return [Text(line, style) for line in lines]


def _notices(view: View) -> list[Text]:
    return [Text(f"   note: {view.notices[-1].sentence.splitlines()[0]}", "dim")] if view.notices else []
