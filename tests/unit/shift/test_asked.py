"""A change that a person makes: asked for once, a part of it is on its way, and only what is seen counts."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.dns.records import Change, RecordSet
from blueshift.engine.protocol import Absent, Done, Foreign, InFlight, Journalled, Unknown
from blueshift.errors import Ambiguous, Retryable
from blueshift.shift.asked import Asked


def record(name: str, value: str, ttl: int = 60) -> RecordSet:
    return RecordSet(f"{name}.shop.test", "A", ttl, (value,))


CHANGES = [
    Change(f"{name}.shop.test", "A", record(name, "192.0.2.1"), record(name, "198.51.100.7"))
    for name in ("a", "b")
]


class Provider:
    """Stands for the zone at somebody's provider."""

    settings = SimpleNamespace(within=3600.0)

    def __init__(self) -> None:
        self.now: list[RecordSet | None] = [change.expected for change in CHANGES]
        self.silent = False

    async def read(self, questions: Any) -> list[RecordSet | None]:
        if self.silent:
            raise Retryable("no answer")
        return list(self.now)

    async def instructions(self, changes: Any) -> str:
        return f"{len(changes)} changes"


class Bench:
    def __init__(self) -> None:
        self.provider = Provider()
        self.notices: list[str] = []
        self.asked = self.again()

    def again(self) -> Asked:
        """The effect as another process builds it."""
        return Asked(cast(Any, self.provider), "k", "point at the temporary", CHANGES, self.notices.append)

    @property
    def journalled(self) -> Journalled:
        return Journalled(self.asked.intent, datetime(2026, 11, 24, tzinfo=UTC))


async def test_it_is_asked_for_and_not_done() -> None:
    bench = Bench()
    assert isinstance(await bench.asked.observe(None), Absent)
    assert bench.notices == []
    with pytest.raises(Ambiguous):
        await bench.asked.do()
    assert bench.notices == ["please change these records:\n2 changes"]
    waiting = await bench.asked.observe(bench.journalled)
    assert isinstance(waiting, InFlight)
    assert "0 of 2 record sets are as they should be" in waiting.reason
    assert "a.shop.test A and 1 more" in waiting.reason
    assert len(bench.notices) == 1


async def test_one_after_the_other_is_on_its_way_and_all_are_done() -> None:
    bench = Bench()
    bench.provider.now[0] = CHANGES[0].desired
    waiting = await bench.asked.observe(bench.journalled)
    assert isinstance(waiting, InFlight)
    assert "1 of 2" in waiting.reason
    bench.provider.now[1] = CHANGES[1].desired
    assert isinstance(await bench.asked.observe(bench.journalled), Done)


async def test_who_carries_the_run_on_is_told_too() -> None:
    bench = Bench()
    await bench.asked.observe(bench.journalled)
    await bench.again().observe(bench.journalled)
    assert len(bench.notices) == 2


@pytest.mark.parametrize("now", [record("a", "203.0.113.9"), record("a", "198.51.100.7", ttl=300), None])
async def test_anything_else_is_somebody_elses_and_is_shown(now: RecordSet | None) -> None:
    bench = Bench()
    bench.provider.now[0] = now
    seen = await bench.asked.observe(bench.journalled)
    assert isinstance(seen, Foreign)
    assert "a.shop.test A" in seen.difference


async def test_a_silent_authority_is_unknown() -> None:
    bench = Bench()
    bench.provider.silent = True
    assert isinstance(await bench.asked.observe(bench.journalled), Unknown)
