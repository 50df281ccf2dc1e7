"""What steps read of their run's journal."""

from __future__ import annotations

from blueshift.clock import Clock
from blueshift.engine.journal import Journal
from blueshift.engine.protocol import Fact, Journalled
from blueshift.engine.state import State
from blueshift.engine.store import Writer


class View:
    """The journal as the writer has it now; implements `protocol.Record`."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    @property
    def _journal(self) -> Journal:
        return self._writer.journal

    @property
    def state(self) -> State:
        """See Record."""
        return self._journal.state

    @property
    def track(self) -> tuple[str, ...]:
        """See Record."""
        return self._journal.track

    def fact(self, kind: type[Fact]) -> Fact:
        """See Record."""
        return self._journal.fact(kind)

    def learnt(self, kind: type[Fact]) -> Fact | None:
        """See Record."""
        return self._journal.learnt(kind)

    def waited(self, step: str, key: str) -> float | None:
        """See Record."""
        wait = self._journal.step(step).waits.get(key)
        return (self._clock.utc() - wait.since).total_seconds() if wait else None

    def effect(self, step: str, key: str) -> Journalled | None:
        """See Record."""
        return self._journal.step(step).effects.get(key)

    def settled(self, step: str) -> bool:
        """See Record."""
        return self._journal.step(step).settled is not None

    def approved(self, step: str, gate: str) -> bool:
        """See Record."""
        return self._journal.approved(gate, step)
