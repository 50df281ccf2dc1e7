"""Hooks that are told what becomes of a run, and what those around a step are given."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift import events
from blueshift.app import hooks
from blueshift.app.configuration import with_hooks
from blueshift.app.hooks import Hooks
from blueshift.app.inputs import freeze_steps, thaw_steps
from blueshift.app.kinds import compile_track, settings_types
from blueshift.app.offline import freeze
from blueshift.app.plans import offline, plan
from blueshift.clock import Clock, SystemClock
from blueshift.engine.journal import Turn
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config, Dns, Release
from blueshift.playbook.schema import load
from blueshift.playbook.shipped import find
from blueshift.preflight.waivers import NONE
from blueshift.report.plan import plan_text
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.places import Places
from tests.fakes import ManualClock
from tests.unit.app.worlds import world

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HELD = events.Held(at=NOW, run="r1", step="forward/upgrade", reason="pods do not start", ways=())
PURGE = "forward/purge-gate"
GATE = events.GateWaits(
    at=NOW, run="r1", step=PURGE, gate="purge", reason="may it go?", command="blueshift x"
)
PLAYBOOK = load(find("blue-green"), settings_types())
PLACES = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")


def program(folder: Path, event: str, body: str, name: str = "10-tell") -> Path:
    path = folder / event / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


class Bench:
    """The hooks of a folder, in a run that turned nowhere."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.seen: list[Any] = []
        ready = TemporaryReady("t", "t", "uid", ("198.18.0.60",), ("2001:2::60",))
        self.tools = replace(
            offline(world(2), PLACES, "r1"),
            clock=clock or SystemClock(),
            record=cast(Any, SimpleNamespace(fact=lambda kind: ready, learnt=lambda kind: None)),
        )
        self.playbook = with_hooks(PLAYBOOK, folder)
        self.journal = SimpleNamespace(
            namespace="edge", release="ingress-nginx", on="forward", turn=None,
            track=tuple(step.id for step in compile_track(PLAYBOOK, self.tools)),
        )  # fmt: skip
        writer = cast(Any, SimpleNamespace(journal=self.journal))
        self.hooks = Hooks(self.tools, writer, self.playbook, self.seen.append)

    async def told(self, *given: events.Event, status: str = "holding", failure: str = "") -> list[str]:
        """The notices after these events and the end."""
        for event in given:
            self.hooks.listen(event)
            await asyncio.sleep(0)
        await self.hooks.close(status, failure)
        return [notice.sentence for notice in self.seen]


async def test_a_program_gets_the_event(tmp_path: Path) -> None:
    program(tmp_path, "holding", f"cat >{tmp_path}/in")
    assert await Bench(tmp_path).told(HELD) == []
    given = json.loads((tmp_path / "in").read_text())
    assert (given["event"], given["run"], given["step"]) == ("holding", "r1", "forward/upgrade")
    assert (given["release"], given["command"]) == ("edge/ingress-nginx", "blueshift status r1")


@pytest.mark.parametrize(
    ("status", "event"),
    [("succeeded", "success"), ("rolled-back", "rolled-back"), ("interrupted", "interrupted")],
)
async def test_each_end_has_its_event_and_then_comes_the_end(tmp_path: Path, status: str, event: str) -> None:
    program(tmp_path, event, "sleep 0.2; echo told")
    program(tmp_path, "end", "echo $BLUESHIFT_STATUS")
    ended = events.RunEnded(at=NOW, run="r1", status=status, said="")
    assert await Bench(tmp_path).told(ended, status=status) == [
        f"hook {event}/10-tell: told", f"hook end/10-tell: {status}",
    ]  # fmt: skip


async def test_a_process_that_fails_tells_why(tmp_path: Path) -> None:
    program(tmp_path, "failure", "echo $BLUESHIFT_REASON")
    assert await Bench(tmp_path).told(status="failed", failure="no space left") == [
        "hook failure/10-tell: no space left"
    ]


async def test_a_failure_is_a_notice_and_the_next_program_runs(tmp_path: Path) -> None:
    program(tmp_path, "holding", "echo no route >&2; exit 3", "10-chat")
    program(tmp_path, "holding", "echo ticket 7", "20-ticket")
    program(tmp_path, "holding", "exit 75", "30-not-for-me")
    assert await Bench(tmp_path).told(HELD) == [
        "hook holding/10-chat ended with 3: no route",
        "hook holding/20-ticket: ticket 7",
    ]


