"""What a run changed in the values, for the user's own git: else the next `helm upgrade -f` undoes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from blueshift.app import inputs
from blueshift.cluster.errors import NotFound
from blueshift.controllers.overrides import DELETE, Override, Path, apply, dig, dotted, has
from blueshift.discovery.world import ValueChange
from blueshift.engine.journal import OVER, Journal
from blueshift.engine.protocol import fact_name
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.helm.records import ReleaseRecord, decode_secret, read
from blueshift.helm.values import redacted
from blueshift.steps.facts import Hardened, Upgraded
from blueshift.steps.revisions import change

GIVEN = "as the target's values say"
"""Why a value is as it is that Blueshift did not set."""


class Patch(msgspec.Struct, frozen=True):
    """Values that lie over those from before the run (`helm upgrade -f yours.yaml -f patch.yaml`)."""

    run: str
    release: str
    """`namespace/name`."""
    revision: int
    """Of the release, which has these values."""
    chart: str
    """Its name and version."""
    values: dict[str, Any]
    """What was set, without secrets."""
    changes: tuple[ValueChange, ...]
    """Each with what it was and why, also where no patch can do it."""
    hidden: tuple[str, ...]
    """Paths of secrets that were set: their values are not told."""
    removed: tuple[str, ...]
    """Paths that are set no more, and whose default counts again: a patch cannot take them out of a file."""


async def patch(runs: Runs, run: str) -> Patch:
    """Compare the release as the run left it with the copy of what it found. Changes nothing.

    Raises BlueshiftError for a run that is not over, was taken back or has changed no values, and where a
    record is gone.
    """
    journal = (await runs.open(run)).journal
    revision = _left(journal)
    kept = await runs.kept(run, "release")
    after = None
    with contextlib.suppress(NotFound):
        after = await read(runs.kube, journal.namespace, journal.release, revision)
    if kept is None or after is None:
        raise BlueshiftError(
            f"the records that run {run} would be compared by are gone",
            hint="`blueshift harden` shows what hardening sets in the values that run now",
        )
    frozen = inputs.read(await runs.inputs(run)).world
    reasons = {one.path: one.reason for one in (*frozen.harden.values, *frozen.target.values)}
    found = compared(run, decode_secret({"data": kept}), after, reasons)
    if not found.changes:
        raise BlueshiftError(f"run {run} has changed no values", hint="your values file needs nothing of it")
    return found


def _left(journal: Journal) -> int:
    """The revision that a run made last; later ones are not its doing."""
    run = journal.run
    if journal.status == "rolled-back":
        raise BlueshiftError(
            f"run {run} was taken back: no value of its target is left",
            hint="hardening may have stayed: `blueshift harden` tells what it sets, and why",
        )
    if journal.status not in OVER:
        raise BlueshiftError(
            f"run {run} is not over: it is {journal.status}, and its values may still change",
            hint=f"`blueshift status {run}` tells where it stands",
        )
    made: tuple[type[Upgraded | Hardened], ...] = (Upgraded, Hardened)
    for fact in made:
        if fact_name(fact) in journal.facts:
            return journal.fact(fact).revision
    raise BlueshiftError(
        f"run {run} has changed no values: its playbook {journal.playbook} makes no revision",
        hint="`blueshift history` lists the runs and what became of the chart",
    )


class _Known(msgspec.Struct, frozen=True):
    defaults: Mapping[str, Any]
    """The chart's own values."""
    reasons: Mapping[str, str]
    """By path."""
    reason: str = GIVEN


def compared(run: str, before: ReleaseRecord, after: ReleaseRecord, reasons: Mapping[str, str]) -> Patch:
    """The patch between two records; `reasons` are those of Blueshift's own values, by path. Pure."""
    was = redacted(before.values)
    found = tuple(_differences(before.values, after.values, (), _Known(after.defaults, reasons)))
    shown = [msgspec.structs.replace(one, value=_shown(one)) for one in found]
    hidden = {one.name for one, told in zip(found, shown, strict=True) if told.value != one.value}
    told = (one for one in shown if one.value is not DELETE and one.name not in hidden)
    return Patch(
        run=run,
        release=f"{after.namespace}/{after.name}",
        revision=after.revision,
        chart=f"{after.chart_name} {after.chart_version}",
        values=apply({}, told),
        changes=tuple(change(was, one) for one in shown),
        hidden=tuple(sorted(hidden)),
        removed=tuple(one.name for one in found if one.value is DELETE),
    )


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: Path, known: _Known
) -> Iterator[Override]:
    """What is set otherwise, as deep as both are maps, each with the reason nearest above it."""
    for key in {**before, **after}:
        here = (*path, key)
        old, new = before.get(key), after.get(key)
        below = msgspec.structs.replace(known, reason=known.reasons.get(dotted(here), known.reason))
        if key not in after:
            # Null takes a value out of the file below, and would take the chart's default with it.
            yield Override(here, DELETE if has(known.defaults, here) else None, below.reason)
        elif key in before and old == new:
            continue
        elif isinstance(new, Mapping) and isinstance(old, Mapping):
            yield from _differences(old, new, here, below)
        elif isinstance(new, Mapping) and new and old is None and below.reason == GIVEN:
            yield from _differences({}, new, here, below)
        else:
            yield Override(here, new, below.reason)


def _shown(override: Override) -> Any:
    """Its value without secrets, which are known by the keys that lead to it too."""
    return override.value if override.value is DELETE else dig(redacted(apply({}, [override])), override.path)
