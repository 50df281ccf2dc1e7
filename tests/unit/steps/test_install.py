"""install-temporary: what must hold when the temporary's addresses have answered for long enough."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.engine.protocol import Settled, Wait
from blueshift.shift.protocol import Target
from blueshift.steps import install_temporary as module
from blueshift.steps.facts import Baseline
from blueshift.steps.install_temporary import InstallSettings, InstallTemporary
from blueshift.steps.proof import Answer as Answered
from blueshift.traffic.probe import ProbeResult
from tests.fakes import ManualClock

HOST = SimpleNamespace(host="a.org", tls=True)


class Try:
    """The step in a world where everything takes a second, and what it asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.asked, self.since = ManualClock(), list[str](), dict[str, float]()
        self.statuses: Iterator[int] = iter(())
        self.problems: list[tuple[str, ...]] = []
        monkeypatch.setattr(module, "ask", self._ask)
        monkeypatch.setattr(module, "served", self._gives(None))
        monkeypatch.setattr(module, "parity", self._parity)
        service = SimpleNamespace(http=80, https=443)
        world = SimpleNamespace(
            hosts=(HOST,), baseline={HOST.host: 200}, service=lambda: service, moving=lambda: (),
            controller=SimpleNamespace(proxy_protocol=False),
            temporary_release="web-blueshift", temporary_namespace="web-blueshift",
        )  # fmt: skip
        there = {"metadata": {"uid": "u1", "labels": {"blueshift.dev/run": "r1"}}}
        done = SimpleNamespace(failed=None, done=True)
        tools = SimpleNamespace(
            run="r1", clock=self.clock, world=world, kube=SimpleNamespace(get=self._gives(there)),
            witness=SimpleNamespace(
                pods=self._gives(done), addresses=self._gives(Target("temporary", ("192.0.2.1",)))
            ),
            record=SimpleNamespace(waited=lambda _, key: self._waited(key)),
            followers={"primary": SimpleNamespace(baseline=lambda: Baseline(9, 0, 9.0))},
        )  # fmt: skip
        self.step = InstallTemporary("install", InstallSettings(answering=10.0), cast(Any, tools))

    def _waited(self, key: str) -> float | None:
        return self.clock.now() - self.since[key] if key in self.since else None

    @staticmethod
    def _gives(what: Any) -> Any:
        async def give(*_: Any) -> Any:
            return what

        return give

    async def _ask(self, *_: Any) -> tuple[Answered, ...]:
        self.asked.append(f"answers {self.clock.now():.0f}")
        status = next(self.statuses, 200)
        result = ProbeResult(bool(status), status, (), "", 0.1, "", "" if status else "connect", "")
        return (Answered(HOST.host, True, "192.0.2.1", result),)

    async def _parity(self, *_: Any) -> Any:
        self.asked.append(f"routes {self.clock.now():.0f}")
        self.clock.advance(1.0)
        found = self.problems.pop(0) if self.problems else ()
        return SimpleNamespace(problems=lambda: found, said=lambda: "1 equal")

    async def to_the_end(self) -> list[str]:
        """Look each two seconds, or when a wait is over, until it has settled."""
        looked = self.clock.now()
        while not isinstance(answer := await self.step.settle(), Settled):
            assert isinstance(answer, Wait)
            now = self.clock.now()
            began = self.since.setdefault(answer.key, now)
            pause = max(answer.poll / 2, looked + answer.poll - now)
            left = began + answer.lasts - now if answer.lasts else 0.0
            self.clock.advance(min(pause, left) if left > 0 else pause)
            looked = self.clock.now()
        return self.asked


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Try:
    return Try(monkeypatch)


async def test_routes_are_compared_in_the_last_seconds_and_addresses_answer_to_the_end(one: Try) -> None:
    assert (await one.to_the_end())[-3:] == ["answers 8", "routes 8", "answers 10"]


async def test_what_was_compared_before_a_long_pause_counts_no_more(one: Try) -> None:
    one.clock.advance(-2.0)
    for _ in range(6):
        one.clock.advance(2.0)
        assert isinstance(await one.step.settle(), Wait) is (one.clock.now() < 10.0)
        if one.asked[-1].startswith("routes"):
            break
    one.clock.advance(3600)
    assert isinstance(await one.step.settle(), Settled)
    assert [what.split()[0] for what in one.asked[-2:]] == ["answers", "routes"]


async def test_an_address_that_fails_at_the_end_begins_it_all_anew(one: Try) -> None:
    one.statuses = iter([200] * 5 + [0])
    asked = await one.to_the_end()
    assert asked[4:7] == ["answers 8", "routes 8", "answers 10"]
    assert (asked[-3:], len(asked)) == (["answers 20", "routes 20", "answers 22"], 14)


async def test_routes_that_differ_are_compared_again(one: Try) -> None:
    one.problems = [("a.org/: only the primary serves it",)]
    assert (await one.to_the_end())[-4:] == ["answers 8", "routes 8", "answers 13", "routes 13"]
