"""One batch of record changes as an effect: all or nothing, by compare-and-swap at the authority."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from blueshift.dns.backend import DnsBackend, Stale, batches
from blueshift.dns.records import Change
from blueshift.engine.protocol import (
    Absent,
    Done,
    Effect,
    Foreign,
    Intent,
    Journalled,
    Observed,
    Unknown,
    Way,
)
from blueshift.errors import Ambiguous, Retryable
from blueshift.shift.records import difference, kinds


class Swap:
    """Changes of one zone, in one message."""

    def __init__(self, backend: DnsBackend, key: str, what: str, changes: Sequence[Change]) -> None:
        self._backend = backend
        self.key = key
        self.changes = tuple(changes)
        # The names are in the run's inputs; the journal keeps what tells this batch from another.
        self.intent = Intent(
            what,
            expected=kinds(change.expected for change in changes),
            wanted=kinds(change.desired for change in changes),
            bound=30.0,
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Read every record set of the batch where it is written."""
        try:
            now = await self._backend.read([change.question for change in self.changes])
        except (Retryable, Ambiguous) as trouble:
            return Unknown(str(trouble))
        if all(record == change.desired for change, record in zip(self.changes, now, strict=True)):
            return Done()
        if all(record == change.expected for change, record in zip(self.changes, now, strict=True)):
            return Absent()
        told = difference(self.changes, now) or "  part of the batch was changed and part was not"
        return Foreign(told, (Way("put the records back, or plan again"),))

    async def do(self) -> None:
        """Swap. A batch that somebody changed meanwhile is left to the next `observe` to show."""
        try:
            await self._backend.wait(await self._backend.swap(self.changes))
        except Stale as stale:
            raise Ambiguous(str(stale), hint=stale.hint) from stale


async def swaps(
    backend: DnsBackend,
    what: str,
    changes: Sequence[Change],
    notice: Callable[[str], None],
    *,
    key: str = "",
) -> tuple[Effect, ...]:
    """The swaps of a change of many names. Keys carry the first name, and so are stable over resumes.

    Where a person makes the changes, `notice` asks them.
    """
    done: list[Effect] = []
    for batch in await batches(backend, changes):
        few = ", ".join(sorted({change.name for change in batch})[:3])
        more = len({change.name for change in batch})
        label = f"{what}: {few}" + (f" and {more - 3} more names" if more > 3 else "")
        name = f"{key}{batch[0].name}+{len(batch)}"
        if backend.capabilities.by_hand:
            from blueshift.dns.manual import Manual  # dnspython, which a plan does not need
            from blueshift.shift.asked import Asked

            done.append(Asked(cast(Manual, backend), name, label, batch, notice))
        else:
            done.append(Swap(backend, name, label, batch))
    return tuple(done)