async def test_a_gate_is_told_again_until_it_opens_and_a_temporary_is_forgotten(tmp_path: Path) -> None:
    for event in ("gate", "forgotten-temporary"):
        program(tmp_path, event, f"echo {event} >>{tmp_path}/count")
    clock = ManualClock()
    bench = Bench(tmp_path, clock)
    bench.hooks.listen(GATE)
    while clock.sleeps.count(hooks.FORGOTTEN) < 2:  # noqa: ASYNC110  # the clock moves by what is slept
        await asyncio.sleep(0)
    bench.hooks.listen(
        events.Waiting(at=NOW, run="r1", step=PURGE, reason="", since=NOW, until=None, then="")
    )
    assert not any(task.cancelled() for task in bench.hooks._gate)
    bench.hooks.listen(events.StepSettled(at=NOW, run="r1", step=PURGE, said=""))
    assert bench.hooks._gate == []
    await bench.hooks.close("succeeded")
    counted = (tmp_path / "count").read_text().split()
    assert counted.count("gate") >= 2
    assert counted.count("forgotten-temporary") >= 1
    assert counted[0] == "gate"
    assert set(clock.sleeps) == {hooks.AGAIN, hooks.FORGOTTEN}


async def test_a_run_at_work_is_told_from_its_start_on(tmp_path: Path) -> None:
    for event in ("start", "running", "end"):
        program(tmp_path, event, f"echo {event} >>{tmp_path}/count")
    clock = ManualClock()
    bench = Bench(tmp_path, clock)
    bench.hooks.begin()
    while clock.sleeps.count(hooks.RUNNING) < 2:  # noqa: ASYNC110  # the clock moves by what is slept
        await asyncio.sleep(0)
    await bench.hooks.close("succeeded")
    counted = (tmp_path / "count").read_text().split()
    assert (counted[0], counted[1], counted[-1]) == ("start", "running", "end")


async def test_without_hooks_nothing_is_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.hooks.begin()
    assert await bench.told(HELD) == []
    assert bench.hooks.around("before", "forward/upgrade") == ()


async def test_a_shift_tells_where_to(tmp_path: Path) -> None:
    program(tmp_path, "before-shift-to-temporary", f"cat >{tmp_path}/in; exit 1")
    bench = Bench(tmp_path)
    (hook,) = bench.hooks.around("before", "forward/shift-to-temporary/floor")
    with pytest.raises(BlueshiftError, match="ended with 1"):
        await hook.do()
    given = json.loads((tmp_path / "in").read_text())
    assert (given["to"], given["addresses"]) == ("temporary", ["198.18.0.60", "2001:2::60"])
    assert given["hosts"] == ["app00.lab.test", "app01.lab.test"]


async def test_on_the_way_back_a_hook_holds_nothing(tmp_path: Path) -> None:
    program(tmp_path, "before-shift-to-primary", "echo $BLUESHIFT_TO; exit 1")
    bench = Bench(tmp_path)
    bench.journal.on = "back"
    step = SimpleNamespace(id="shift-to-primary", settings={"to": "primary"})
    bench.journal.turn = cast(Turn, SimpleNamespace(steps=(step,)))
    bench.journal.track = ("back/shift-to-primary/floor",)
    (hook,) = bench.hooks.around("before", "back/shift-to-primary/floor")
    assert await hook.do() == "hook before-shift-to-primary/10-tell ended with 1: primary"


def test_a_plan_names_what_will_run_and_a_run_freezes_it(tmp_path: Path) -> None:
    for event in ("before-shift-to-temporary", "after-shift-to-temporary", "gate"):
        program(tmp_path, event, "exit 0")
    playbook = with_hooks(PLAYBOOK, tmp_path)
    planned = plan(world(40), playbook, PLACES, datetime(2026, 11, 24, tzinfo=UTC))
    by_id = {step.id: step.plan.hooks for step in planned.steps}
    assert {name: named for name, named in by_id.items() if named} == {
        "forward/shift-to-temporary/floor": ("before: before-shift-to-temporary/10-tell",),
        "forward/shift-to-temporary/wave-3": ("after: after-shift-to-temporary/10-tell",),
    }
    text = plan_text(planned)
    assert "hook before: before-shift-to-temporary/10-tell" in text
    assert "Told what becomes of it: gate/10-tell" in text
    config = Config(release=Release("demo", "ingress"), dns=Dns(settings=None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blueshift.app.configuration.freeze", lambda config, profile: {})
        frozen = freeze(world(2), config, playbook, NONE)
    assert frozen.steps == freeze_steps(playbook)
    assert thaw_steps(frozen).hooks == playbook.hooks
    other = tmp_path / "other"
    other.mkdir()
    program(other, "end", "exit 0")
    assert [hook.name for hook in with_hooks(thaw_steps(frozen), other).hooks] == ["end/10-tell"]
