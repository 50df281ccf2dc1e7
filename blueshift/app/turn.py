"""A run leaves its track for the way back or a panic: what the live world shows is looked at once, a track is
compiled from it, and both are journalled in one write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from blueshift import events
from blueshift.app.back import panic, way_back
from blueshift.app.kinds import TURNED_KINDS, compile_entries, settings_types
from blueshift.app.look import grace_of
from blueshift.cluster import paths
from blueshift.engine.effects import come_to_rest
from blueshift.engine.entries import Turned
from blueshift.engine.journal import Journal, TrackStep, Turn
from blueshift.engine.protocol import Step, fact_name
from blueshift.engine.state import SideName, State
from blueshift.engine.store import RUN_LABEL, Writer
from blueshift.engine.waiting import Services
from blueshift.errors import BlueshiftError
from blueshift.helm.records import ReleaseRecord, latest
from blueshift.helm.values import digest
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.steps.context import Tools
from blueshift.steps.facts import FloorPrimary, Swapped, TemporaryReady, TtlLowered
from blueshift.steps.located import at, located
from blueshift.steps.lower_ttl import LowerTtlSettings, low_ttl
from blueshift.steps.quiesce import Wake, quiesces
from blueshift.steps.revisions import Revision
from blueshift.steps.shift import ShiftSettings


class Ask(msgspec.Struct, frozen=True):
    """Who wants what, and why."""

    to: Literal["back", "panic"]
    by: str
    reason: str = ""


class Surveyed(msgspec.Struct, frozen=True):
    """Where a run stands by its journal and the live world, and the track that leads on from there."""

    state: State
    entries: tuple[StepEntry, ...]
    facts: tuple[Any, ...]


async def turn(
    writer: Writer, tools: Tools, steps: Sequence[Step], services: Services, playbook: Playbook, ask: Ask
) -> tuple[Step, ...]:
    """Turn, and return the steps of the new track.

    Raises BlueshiftError where it cannot be told where the run stands, or where there is no way.
    """
    if (current := _begun(writer.journal, steps)) is not None:
        await come_to_rest(writer, current, services)
    found = await survey(writer.journal, tools, steps, playbook, ask.to)
    compiled = compile_entries(track_name(ask.to, writer.journal.turns + 1), found.entries, tools)
    await writer.write(
        Turned(
            to=ask.to,
            steps=tuple(TrackStep(e.kind, e.id, msgspec.to_builtins(e.settings)) for e in found.entries),
            track=tuple(step.id for step in compiled),
            state=found.state,
            by=ask.by,
            reason=ask.reason,
            facts={fact_name(type(fact)): msgspec.to_builtins(fact) for fact in found.facts},
        )
    )
    services.emit(
        events.Turned(
            at=tools.clock.utc(),
            run=tools.run,
            to=ask.to,
            by=ask.by,
            reason=ask.reason,
            steps=writer.journal.track,
        )
    )
    return compiled


async def survey(
    journal: Journal,
    tools: Tools,
    steps: Sequence[Step],
    playbook: Playbook,
    to: Literal["back", "panic"],
) -> Surveyed:
    """Look, and change nothing. Raises BlueshiftError as `turn` does."""
    current = _begun(journal, steps)
    state = current.during(journal.state) if current else journal.state
    names: dict[str, SideName] = {name.name: "primary" for name in tools.world.moving()}
    if _has(journal, TemporaryReady):  # nothing moves before there is a place to move to
        names = await located(tools)
    state = await _primary(tools, playbook, at(state, names))
    state, found = await _temporary(tools, state, journal)
    facts = [*found, *_missing(tools, playbook, state, journal)]
    entries = panic(state, names) if to == "panic" else way_back(state, playbook, names)
    first = next((entry for entry in entries if entry.kind != Wake.kind), None)
    if first is not None and first.kind == "drain":
        # Names came back to where they are at a moment that no fact tells: it is counted from now.
        side: SideName = "primary" if state.traffic == "primary" else "temporary"
        facts.append(Swapped(side, tools.clock.utc(), tools.ttl))
    return Surveyed(state, entries, tuple(facts))


def _begun(journal: Journal, steps: Sequence[Step]) -> Step | None:
    """The step in whose middle the run is."""
    current = next((step for step in steps if journal.step(step.id).settled is None), None)
    return current if current is not None and journal.step(current.id).started else None


def track_name(to: str, number: int) -> str:
    """The prefix of a track's step ids; ids of an earlier turn are in the journal and stay unique."""
    return to if number == 1 else f"{to}-{number}"


