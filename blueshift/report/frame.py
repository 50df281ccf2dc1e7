"""Draws a `View` into so many lines of so many columns: the picture of the live view, without a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from blueshift.report.tables import servers, sides
from blueshift.report.view import StepView, View
from blueshift.report.words import Marks, escaped, flat, length, listed, span

# However small the terminal: the current step, one before, one after.
_FEWEST_STEPS = 3


def frame(view: View, now: datetime, width: int, height: int, marks: Marks) -> list[Text]:
    """At most `height` lines. What matters less is left out first: notices, DNS, the sides, who is left."""
    if height < 1:
        return []
    head, why = _head(view, now, width), _why(view, now, width, max(3, height // 4))
    room = height - 1 - len(why) - _FEWEST_STEPS
    left = _drains(view, width, room - 1)
    shown: list[list[Text]] = []
    for block in (left, sides(view, width, marks), *servers(view, width), _notices(view)):
        fits = bool(block) and len(block) + 1 <= room
        shown.append([Text(), *block] if fits else [])
        room -= len(shown[-1])
    if why and room > 0:
        why = [Text(), *why]
        room -= 1
    left, both, dns, recursive, notices = shown
    if left:
        told = _drains(view, width, len(left) - 1 + max(0, room), whole=True)
        room -= len(told) - (len(left) - 1)
        left = [Text(), *told]
    rows = _steps(view, now, max(0, _FEWEST_STEPS + room), marks)
    lines = [head, *rows, *both, *dns, *recursive[1:], *why, *left, *notices]
    if len(lines) > height:  # a very small terminal: why nothing moves is worth more than the rest
        lines = [head, *why][:height]
    for line in lines:
        if not line.plain.isprintable():  # what a client wrote moves no cursor
            line.plain = escaped(line.plain)
        line.no_wrap, line.overflow = True, "ellipsis"
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(view: View, now: datetime, width: int) -> Text:
    """What is on the right is what changes, so a narrow terminal loses the name of the program first."""
    elapsed = f"  {length((now - view.since).total_seconds())}" if view.since else ""
    state = f"  {view.ended.status}" if view.ended else ""
    told = f"{view.release}  run {view.run}{elapsed}"
    if len(told) + len(state) + 11 <= width:
        return Text.assemble(("blueshift", "bold"), f"  {told}", (state, "bold"))
    if len(told) + len(state) > width:
        told = f"run {view.run}{elapsed}"
    return Text.assemble((told, "bold"), (state, "bold"))


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


def _drains(view: View, width: int, room: int, *, whole: bool = False) -> list[Text]:
    """Who still comes to a side that is drained, and why; not again what the wait says anyway.

    `whole` folds the lines of the first of them where there is room for it.
    """
    lines: list[Text] = []
    for seen in view.drains.values():
        connections = "?" if seen.connections is None else str(seen.connections)
        counts = f"clients {seen.clients}, requests {seen.requests}, connections {connections}"
        head = f" drain of the {seen.side}: {counts}"
        lines.append(Text(head if len(head) <= width else f" {seen.side}: {counts}", "bold"))
        reason, items = listed(seen.reason)
        if reason and not (view.waiting and reason in flat(view.waiting.reason)):
            lines += _folded(f"   {reason}", width, "", most=3)
        if items:
            lines += _listed(items, width, room - len(lines), whole=whole)
    return lines


def _listed(items: Sequence[str], width: int, room: int, *, whole: bool) -> list[Text]:
    """A line for each. With `whole` no reason is cut: one that all have is told once, others where there is
    room for their lines. Where there is none for all, how many more there are."""
    lines = [Text(f"   {item}") for item in items]
    if not whole or all(len(line) <= width for line in lines):
        return _few(lines, room)
    found = [(_DID.fullmatch(item), item) for item in items]
    reasons = {did[2] for did, _ in found if did}
    if len(reasons) == 1:
        told = _folded(f"   {reasons.pop()}:", width, "", most=2)
        heads = [Text(f"     {did[1]}" if did else f"   {item}") for did, item in found]
        return [*told, *_few(heads, room - len(told))]
    folded = [line for item in items for line in _folded(f"   {item}", width, "", most=3)]
    return folded if len(folded) <= room else _few(lines, room)


_DID = re.compile(r"(.+?: \d+ (?:requests?|open connections?)), (.+)")
"""Who is left and what it is counted for, and why it comes, as a drain lists it."""


def _few(lines: list[Text], room: int) -> list[Text]:
    """As many as there is room for, and how many more there are."""
    if not 1 < room < len(lines):
        return lines
    told = re.search(r"and (\d+) more$", lines[-1].plain)
    more = len(lines) - room + 1 + (int(told[1]) - 1 if told else 0)
    return [*lines[: room - 1], Text(f"   and {more} more")]


def _why(view: View, now: datetime, width: int, most: int) -> list[Text]:
    """Why nothing moves, since when, until when, and what comes then."""
    if view.held:
        return _folded(f" holds: {view.held.reason}", width, "bold red", most=most)
    if view.gate:
        lines = _folded(f" gate {view.gate.gate}: {view.gate.reason}", width, "bold yellow", most=most)
        return [*lines, Text("   opens with:"), Text(f"   {view.gate.command}", "bold")]
    if not view.waiting:
        return []
    wait = view.waiting
    reason, items = listed(wait.reason)
    if not any(listed(seen.reason)[1] == items for seen in view.drains.values()):
        reason = wait.reason
    lines = _folded(f" waits: {reason}", width, "yellow", most=most)
    lines.append(Text(f"   {span(wait.since, wait.until, now)}"))
    return [*lines, Text(f"   then: {wait.then}")] if wait.then else lines


def _folded(text: str, width: int, style: str, *, most: int) -> list[Text]:
    lines: list[str] = []
    for part in text.splitlines():
        lines += textwrap.wrap(part, width, initial_indent="   " if lines else "", subsequent_indent="   ")
    if len(lines) > most:
        lines = [*lines[: most - 1], textwrap.shorten(lines[most - 1], max(8, width - 4), placeholder=" …")]
        lines[-1] = f"   {lines[-1]} …" if not lines[-1].endswith("…") else f"   {lines[-1]}"
    return [Text(line, style) for line in lines]


def _notices(view: View) -> list[Text]:
    return [Text(f"   note: {view.notices[-1].sentence.splitlines()[0]}", "dim")] if view.notices else []
