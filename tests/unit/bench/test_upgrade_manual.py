"""The bench's way by hand: what a person waits for, and when they stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blueshift.errors import BlueshiftError
from blueshift.lab import nameservers
from blueshift.lab.demo.world import NAMESPACE, TTL, World
from blueshift.lab.paths import Lab
from tests.bench.upgrade import manual, tools
from tests.bench.upgrade.manual import PATIENCE, SILENT, TEMPORARY, TTLS
from tests.fakes import ManualClock

LINE = '198.18.0.9 - - [29/Nov/2026:14:00:01 +0000] "GET / HTTP/2.0" 200 187 "-" "x" 1 0.00 [a-80]\n'
WORLD = World(lab=Lab("one", Path("/nowhere")), folder=Path("/nowhere"), addresses=("198.18.1.1",), ca=Path())


class Person:
    """Stands for the cluster: notes each command with its time; `busy` says whether a side has traffic."""

    def __init__(self, clock: ManualClock, busy: Callable[[str, float], bool]) -> None:
        self.clock, self.busy = clock, busy
        self.did: list[tuple[str, float]] = []
        self.values: dict[str, Any] = {}

    def note(self, what: str) -> None:
        self.did.append((what, self.clock.now()))

    async def helm(self, _lab: Lab, *argv: str, stdin: str | None = None) -> str:
        self.note(f"helm {argv[0]} {argv[1]}")
        return ""

    async def kubectl(self, _lab: Lab, *argv: str) -> str:
        if argv[0] != "logs":
            self.note(f"kubectl {' '.join(argv)}")
            return ""
        assert f"--since={SILENT}s" in argv
        return LINE if self.busy(argv[argv.index("-n") + 1], self.clock.now()) else "no request\n"

    async def install(self, _lab: Lab, version: str, given: dict[str, Any]) -> None:
        self.note(f"helm upgrade {version}")
        self.values = given

    async def write_zone(self, _lab: Lab, records: Any, _clock: ManualClock) -> None:
        self.note(f"dns {records[0].values[0]}")

    async def service_addresses(self, _lab: Lab, _clock: ManualClock, _namespace: str) -> tuple[str, ...]:
        return ("198.18.1.2",)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    one = Person(ManualClock(), lambda _side, _now: False)
    for name in ("helm", "kubectl", "install", "service_addresses"):
        monkeypatch.setattr(manual, name, getattr(one, name))
    monkeypatch.setattr(nameservers, "write_zone", one.write_zone)
    monkeypatch.setattr(manual, "chart", lambda version: Path(f"chart-{version}"))
    return one


async def upgrade(person: Person) -> None:
    running = {"controller": {"replicaCount": 2, "lifecycle": None}}
    await manual.upgrade(WORLD, running, {"controller": {"minReadySeconds": 1}}, lambda _: None, person.clock)


async def test_the_published_steps_in_their_order(person: Person) -> None:
    await upgrade(person)
    assert [what for what, _ in person.did] == [
        f"helm install {TEMPORARY}",
        "dns 198.18.1.2",
        "helm upgrade 4.12.1",
        "dns 198.18.1.1",
        f"helm uninstall {TEMPORARY}",
        f"kubectl delete namespace {TEMPORARY} --wait=false",
    ]
    given = person.values["controller"]
    assert given["lifecycle"]["preStop"]["exec"]["command"][2].startswith("sleep 5; /usr/bin/nginx ")
    assert (given["terminationGracePeriodSeconds"], given["minReadySeconds"], given["replicaCount"]) == (
        600,
        1,
        2,
    )


async def test_each_side_is_left_when_its_logs_are_silent_and_not_before(person: Person) -> None:
    person.busy = lambda side, now: (side == NAMESPACE and now < 90) or (side == TEMPORARY and now < 200)
    await upgrade(person)
    times = dict(person.did)
    assert 90 <= times["helm upgrade 4.12.1"] < 100
    assert 200 <= times[f"helm uninstall {TEMPORARY}"] < 210


async def test_ttls_are_slept_through_first(person: Person) -> None:
    await upgrade(person)
    assert dict(person.did)["helm upgrade 4.12.1"] == TTLS * TTL


async def test_patience_ends(person: Person) -> None:
    person.busy = lambda _side, _now: True
    await upgrade(person)
    took = dict(person.did)["helm upgrade 4.12.1"]
    assert TTLS * TTL + PATIENCE < took <= TTLS * TTL + PATIENCE + 10


async def test_a_person_notices_a_command_that_fails_and_stops_there(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_lab: Lab, _version: str, _given: dict[str, Any]) -> None:
        raise BlueshiftError("helm upgrade failed: timed out waiting for the condition")

    monkeypatch.setattr(manual, "install", fails)
    order = tools.Order(world=WORLD, running={}, target={}, config=Path(), playbook=None, say=lambda _: None)
    ended = await tools.by_hand(order, person.clock)
    assert (ended.noticed, ended.said) == (True, "helm upgrade failed: timed out waiting for the condition")
    assert [what for what, _ in person.did][-1] == "dns 198.18.1.2", "names stay where they were moved"
