"""Recursive resolvers are looked at for the people who watch, and a silent one is not pestered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift import events
from blueshift.app import recursives
from blueshift.app.plans import offline
from blueshift.app.recursives import EVERY, MOST_NAMES, watch_recursives
from blueshift.clock import Clock
from blueshift.dns.resolver import Answer
from blueshift.dns.wire import NoAnswer
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady
from tests.fakes import ManualClock
from tests.unit.app.test_hooks import PLACES
from tests.unit.app.worlds import world

READY = TemporaryReady("t", "t", "uid", ("198.18.0.60",), ("2001:2::60",))
PRIMARY, TEMPORARY = ("198.18.0.50",), ("198.18.0.60",)


class Enough(Exception):
    """The second look would begin."""


class Resolvers:
    """Resolvers that answer as they are told, and count what they are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, int, str, str]] = []
        self.silent: set[str] = set()
        self.answers = [Answer(PRIMARY, 60, "NOERROR")]
        monkeypatch.setattr(recursives, "query", self.query)

    async def query(self, server: str, port: int, name: str, kind: str, clock: Clock) -> Answer:
        self.asked.append((server, port, name, kind))
        if server in self.silent:
            raise NoAnswer("no answer")
        return self.answers[(len(self.asked) - 1) % len(self.answers)]


@pytest.fixture
def resolvers(monkeypatch: pytest.MonkeyPatch) -> Resolvers:
    return Resolvers(monkeypatch)


def tools(names: int = 2) -> Tools:
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        assert seconds == EVERY
        raise Enough

    record = SimpleNamespace(
        fact=lambda kind: READY, learnt=lambda kind: READY if kind is TemporaryReady else None
    )
    clock.sleep = sleep  # type: ignore[method-assign]
    return replace(offline(world(names), PLACES, "r1"), clock=clock, record=cast(Any, record))


async def seen(of: Tools, *where: tuple[str, int]) -> list[Any]:
    told: list[events.Event] = []
    with suppress(Enough):
        await watch_recursives(of, where, told.append)
    return told


async def test_answers_are_counted_by_whose_addresses_they_are(resolvers: Resolvers) -> None:
    resolvers.answers = [
        Answer(PRIMARY, 60, "NOERROR"), Answer(TEMPORARY, 60, "NOERROR"),
        Answer((), 0, "NXDOMAIN"), Answer((), 0, "SERVFAIL"),
    ]  # fmt: skip
    (one,) = await seen(tools(), ("192.0.2.1", 5353))
    assert one.recursive
    assert (one.server, one.primary, one.temporary, one.other, one.unknown) == ("192.0.2.1", 1, 1, 1, 1)
    assert {asked[:2] for asked in resolvers.asked} == {("192.0.2.1", 5353)}
    assert len({asked[2:] for asked in resolvers.asked}) == 4, "each name, in both families"


async def test_a_silent_resolver_is_asked_once_and_all_is_unknown(resolvers: Resolvers) -> None:
    resolvers.silent = {"192.0.2.1"}
    one, other = await seen(tools(), ("192.0.2.1", 53), ("192.0.2.2", 53))
    assert (one.unknown, one.primary) == (4, 0)
    assert (other.unknown, other.primary) == (0, 4)
    assert [asked[0] for asked in resolvers.asked].count("192.0.2.1") == 1


async def test_so_many_names_are_asked_and_without_a_resolver_none(resolvers: Resolvers) -> None:
    await seen(tools(200), ("192.0.2.1", 53))
    assert len({asked[2] for asked in resolvers.asked}) == MOST_NAMES
    assert await seen(tools()) == []
