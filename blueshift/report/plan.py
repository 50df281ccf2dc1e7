"""A plan as text: every step with its changes as diffs, its waits and their length, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from blueshift.engine.protocol import PlannedChange, StepPlan, Way
from blueshift.report.words import length

if TYPE_CHECKING:
    from blueshift.app.plans import Plan

# A new release is some thousand lines: what a person reads is its beginning, and --output json has all.
MOST_LINES = 40

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
_PLAIN = "\x1b[0m"


def plan_text(plan: Plan, *, colour: bool = False, most_lines: int | None = MOST_LINES) -> str:
    """The whole plan. `most_lines` bounds each single diff (None: all of it)."""
    head = [
        f"Plan for {plan.release}",
        f"on {plan.cluster} (kube-system UID {plan.cluster_uid})",
        *([f"WITHOUT the checks {', '.join(plan.skipped)}"] if plan.skipped else []),
        f"{len(plan.steps)} steps; its waits last at least {length(plan.seconds)}",
        "",
    ]
    steps = steps_text([(step.id, step.plan) for step in plan.steps], colour=colour, most_lines=most_lines)
    told = [f"Told what becomes of it: {', '.join(plan.told)}", ""] if plan.told else []
    left = [*(f"Not touched: {one}" for one in plan.untouched), ""] if plan.untouched else []
    return "\n".join([*head, steps, *left, *told, *_way_back(plan.back)])


def back_text(run: str, steps: Sequence[tuple[str, StepPlan]]) -> str:
    """The way back of a run, compiled from where it stands."""
    if not steps:
        return f"Run {run} has changed nothing: there is nothing to take back.\n"
    least = length(sum(plan.seconds for _, plan in steps))
    return f"The way back of run {run}: its waits last at least {least}\n\n{steps_text(steps)}"


def steps_text(
    steps: Sequence[tuple[str, StepPlan]], *, colour: bool = False, most_lines: int | None = MOST_LINES
) -> str:
    """The steps alone, by their ids."""
    lines: list[str] = []
    for number, (name, plan) in enumerate(steps, 1):
        lasts = f"  (at least {length(plan.seconds)})" if plan.seconds else ""
        lines += [f"{number:>2}. {name}{lasts}", *_indented(plan.summary, 4)]
        for change in plan.changes:
            lines += _change(change, colour, most_lines)
        lines += [line for wait in plan.waits for line in _item("waits: ", wait)]
        lines += [line for consequence in plan.consequences for line in _item("note: ", consequence)]
        lines += [line for back in plan.back for line in _item("back: ", back)]
        lines += [line for hook in plan.hooks for line in _item("hook ", hook)]
        lines.append("")
    return "\n".join(lines)


def _change(change: PlannedChange, colour: bool, most_lines: int | None) -> Iterator[str]:
    yield from _item("* ", change.what)
    lines = change.difference.splitlines()
    for line in lines[:most_lines]:
        code = _COLOURS.get(line[:1]) if colour else None
        yield f"        {code}{line}{_PLAIN}" if code else f"        {line}"
    if most_lines is not None and len(lines) > most_lines:
        yield f"        … {len(lines) - most_lines} more lines (`blueshift plan --full` shows them)"


def _way_back(ways: Sequence[Way]) -> list[str]:
    if not ways:
        return []
    lines = ["The way back by hand, in this order, from the farthest point:"]
    for number, way in enumerate(ways, 1):
        lines += [f"{number:>2}. {way.what}", *_indented(way.command, 6)]
    return [*lines, ""]


def _item(begin: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    return [f"    {begin}{first}", *_indented("\n".join(rest), 4 + len(begin))]


def _indented(text: str, by: int) -> list[str]:
    return [" " * by + line for line in text.splitlines()]
