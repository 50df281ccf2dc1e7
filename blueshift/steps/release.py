"""One revision of a Helm release as an effect: Helm does not wait for pods, Blueshift watches the rollout."""

from __future__ import annotations

from blueshift.engine.protocol import (
    Absent,
    Done,
    Foreign,
    InFlight,
    Intent,
    Journalled,
    Observed,
    Way,
)
from blueshift.helm.pending import recover
from blueshift.helm.records import ReleaseRecord, latest
from blueshift.helm.values import digest
from blueshift.steps.context import Tools
from blueshift.steps.revisions import Revision

# Seconds: clocks of API server and runner differ by less; Helm's own end is later than its timeout by less.
_MARGIN = 30.0


class Revise:
    """Install a release (`previous` 0) or make the revision after `previous`.

    A pending revision is ours only if it is `previous` + 1, its chart and values are the intended ones and
    it is not older than the intent (DESIGN §4); it is waited for until helm must have ended, then recovered.
    """

    key = "revision"

    def __init__(
        self,
        tools: Tools,
        release: tuple[str, str],
        revision: Revision,
        *,
        what: str,
        previous: int,
        timeout: float,
    ) -> None:
        self._tools = tools
        self._name, self._namespace = release
        self._revision = revision
        self._timeout = timeout
        self._previous = previous
        self._values_hash = digest(revision.values)
        self.intent = Intent(
            what,
            expected={"revision": previous},
            wanted={"chart": revision.chart.digest, "values": self._values_hash},
            bound=timeout + 60.0,
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Judge Helm's newest record."""
        record = await latest(self._tools.kube, self._namespace, self._name)
        if record is None:
            return Absent() if self._previous == 0 else self._foreign("the release is gone")
        if self._wanted(record) and record.status == "deployed":
            return Done()
        if record.revision == self._previous and not record.pending:
            return Absent()
        if journalled is None or not self._ours(record, journalled):
            return self._foreign(
                f"revision {record.revision} ({record.status}): {record.description or 'no description'}"
            )
        if not record.pending:
            return Absent()  # our own try that failed: the next one comes after it
        age = (self._tools.clock.utc() - journalled.intended).total_seconds()
        if age < self.intent.bound + _MARGIN:
            return InFlight(f"helm may still be at work on revision {record.revision} of {self._name}")
        await recover(self._tools.kube, record)
        return Absent()

    async def do(self) -> None:
        """Run helm once; it returns when the objects are applied."""
        helm, revision = self._tools.helm, self._revision
        arguments = {
            "description": f"blueshift run {self._tools.run}: {self.intent.what}",
            "timeout": self._timeout,
        }
        act = helm.upgrade if self._previous else helm.install
        await act(self._name, self._namespace, revision.chart, revision.values, **arguments)

    def _wanted(self, record: ReleaseRecord) -> bool:
        return record.chart_hash == self._revision.chart.digest and record.values_hash == self._values_hash

    def _ours(self, record: ReleaseRecord, journalled: Journalled) -> bool:
        born = record.created or record.last_deployed
        young = born is not None and (journalled.intended - born).total_seconds() < _MARGIN
        return self._wanted(record) and young and f"run {self._tools.run}:" in record.description

    def _foreign(self, found: str) -> Foreign:
        return Foreign(
            f"{self._namespace}/{self._name} should be at revision {self._previous or 'none'}: {found}",
            (Way("see who did it", f"{self._tools.places.helm} history {self._name} -n {self._namespace}"),),
        )
