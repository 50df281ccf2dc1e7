"""Plans: what a run would do, from a World alone; and the plan file, which is a contract."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, cast

import msgspec
from msgspec.structs import replace

from blueshift import events
from blueshift.app import configuration
from blueshift.app.inputs import Frozen, thaw_steps
from blueshift.app.kinds import compile_track
from blueshift.app.windows import foretold
from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_groups import Groups
from blueshift.discovery.world import World, contract_hash
from blueshift.engine.hooks import When, due
from blueshift.engine.protocol import Step, StepPlan, Way
from blueshift.errors import BlueshiftError
from blueshift.playbook import files
from blueshift.playbook.hooks import TOLD, Hook
from blueshift.playbook.schema import Playbook
from blueshift.shift.protocol import Target
from blueshift.steps.context import Tools
from blueshift.steps.places import Places
from blueshift.steps.ways import Standing, way_back

SCHEMA = 1
FILE_SCHEMA = 2
"""Of a plan file. In the first one the seal was of what the reader made of the file."""


class PlannedStep(msgspec.Struct, frozen=True):
    """A step by its id, and what it would do."""

    id: str
    plan: StepPlan


class Plan(msgspec.Struct, frozen=True):
    """A whole plan as people and programs read it."""

    release: str
    cluster: str
    cluster_uid: str
    contract: str
    """Hash of what the plan stands or falls with."""
    seconds: float
    """How long its waits last at least."""
    steps: tuple[PlannedStep, ...]
    back: tuple[Way, ...]
    """The way back by hand from the farthest point, as commands."""
    told: tuple[str, ...] = ()
    """Hooks that are told what becomes of the run, as `event/program`."""
    skipped: tuple[str, ...] = ()
    """Checks that are not to count."""
    untouched: tuple[str, ...] = ()
    """The other traffic groups of the cluster, of which the run changes nothing."""
    schema: int = SCHEMA


class _Schema(msgspec.Struct):
    schema: int


class _Sealed(msgspec.Struct):
    """A plan file as it stands, with what a later version may have written."""

    frozen: Any
    seal: str


class PlanFile(msgspec.Struct, frozen=True):
    """What `plan -o FILE` writes: everything that was decided, sealed by a hash."""

    frozen: Frozen
    seal: str
    schema: int = FILE_SCHEMA


FARTHEST = Standing(changed=True, traffic="temporary", temporary=Target("temporary"), idle=False, ttl=60)
"""The place from which the way back by hand is longest: the primary was changed, traffic is away from it."""


class _Nobody:
    """Stands for every driver while a plan is made: planning asks nothing of the world."""

    def __getattr__(self, name: str) -> NoReturn:
        raise BlueshiftError(f"a plan was about to ask the world ({name}): planning is pure")


class _Unwritten(_Nobody):
    """Stands for the journal of a run that is only planned: no step has left anything."""

    def learnt(self, kind: object) -> None:
        """See Record."""


def plan(
    world: World,
    playbook: Playbook,
    places: Places,
    now: datetime,
    run: str = "RUN",
    *,
    skipped: tuple[str, ...] = (),
) -> Plan:
    """The plan of a playbook on a World, for a run that begins now and skips these checks. Pure."""
    track = compile_track(playbook, offline(world, places, run, skipped))
    steps = tuple(with_hooks(track, playbook.hooks))
    windows = dict(foretold(playbook, steps, now))
    planned = tuple(
        PlannedStep(name, replace(one, waits=(*one.waits, windows[name])) if name in windows else one)
        for name, one in steps
    )
    return Plan(
        release=f"{world.release.namespace}/{world.release.name}",
        cluster=world.cluster.server,
        cluster_uid=world.cluster.uid,
        contract=contract_hash(world),
        seconds=sum(step.plan.seconds for step in planned),
        steps=planned,
        back=way_back(world, places, FARTHEST),
        told=tuple(hook.name for hook in playbook.hooks if hook.on in TOLD),
        skipped=skipped,
        untouched=tuple(_untouched(world)),
    )


def _untouched(world: World) -> Iterator[str]:
    try:
        seen = found(world, "class-groups", Groups)
    except NotLooked as unseen:
        yield f"other groups, which were not looked at: {unseen}"
        return
    for one in seen.others(f"{world.release.namespace}/{world.release.name}"):
        classes = f"class {' and '.join(one.classes)}" if one.classes else "no class of its own"
        yield f"{one.who}: {classes}, {len(one.hosts)} hosts"


def with_hooks(steps: Sequence[Step], hooks: Sequence[Hook]) -> Iterator[tuple[str, StepPlan]]:
    """The steps of a track by their ids, and what each would do, the hooks around it too."""
    whens: tuple[When, ...] = ("before", "after")
    track = tuple(step.id for step in steps)
    for step in steps:
        around = (f"{when}: {hook.name}" for when in whens for hook in due(hooks, when, step.id, track))
        yield step.id, replace(step.plan(), hooks=tuple(around))


def offline(world: World, places: Places, run: str, skipped: tuple[str, ...] = ()) -> Tools:
    """Tools without drivers."""
    nobody = cast(Any, _Nobody())
    return Tools(
        run=run,
        runs=nobody,
        kube=nobody,
        helm=nobody,
        dns=nobody,
        profile=nobody,
        shifter=nobody,
        agreement=nobody,
        witness=nobody,
        followers=nobody,
        revisions=nobody,
        clock=nobody,
        world=world,
        record=cast(Any, _Unwritten()),
        places=places,
        trails=nobody,
        notice=nobody,
        seen=events.Relay(),
        skipped=skipped,
    )


def save(frozen: Frozen, path: Path) -> None:
    """Write a plan file."""
    sealed = PlanFile(frozen, seal(msgspec.json.decode(msgspec.json.encode(frozen))))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(sealed)))


def load(path: Path) -> Frozen:
    """Read a plan file. One of an older version is read with defaults for what came later, as a journal is.

    Raises BlueshiftError for one that is not there, not a plan, was edited, or says what this version does
    not know.
    """
    again = "plan again: `blueshift plan -o FILE`"
    data = files.read(path, most=files.MOST_SAVED, hint=again)
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != FILE_SCHEMA:
            which = "an older" if schema < FILE_SCHEMA else "a newer"
            why = f"{which} Blueshift made this plan (schema {schema}; this one reads {FILE_SCHEMA})"
            raise BlueshiftError(why, place=str(path), hint=again)
        file = msgspec.json.decode(data, type=_Sealed)
        if file.seal != seal(file.frozen):
            raise BlueshiftError("the plan was edited after it was made", place=str(path), hint=again)
        frozen = msgspec.json.decode(data, type=PlanFile).frozen
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BlueshiftError(f"this is not a plan: {error}", place=str(path), hint=again) from None
    if unknown := _beyond(file.frozen, frozen):
        why = f"a newer Blueshift made this plan: this one does not know {unknown}"
        raise BlueshiftError(why, place=str(path), hint=again)
    try:
        thaw_steps(frozen)
        configuration.thaw(frozen.config, configuration.STATE_NAMESPACE)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        why = f"another version of Blueshift made this plan: {error} is not as this one has it"
        raise BlueshiftError(why, place=str(path), hint=again) from None
    return frozen


def playbook_of(frozen: Frozen) -> Playbook:
    """The playbook that a plan froze."""
    return thaw_steps(frozen)


def seal(content: Any) -> str:
    """The hash of what a plan file holds, whatever its spaces and the order of its keys."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _beyond(written: Any, read: Any, at: str = "frozen") -> str:
    """The first key of a file that became no field of what was read from it, as a dotted path."""
    inner: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(read, msgspec.Struct):
        fields = {one.encode_name: getattr(read, one.name) for one in msgspec.structs.fields(read)}
        if strange := sorted(written.keys() - fields.keys()):
            return f"{at}.{strange[0]}"
        inner = ((name, written[name], fields[name]) for name in written)
    elif isinstance(read, tuple):
        inner = ((number, *pair) for number, pair in enumerate(zip(written, read, strict=True)))
    elif isinstance(read, dict):
        inner = ((name, written[str(name)], value) for name, value in read.items())
    return next(filter(None, (_beyond(one, its, f"{at}.{name}") for name, one, its in inner)), "")
