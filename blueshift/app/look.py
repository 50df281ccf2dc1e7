"""One look for one run: the World, with every revision of the run rendered into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec

from blueshift.app.kinds import compile_track
from blueshift.app.plans import offline
from blueshift.app.session import Session
from blueshift.app.target import revisions_of, source_of
from blueshift.app.tools import places
from blueshift.controllers.profile import Profile, TemporaryFacts
from blueshift.discovery.look import Revised, Sources
from blueshift.discovery.look import look as look_at
from blueshift.discovery.look import look_again as look_at_again
from blueshift.discovery.primary import Primary
from blueshift.discovery.raw import Raw
from blueshift.discovery.render import RECORD, rendered
from blueshift.discovery.world import Rendered, World, front
from blueshift.errors import BlueshiftError
from blueshift.helm.values import forgotten, holds, strange
from blueshift.playbook.schema import Playbook
from blueshift.steps.harden import RevisionSettings
from blueshift.steps.quiesce import QuiesceSettings, quiesces
from blueshift.steps.revisions import Grace, Revision, Revisions, temporary_facts
from blueshift.together import together


@dataclass(frozen=True)
class Looked:
    """What a look brought, and what a run needs beside the World."""

    world: World
    profile: Profile
    revisions: Revisions

    def track(self, session: Session, playbook: Playbook) -> tuple[str, ...]:
        """The ids of the steps that the playbook expands to on this World."""
        steps = compile_track(playbook, offline(self.world, places(session), "run"))
        return tuple(step.id for step in steps)


async def look(session: Session, playbook: Playbook, scratch: Path) -> Looked:
    """Look once; charts are written into `scratch`, which must outlive the result. Changes nothing.

    Raises BlueshiftError when there is no such release, no known controller in it, or no chart to be had.
    """
    kept: list[tuple[Profile, Revisions]] = []
    session = session.one_look()
    temporary = temporary_of(session)

    async def render(found: Primary) -> Revised:
        # `session.recognise` gave it, so it is a profile and not only what discovery asks of one.
        profile = cast(Profile, found.known)
        revisions = await revisions_of(session, found.record, profile, scratch)
        kept.append((profile, revisions))
        return await revised(session, found, revisions, playbook, temporary)

    world = await look_at(
        _sources(session),
        session.config,
        session.recognise,
        render,
        temporary_release=temporary[0],
        temporary_namespace=temporary[1],
    )
    profile, revisions = kept[-1]
    return Looked(world, profile, revisions)


async def look_again(session: Session) -> dict[str, Any]:
    """What a plan stands or falls with, as the world shows it now. Raises BlueshiftError as `look` does."""
    return await look_at_again(_sources(session), session.config, session.recognise)


def _sources(session: Session) -> Sources:
    return Sources(
        session.kube, session.cluster, session.dns, session.directory, session.clock, session.knows
    )


def temporary_of(session: Session) -> tuple[str, str]:
    """(release, namespace) of the temporary release."""
    release = session.config.release
    name = session.config.temporary.release or f"{release.name}-blueshift"
    return name, name if session.config.temporary.namespace == "own" else release.namespace


PLANNED = "plan"
"""Stands for the id of a run before there is one, in the labels of what is rendered."""


def facts_of(found: Primary, revisions: Revisions, temporary: tuple[str, str]) -> TemporaryFacts:
    """What the temporary `(release, namespace)` is made by, before there is a run."""
    return temporary_facts(
        PLANNED,
        temporary,
        (found.release.name, found.release.namespace),
        revisions.running,
        front(found.services),
        ready=found.workload.ready,
        watches=found.controller.watches,
    )


async def revised(
    session: Session,
    found: Primary,
    revisions: Revisions,
    playbook: Playbook,
    temporary: tuple[str, str],
) -> Revised:
    """Every revision of a run, rendered."""
    primary = (found.release.name, found.release.namespace)
    beside = revisions.temporary(facts_of(found, revisions, temporary))

    async def of(
        release: tuple[str, str],
        revision: Revision,
        old: Sequence[Raw],
        source: str = RECORD,
        *,
        tried: bool = True,
    ) -> Rendered:
        return await rendered(
            session.helm,
            session.kube,
            found.known,
            release,
            revision.chart,
            revision.values,
            changes=revision.changes,
            old=old,
            source=source,
            tried=tried,
        )

    async def quiet(settings: QuiesceSettings) -> Rendered:
        if settings.side == "primary":
            quieted = revisions.quiesced(revisions.before(), settings.quiet)
            return await of(primary, quieted, found.objects)
        try:
            name, namespace = temporary
            objects = await session.helm.render(
                name, namespace, beside.chart, beside.values, is_upgrade=False
            )
        except BlueshiftError as error:
            return Rendered(error=str(error))
        return await of(temporary, revisions.quiesced(beside, settings.quiet), objects, tried=False)

    made, hardened, target = await together(
        of(temporary, beside, ()),
        of(primary, revisions.hardened(grace_of(playbook, "harden")), found.objects),
        of(
            primary,
            revisions.target(grace_of(playbook, "upgrade")),
            found.objects,
            source_of(session.config),
        ),
    )
    before, now = revisions.running.defaults, revisions.target_chart.defaults
    known = {*before, *revisions.target_chart.dependencies}
    return Revised(
        made,
        msgspec.structs.replace(hardened, reused=holds(before, revisions.running_values)),
        msgspec.structs.replace(
            target,
            forgotten=forgotten(revisions.target_values, before, now),
            strange=tuple(key for key in strange(revisions.target_values, now) if key not in known),
        ),
        quiesced={one.side: await quiet(one) for one in quiesces(playbook)},
        helm=str(session.helm.version),
    )


def grace_of(playbook: Playbook, kind: str) -> Grace:
    """How the playbook wants pods to end in its step of that kind."""
    for entry in playbook.steps:
        if entry.kind == kind and isinstance(entry.settings, RevisionSettings):
            return Grace(int(entry.settings.shutdown_grace), int(entry.settings.min_ready))
    return Grace()
