"""preflight and snapshot: what they found was frozen with the World; here it is judged and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from blueshift.cluster import paths
from blueshift.engine.protocol import (
    Absent,
    Answer,
    Done,
    Effect,
    Foreign,
    Hold,
    Intent,
    Journalled,
    Observed,
    Settled,
    StepPlan,
)
from blueshift.engine.state import State
from blueshift.helm.records import latest, secret_name
from blueshift.steps.base import Base
from blueshift.steps.context import Tools
from blueshift.steps.facts import Snapshot


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say."""


class Preflight(Base[NoSettings]):
    """The findings of the checks; `app` refuses to open a run with an error among them (exit 3)."""

    kind: ClassVar[str] = "preflight"
    Settings: ClassVar[type[NoSettings]] = NoSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(preflight=True)

    def plan(self) -> StepPlan:
        """See Step."""
        without = f"; skipped: {', '.join(self.tools.skipped)}" if self.tools.skipped else ""
        return StepPlan(f"every check passes, or the run does not start (exit 3){without}")

    async def settle(self) -> Answer:
        """See Step."""
        without = f", without {', '.join(self.tools.skipped)}" if self.tools.skipped else ""
        return Settled(f"the checks passed when the run was opened{without}")


class TakeSnapshot(Base[NoSettings]):
    """Keep Helm's record of the running revision: `--history-max` may prune Helm's own."""

    kind: ClassVar[str] = "snapshot"
    Settings: ClassVar[type[NoSettings]] = NoSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.preflight else "the preflight has not passed"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state

    def plan(self) -> StepPlan:
        """See Step."""
        release = self.tools.world.release
        return StepPlan(
            f"keep revision {release.revision} of {release.name}, its values, addresses and DNS answers"
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        return (KeepRecord(self.tools),)

    async def settle(self) -> Answer:
        """See Step."""
        world = self.tools.world
        record = await latest(self.tools.kube, world.release.namespace, world.release.name)
        if record is None or record.revision != world.release.revision:
            found = "none" if record is None else str(record.revision)
            return Hold(f"{world.release.name} is at revision {found}, not {world.release.revision}")
        return Settled(f"kept revision {record.revision}", (Snapshot(record.revision, world.workload.ready),))


class KeepRecord:
    """A verbatim copy of Helm's release Secret beside the journal."""

    key = "release"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        release = tools.world.release
        self._source = paths.core("secrets", release.namespace, secret_name(release.name, release.revision))
        self.intent = Intent(f"keep Helm's record of {release.name} revision {release.revision}")

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Compare the copy with the original."""
        kept = await self._tools.runs.kept(self._tools.run, "release")
        if kept is None:
            return Absent()
        return Done() if kept == await self._data() else Foreign("the kept record differs from Helm's")

    async def do(self) -> None:
        """Copy it."""
        await self._tools.runs.keep(self._tools.run, "release", await self._data())

    async def _data(self) -> dict[str, Any]:
        found = await self._tools.kube.get(self._source)
        return dict(found["data"])