def turned_steps(journal: Journal, turn: Turn, tools: Tools) -> tuple[Step, ...]:
    """The steps of the track that a run has turned to, again."""
    types = settings_types() | settings_types(TURNED_KINDS)
    entries = tuple(
        StepEntry(step.kind, step.id, msgspec.convert(step.settings, types[step.kind]), "the run's journal")
        for step in turn.steps
    )
    return compile_entries(track_name(turn.to, journal.turns), entries, tools)


async def _primary(tools: Tools, playbook: Playbook, state: State) -> State:
    """Whether the primary is as it was, or as this run made it. Raises BlueshiftError for anything else."""
    release = tools.world.release
    record = await latest(tools.kube, release.namespace, release.name)
    if record is not None and record.revision == release.revision and not record.pending:
        return (
            state.but(primary="old").with_side("verified", "primary") if state.primary == "unsure" else state
        )
    if record is None or not _ours(tools, playbook, record):
        told = f"revision {record.revision}, {record.status}" if record else "gone"
        raise BlueshiftError(
            f"{release.namespace}/{release.name} is {told}, and that is not this run's doing",
            hint=f"`{tools.places.helm} history {release.name} -n {release.namespace}` shows who did it",
        )
    if state.primary == "unsure" and any(_is(record, one) for one in _quiesced(tools, playbook)):
        # What was to change it has not begun to.
        return state.but(primary="old").with_side("quiesced", "primary")
    return state


def _ours(tools: Tools, playbook: Playbook, record: ReleaseRecord) -> bool:
    return not record.pending and any(
        _is(record, one)
        for one in (
            tools.revisions.before(),
            *_quiesced(tools, playbook),
            tools.revisions.hardened(grace_of(playbook, "harden")),
            tools.revisions.target(grace_of(playbook, "upgrade")),
        )
    )


def _quiesced(tools: Tools, playbook: Playbook) -> Iterator[Revision]:
    """The primary's revisions whose connections end early."""
    for settings in quiesces(playbook):
        if settings.side == "primary":
            yield tools.revisions.quiesced(tools.revisions.before(), settings.quiet)


def _is(record: ReleaseRecord, revision: Revision) -> bool:
    return (record.chart_hash, record.values_hash) == (revision.chart.digest, digest(revision.values))


async def _temporary(
    tools: Tools, state: State, journal: Journal
) -> tuple[State, tuple[TemporaryReady, ...]]:
    """What there is of the temporary, and the fact that its removal needs where no step has left it."""
    world = tools.world
    record = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    namespace = await tools.kube.find(paths.core("namespaces", None, world.temporary_namespace))
    metadata = (namespace or {}).get("metadata") or {}
    ours = (metadata.get("labels") or {}).get(RUN_LABEL) == tools.run
    if state.temporary == "absent" or (record is None and not ours and not world.prepared):
        gone = state.but(temporary="absent").without_side("verified", "temporary")
        return gone.without_side("quiesced", "temporary"), ()
    if state.temporary == "ready" and (record is None or record.status != "deployed"):
        state = state.but(temporary="partial").without_side("verified", "temporary")
    if _has(journal, TemporaryReady):
        return state, ()
    uid = str(metadata["uid"]) if ours else ""
    return state, (TemporaryReady(world.temporary_release, world.temporary_namespace, uid, (), ()),)


def _missing(tools: Tools, playbook: Playbook, state: State, journal: Journal) -> Iterator[Any]:
    """Facts that steps of the way back read, where the step that leaves them was cut off."""
    if state.ttl == "low" and not _has(journal, TtlLowered):
        lower = next((e.settings for e in playbook.steps if isinstance(e.settings, LowerTtlSettings)), None)
        yield TtlLowered(low_ttl(tools, lower.ttl if lower else LowerTtlSettings().ttl))
    if _has(journal, FloorPrimary):
        return
    for entry in playbook.steps:
        if isinstance(entry.settings, ShiftSettings) and entry.settings.to == "primary":
            scale = journal.step(f"forward/{entry.id}/floor").effects.get("scale")
            if scale is not None:
                before = scale.intent.expected
                yield FloorPrimary(scale.intent.wanted["at least"], before.get("hpa"), before.get("replicas"))


def _has(journal: Journal, fact: type[msgspec.Struct]) -> bool:
    return fact_name(fact) in journal.facts
