"""How a hook is run, and hooks around steps in the loop: real programs, a fake API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blueshift import events
from blueshift.clock import SystemClock
from blueshift.engine.entries import Resumed
from blueshift.engine.hooks import Around, StepHook, Told, When, due, run
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Effect
from blueshift.errors import BlueshiftError
from blueshift.playbook.hooks import Hook
from tests.unit.engine.steps import Bench, Note, ToyEffect, ToyStep

TOLD = Told(
    "before-upgrade", "r1", "edge/demo", "forward/upgrade", addresses=("198.18.0.60",), hosts=("a.b",)
)


def hook(folder: Path, body: str, on: str = "before-upgrade", timeout: float = 20.0) -> Hook:
    path = folder / on / "10-it"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Hook(on, (str(path),), timeout, f"{on}/10-it", str(folder))


async def test_a_hook_is_told_by_environment_and_as_json(tmp_path: Path) -> None:
    it = hook(tmp_path, f"cat >{tmp_path}/in; env | grep ^BLUESHIFT_ >{tmp_path}/env; echo out; echo err >&2")
    ended = await run(it, TOLD, SystemClock())
    assert (ended.code, ended.output) == (0, "out\nerr")
    given = json.loads((tmp_path / "in").read_text())
    assert (given["event"], given["hosts"]) == ("before-upgrade", ["a.b"])
    lines = (tmp_path / "env").read_text().splitlines()
    assert {"BLUESHIFT_RUN=r1", "BLUESHIFT_STEP=forward/upgrade", "BLUESHIFT_ADDRESSES=198.18.0.60"} <= {
        *lines
    }
    assert not [line for line in lines if line.startswith("BLUESHIFT_HOSTS")]


async def test_a_hook_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    it = hook(tmp_path, f"echo began; sh -c 'sleep 2; touch {tmp_path}/late' & sleep 30", timeout=0.3)
    with pytest.raises(BlueshiftError, match=r"10-it was ended after 0.3 s, .*: began"):
        await run(it, TOLD, SystemClock())
    await asyncio.sleep(2.2)
    assert not (tmp_path / "late").exists()


async def test_what_a_hook_leaves_behind_is_ended_and_holds_nothing_up(tmp_path: Path) -> None:
    # The child holds stdin and stdout open.
    it = hook(tmp_path, f"sh -c 'sleep 2; touch {tmp_path}/late' & echo done")
    begun = SystemClock().now()
    assert (await run(it, TOLD, SystemClock())).output == "done"
    assert SystemClock().now() - begun < 1.5
    await asyncio.sleep(2.2)
    assert not (tmp_path / "late").exists()


async def test_much_output_keeps_its_end_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "canary-0815")
    it = hook(tmp_path, "yes line | head -c 3000000; echo it was $GRAFANA_TOKEN")
    ended = await run(it, TOLD, SystemClock())
    assert ended.output.endswith("it was ***")
    assert len(ended.output) < 20_000
    assert "canary" not in ended.output


async def test_a_hook_that_reads_nothing_or_is_not_there(tmp_path: Path) -> None:
    many = Told("e", "r", "d", hosts=tuple(f"host{number}" * 20 for number in range(2500)))
    assert (await run(hook(tmp_path, "exec <&-; exit 4"), many, SystemClock())).code == 4
    with pytest.raises(BlueshiftError, match="is not on this machine") as gone:
        await run(Hook("end", (str(tmp_path / "none"),), name="end/none"), many, SystemClock())
    assert "--hooks" in str(gone.value.hint)


TRACK = (
    "forward/snapshot", "forward/to/floor", "forward/to/wave-1", "forward/to/wave-2", "panic/to/wave-1",
)  # fmt: skip


def test_a_step_that_became_several_has_its_hooks_at_both_ends(tmp_path: Path) -> None:
    before, after = hook(tmp_path, "", "before-to"), hook(tmp_path, "", "after-to")
    hooks = (before, after)
    assert [step for step in TRACK if due(hooks, "before", step, TRACK)] == ["forward/to/floor"]
    assert [step for step in TRACK if due(hooks, "after", step, TRACK)] == ["forward/to/wave-2"]


def test_a_program_for_every_step_and_for_this_one_is_run_once(tmp_path: Path) -> None:
    every = hook(tmp_path, "", "before-step")
    this = Hook("before-snapshot", every.run, name="before-snapshot/10-it")
    assert due((this, every), "before", "forward/snapshot", TRACK) == (every,)
    assert due((this, every), "before", "forward/to/floor", TRACK) == (every,)


class Run:
    """A run of two steps with hooks around them; `log` is what they did."""

    def __init__(self, folder: Path, *, fails: bool = True) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.bench = Bench("forward/a", "forward/b")
        self.note = Note()
        self.hooks: list[Hook] = []
        self.fails = fails
        self.writer: Any = None

    def hook(self, on: str, body: str) -> None:
        self.hooks.append(hook(self.folder, f"echo {on} >>{self.log}\n{body}", on))

    def around(self) -> Around:
        def around(when: When, step: str) -> Sequence[Effect]:
            found = due(self.hooks, when, step, self.bench.track)
            return [StepHook(one, TOLD, SystemClock(), self.say, fails=self.fails) for one in found]

        return around

    def say(self, sentence: str) -> None:
        self.bench.events.append(sentence)

    async def go(self) -> Any:
        steps = [ToyStep(name, ToyEffect(self.note, name)) for name in self.bench.track]
        if self.writer is None:
            self.writer = await self.bench.open()
        else:
            await self.writer.write(Resumed("again"))
        return await run_track(self.writer, steps, replace(self.bench.services, hooks=self.around()))

    @property
    def ran(self) -> list[str]:
        return self.log.read_text().split()


async def test_hooks_are_journalled_effects_of_their_step(tmp_path: Path) -> None:
    it = Run(tmp_path)
    it.hook("before-step", "")
    it.hook("after-a", "echo all well")
    assert (await it.go()).status == "succeeded"
    assert it.ran == ["before-step", "after-a", "before-step"]
    keys = list(it.writer.journal.step("forward/a").effects)
    assert [key.rpartition(" ")[0] for key in keys] == ["hook before-step/10-it", "", "hook after-a/10-it"]
    assert "hook after-a/10-it: all well" in it.bench.events


async def test_a_hook_that_fails_holds_the_step_and_only_it_is_run_again(tmp_path: Path) -> None:
    it = Run(tmp_path)
    it.hook("before-a", "")
    it.hook("after-a", f"[ -e {tmp_path}/mended ] || {{ echo the smoke test fails; exit 3; }}")
    outcome = await it.go()
    assert (outcome.status, outcome.step) == ("holding", "forward/a")
    assert outcome.said == "hook after-a/10-it ended with 3: the smoke test fails"
    assert any("resume runs it again" in way.what for way in outcome.ways)
    assert it.note.done == ["forward/a"]
    (tmp_path / "mended").touch()
    assert (await it.go()).status == "succeeded"
    assert it.ran == ["before-a", "after-a", "after-a"]


async def test_a_hook_that_says_not_for_me_is_recorded_and_fails_nothing(tmp_path: Path) -> None:
    it = Run(tmp_path)
    it.hook("before-a", "echo no canary here; exit 75")
    assert (await it.go()).status == "succeeded"
    (done,) = (e for key, e in it.writer.journal.step("forward/a").effects.items() if key.startswith("hook"))
    assert done.said == "passed over: no canary here"


async def test_a_hook_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    it = Run(tmp_path)
    it.hook("before-a", f"[ -e {tmp_path}/log2 ] || {{ touch {tmp_path}/log2; exec sleep 60; }}")
    going = asyncio.ensure_future(it.go())
    while not (tmp_path / "log2").exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.01)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    (hooked,) = it.writer.journal.step("forward/a").effects.values()
    assert hooked.done is None
    assert (await it.go()).status == "succeeded"
    assert it.ran == ["before-a", "before-a"]


async def test_on_a_way_back_a_hook_that_fails_is_said_and_does_not_hold(tmp_path: Path) -> None:
    it = Run(tmp_path, fails=False)
    it.hook("before-a", "echo no; exit 1")
    assert (await it.go()).status == "succeeded"
    assert "hook before-a/10-it ended with 1: no; the way back goes on" in it.bench.events


async def test_a_resume_from_another_folder_knows_what_had_been_run(tmp_path: Path) -> None:
    it = Run(tmp_path)
    it.hook("before-a", "")
    it.hook("after-a", "exit 1")
    await it.go()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("before-a", "after-a"):
        (tmp_path / name).rename(elsewhere / name)
    it.hooks = [hook(elsewhere, f"echo {on} >>{it.log}", on) for on in ("before-a", "after-a")]
    assert (await it.go()).status == "succeeded"
    assert it.ran == ["before-a", "after-a", "after-a"]
    assert [type(one) for one in it.bench.events if isinstance(one, events.Held)] == [events.Held]
