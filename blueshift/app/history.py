"""What runs there were, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from blueshift.engine.journal import OVER, Journal, Status, Versions


class Past(msgspec.Struct, frozen=True):
    """One run, as its journal tells of it. Programs read it: fields come to it, and none goes or changes."""

    run: str
    namespace: str
    release: str
    playbook: str
    chart: Versions | None
    """None where the journal is of an older Blueshift."""
    reverts: str
    """The finished run that it takes back, empty for most."""
    opened: datetime
    by: str
    """Who opened it: user@machine."""
    status: Status
    said: str
    ended: datetime | None
    """None while it is not over."""
    seconds: float | None
    """From its opening to its end."""

    @property
    def change(self) -> str:
        """What was to become of the chart: `4.11.3 → 4.12.1`; one version where only values change."""
        if self.chart is None:
            return ""
        told = self.chart.change
        return f"{told}, reverts {self.reverts}" if self.reverts else told


def past(journals: Sequence[Journal], *, release: str | None = None) -> tuple[Past, ...]:
    """The runs of the release `[NAMESPACE/]NAME`, or of all."""
    namespace, _, name = (release or "").rpartition("/")
    chosen = [
        journal
        for journal in journals
        if name in ("", journal.release) and namespace in ("", journal.namespace)
    ]
    chosen.sort(key=lambda journal: (journal.created, journal.run), reverse=True)
    return tuple(map(_past, chosen))


def _past(journal: Journal) -> Past:
    ended = _ended(journal)
    by = journal.carried[0].by if journal.carried else journal.holder
    return Past(
        run=journal.run,
        namespace=journal.namespace,
        release=journal.release,
        playbook=journal.playbook,
        chart=journal.chart,
        reverts=journal.reverts,
        opened=journal.created,
        by=by.partition(":")[0],
        status=journal.status,
        said=journal.said,
        ended=ended,
        seconds=(ended - journal.created).total_seconds() if ended else None,
    )


def _ended(journal: Journal) -> datetime | None:
    """A run is over with its last step; a way back that has nothing to do has none."""
    if journal.status not in OVER:
        return None
    settled = [step.settled for step in journal.steps.values() if step.settled]
    turned = [journal.turn.at] if journal.turn else []
    return max([journal.created, *settled, *turned])
