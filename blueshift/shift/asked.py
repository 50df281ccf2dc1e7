"""Record changes that a person makes: asked for once, seen to happen, and never done by us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from blueshift.dns.records import Change
from blueshift.engine.protocol import (
    Absent,
    Done,
    Foreign,
    InFlight,
    Intent,
    Journalled,
    Observed,
    Unknown,
    Way,
)
from blueshift.errors import Ambiguous, Retryable
from blueshift.shift.records import difference, kinds

if TYPE_CHECKING:
    from blueshift.dns.manual import Manual


EVERY = 10.0
"""Seconds between two looks at the authority: it is a provider's, and a person takes minutes."""


class Asked:
    """One wave of changes; a person may make them one by one, so that a part of them is on its way."""

    def __init__(
        self, backend: Manual, key: str, what: str, changes: Sequence[Change], notice: Callable[[str], None]
    ) -> None:
        self._backend = backend
        self._notice = notice
        self._told = False
        self.key = key
        self.changes = tuple(changes)
        self.intent = Intent(
            f"a person makes it so: {what}",
            expected=kinds(change.expected for change in changes),
            wanted=kinds(change.desired for change in changes),
            bound=backend.settings.within,
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Read every record set; what is neither as before nor as wanted is somebody else's doing."""
        try:
            now = await self._backend.read([change.question for change in self.changes])
        except (Retryable, Ambiguous) as trouble:
            return Unknown(str(trouble))
        left = [change for change, record in zip(self.changes, now, strict=True) if record != change.desired]
        if not left:
            return Done()
        if told := difference(self.changes, now):
            return Foreign(told, (Way("put the records to one of the two, then resume the run"),))
        if journalled is None:
            return Absent()
        await self._tell()
        first = f"{left[0].name} {left[0].type}"
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        return InFlight(
            f"{len(self.changes) - len(left)} of {len(self.changes)} record sets are as they should be; "
            f"a person has to change {first}{more}",
            poll=EVERY,
        )

    async def do(self) -> None:
        """Ask. Raises Ambiguous: only what is seen at the authority counts as done."""
        await self._tell()
        raise Ambiguous("a person was asked")

    async def _tell(self) -> None:
        """Once in each process: whoever carries the run on must see it too."""
        if not self._told:
            self._told = True
            self._notice("please change these records:\n" + await self._backend.instructions(self.changes))
