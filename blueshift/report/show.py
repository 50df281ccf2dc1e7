"""The whole of a run's journal as text, for whoever asks afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.engine.journal import Carried, Journal, StepEntry, Stood, Waived
from blueshift.engine.protocol import Intent
from blueshift.report import story
from blueshift.report.words import escaped, flat, instant


def show_text(journal: Journal) -> str:
    """Who, when, by which plan; then every step in the order in which it was begun."""
    lines = [
        f"run       {journal.run} of {journal.namespace}/{journal.release}",
        f"cluster   {journal.cluster}",
        f"playbook  {journal.playbook}, plan {journal.plan}",
        *([f"chart     {journal.chart.change}"] if journal.chart else []),
        f"opened    {instant(journal.created)}",
        *([f"reverts   run {journal.reverts}"] if journal.reverts else []),
        *(f"{one.how:<9} {_waived(one)}" for one in journal.waived),
        *(f"carried   {_carried(one)}" for one in journal.carried),
        f"status    {journal.status}" + (f": {flat(journal.said)}" if journal.said else ""),
    ]
    if (turn := journal.turn) is not None:
        why = f": {flat(turn.reason)}" if turn.reason else ""
        lines.append(f"turned    {turn.to} at {instant(turn.at)}, by {turn.by}{why}")
    for given in journal.approvals:
        why = f": {given.reason}" if given.reason else ""
        lines.append(f"approved  {given.gate} in {given.step} at {instant(given.at)}, by {given.by}{why}")
    lines += _verdict(journal)
    begun = [(name, entry) for name, entry in journal.steps.items() if entry.started]
    for name, entry in sorted(begun, key=lambda item: item[1].started or journal.created):
        lines += ["", *_step(name, entry), *(_stood(one) for one in journal.stood if one.step == name)]
    if never := story.never(journal):
        lines += ["", f"not begun: {', '.join(never)}"]
    return "\n".join(escaped(part) for line in lines for part in line.splitlines() or [""])


def _waived(one: Waived) -> str:
    return f"{one.check} by {one.by} ({one.given}); it saw: {flat(one.saw)}"


def _carried(one: Carried) -> str:
    over = f", taken from {one.over}" if one.over else ""
    why = f": {flat(one.reason)}" if one.reason else ""
    return f"by {one.by} from {instant(one.at)}, epoch {one.epoch}{over}{why}"


def _verdict(journal: Journal) -> Iterator[str]:
    """The last word of the soak, with its numbers."""
    verdict = story.verdict(journal)
    if verdict is None:
        return
    yield f"verdict   {verdict.outcome}: {'; '.join(verdict.reasons)}"
    yield f"          {', '.join(f'{name} {number:g}' for name, number in verdict.numbers.items())}"


def _stood(one: Stood) -> str:
    what = f"waited at the gate {one.gate}" if one.gate else "held"
    return f"  stood   {what} from {instant(one.since)}: {flat(one.reason)}"


def _how(intent: Intent) -> Iterator[str]:
    """The command, or which kinds of records became which."""
    if intent.command:
        yield f"          {intent.command}"
    if isinstance(intent.expected, list) and isinstance(intent.wanted, list):
        yield f"          {'; '.join(map(str, intent.expected))} → {'; '.join(map(str, intent.wanted))}"


def _step(name: str, entry: StepEntry) -> Iterator[str]:
    assert entry.started is not None
    yield f"{instant(entry.started)}  {name}"
    for effect in entry.effects.values():
        how = f"done {instant(effect.done)}" if effect.done else "not known to be done"
        said = f": {flat(effect.said)}" if effect.said else ""
        yield f"  did     {effect.intent.what} ({how}{', found done' if effect.adopted else ''}){said}"
        yield from _how(effect.intent)
    for wait in entry.waits.values():
        yield f"  waited  {flat(wait.reason)} (from {instant(wait.since)})"
    if entry.settled:
        yield f"  saw     {flat(entry.said)}"
        yield f"  settled {instant(entry.settled)}"
