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
from blueshift.helm.errors import HelmError
from blueshift.helm.pending import RevisionIntent, recover, standing, why_foreign
from blueshift.helm.records import ReleaseRecord, latest, newest
from blueshift.helm.values import digest
from blueshift.steps.context import Tools
from blueshift.steps.revisions import Revision


class Revise:
    """Install a release (`previous` 0) or make the revision after `previous`.

    A pending revision is ours only if `helm.pending.standing` says so; it is waited for until helm must have
    ended, and only then recovered.
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
        self._what = what
        self._values_hash = digest(revision.values)
        self._install = previous == 0
        self._follows(previous)

    def _follows(self, previous: int) -> None:
        self._previous = previous
        self.intent = Intent(
            self._what,
            expected={"revision": previous},
            wanted={"chart": self._revision.chart.digest, "values": self._values_hash},
            bound=self._timeout + 120.0,
            command=self._command(),
        )

    def _command(self) -> str:
        chart, verb = self._revision.chart, "install" if self._install else "upgrade"
        return (
            f"{self._tools.places.helm} {verb} {self._name} {chart.name} --version {chart.version} "
            f"-n {self._namespace} {'' if self._install else '--reset-values '}--values -"
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Judge Helm's newest record."""
        record = await latest(self._tools.kube, self._namespace, self._name)
        if record and record.status == "deployed" and self._wanted(record):
            return Done()
        now = record.revision if record else 0
        if journalled is None:
            free = now == self._previous and not (record and record.pending)
            return Absent() if free else self._foreign(record, f"it is at revision {now}")
        intent = self._announced(journalled)
        found = standing(record, intent, self._tools.clock.utc())
        if found == "in_flight":
            return InFlight(f"helm may still be at work on revision {now} of {self._name}")
        if found == "foreign" or (found == "absent" and record and record.pending):
            return self._foreign(record, why_foreign(record, intent))
        if found == "dead":
            assert record is not None
            await recover(self._tools.kube, record)
        self._follows(now)  # a try of ours that failed keeps its number: the next one comes after it
        return Absent()

    async def do(self) -> None:
        """Run helm once; it returns when the objects are applied.

        Raises HelmError for a revision that somebody made since `observe`: while the intent was written, the
        API server may have been gone. What comes later still collides in Helm, by the name of its record.
        """
        helm, revision = self._tools.helm, self._revision
        now = await newest(self._tools.kube, self._namespace, self._name)
        if now != self._previous:
            raise HelmError(
                f"somebody else changed {self._namespace}/{self._name} meanwhile: it should be at revision "
                f"{self._previous}, and is at {now}",
                hint=f"{self._tools.places.helm} history {self._name} -n {self._namespace}",
            )
        act = helm.install if self._install else helm.upgrade
        await act(
            self._name,
            self._namespace,
            revision.chart,
            revision.values,
            description=f"blueshift run {self._tools.run}: {self._what}",
            timeout=self._timeout,
        )

    def _announced(self, journalled: Journalled) -> RevisionIntent:
        return RevisionIntent(
            previous=int(journalled.intent.expected["revision"]),
            values_hash=self._values_hash,
            chart_hash=self._revision.chart.digest,
            at=journalled.intended,
            timeout=self._timeout,
        )

    def _wanted(self, record: ReleaseRecord) -> bool:
        return record.chart_hash == self._revision.chart.digest and record.values_hash == self._values_hash

    def _foreign(self, record: ReleaseRecord | None, why: str) -> Foreign:
        told = f"{record.status}, {record.description or 'no description'}" if record else "there is none"
        return Foreign(
            f"{self._namespace}/{self._name} should be at revision {self._previous}: {why} ({told})",
            (Way("see who did it", f"{self._tools.places.helm} history {self._name} -n {self._namespace}"),),
        )
