"""restore-primary: the primary as it was before the run, on the way back and while traffic is elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from blueshift.discovery.world import Rendered
from blueshift.helm.records import newest
from blueshift.steps.facts import Snapshot
from blueshift.steps.harden import PrimaryRevision, RevisionSettings
from blueshift.steps.revisions import Revision


class RestoreSettings(RevisionSettings, frozen=True, forbid_unknown_fields=True):
    """As the hardening of the playbook, so that what stays of it is the same."""

    keep: bool = True
    """What harden set stays."""


class Restore(PrimaryRevision[RestoreSettings]):
    """A new revision with the chart and the values of the snapshot's."""

    kind: ClassVar[str] = "restore-primary"
    Settings: ClassVar[type[RestoreSettings]] = RestoreSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Snapshot,)

    def becomes(self) -> Literal["old", "hardened"]:
        """See PrimaryRevision."""
        return "hardened" if self.settings.keep else "old"

    def revision(self) -> Revision:
        """See PrimaryRevision."""
        revisions = self.tools.revisions
        return revisions.hardened(self.grace) if self.settings.keep else revisions.before()

    async def previous(self) -> int:
        """See PrimaryRevision: whatever the run made last; that nobody else did was seen before it turned."""
        return await newest(self.tools.kube, *reversed(self.tools.release("primary")))

    def learnt(self, revision: int) -> tuple[msgspec.Struct, ...]:
        """See PrimaryRevision."""
        return ()

    def rendered(self) -> Rendered:
        """See PrimaryRevision."""
        world = self.tools.world
        if self.settings.keep:
            return world.harden
        release = world.release
        return Rendered(release.chart, release.chart_version, release.app_version, release.values_hash)
