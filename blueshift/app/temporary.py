"""The temporary release as it would be installed: the very revision that a plan renders, shown whole."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from blueshift.app.look import facts_of, temporary_of
from blueshift.app.session import Session
from blueshift.app.target import revisions_of
from blueshift.controllers.overrides import Absent, dotted
from blueshift.controllers.profile import Profile
from blueshift.discovery.primary import primary
from blueshift.discovery.raw import Raw
from blueshift.discovery.world import ValueChange
from blueshift.helm import manifests
from blueshift.helm.values import redacted
from blueshift.playbook.config import Config, Values
from blueshift.steps.revisions import Revision


class Missing(msgspec.Struct, frozen=True):
    """A value that this chart version does not have, and what follows."""

    path: str
    reason: str


class TemporaryRelease(msgspec.Struct, frozen=True):
    """A temporary release that is not there yet. No secret is in it: what looks like one is masked."""

    release: str
    namespace: str
    chart: str
    chart_version: str
    app_version: str
    overrides: tuple[ValueChange, ...]
    """What differs from the primary's own values, and why."""
    absent: tuple[Missing, ...]
    values: dict[str, Any]
    """The whole of what Helm is given."""
    objects: tuple[dict[str, Any], ...]
    """As rendered for this cluster, hooks too."""


async def temporary_release(session: Session) -> TemporaryRelease:
    """Read the release and render its temporary. Changes nothing.

    Raises BlueshiftError as a look does, and ChartError where the chart does not render.
    """
    release = session.config.release
    found = await primary(session.kube, release.name, release.namespace, session.recognise)
    temporary = temporary_of(session)
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        profile = cast(Profile, found.known)
        revisions = await revisions_of(session, found.record, profile, Path(scratch))
        facts = facts_of(found, revisions, temporary)
        revision = revisions.temporary(facts)
        objects = await session.helm.render(*temporary, revision.chart, revision.values, is_upgrade=False)
    return shown(temporary, revision, profile.absent(facts), objects)


def shown(
    temporary: tuple[str, str], revision: Revision, absent: Sequence[Absent], objects: Sequence[Raw]
) -> TemporaryRelease:
    """A revision and its objects without their secrets; `temporary` is (release, namespace)."""
    return TemporaryRelease(
        release=temporary[0],
        namespace=temporary[1],
        chart=revision.chart.name,
        chart_version=revision.chart.version,
        app_version=revision.chart.app_version,
        overrides=revision.changes,
        absent=tuple(Missing(dotted(one.path), one.reason) for one in absent),
        values=redacted(revision.values),
        objects=tuple(dict(manifests.masked(item, item, "")) for item in objects),
    )


def without_target(config: Config) -> Config:
    """The same without the target: no chart is fetched that the temporary is not made of."""
    return msgspec.structs.replace(config, chart=None, values=Values())
