"""The step `check`: what its command says, and when it is no answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.clock import SystemClock
from blueshift.engine.protocol import Settled, Wait
from blueshift.steps.check import Check, CheckSettings


def check(*command: str, timeout: float = 20.0) -> Check:
    release = SimpleNamespace(namespace="edge", name="demo")
    tools = SimpleNamespace(run="r1", clock=SystemClock(), world=SimpleNamespace(release=release))
    return Check("forward/budget", CheckSettings(command=command, timeout=timeout), cast(Any, tools))


def shell(folder: Path, body: str) -> str:
    program = folder / "check"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


async def test_yes_is_exit_code_0_of_a_command_that_knows_the_run(tmp_path: Path) -> None:
    program = shell(tmp_path, f"env | grep ^BLUESHIFT_ | sort >{tmp_path}/told; cat")
    assert isinstance(await check(program).settle(), Settled)
    assert (tmp_path / "told").read_text().splitlines() == [
        "BLUESHIFT_RELEASE=edge/demo",
        "BLUESHIFT_RUN=r1",
        "BLUESHIFT_STEP=forward/budget",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [("echo the budget is spent; exit 3", "exit code 3: the budget is spent"), ("exit 1", "exit code 1: ")],
)
async def test_anything_else_is_no_with_its_last_words(tmp_path: Path, body: str, said: str) -> None:
    answer = await check(shell(tmp_path, body)).settle()
    assert isinstance(answer, Wait)
    assert said in answer.reason


async def test_what_it_says_reaches_the_journal_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLO_TOKEN", "canary-0815")
    answer = await check(shell(tmp_path, 'echo "asked with $SLO_TOKEN"; exit 1')).settle()
    assert isinstance(answer, Wait)
    assert "asked with ***" in answer.reason
    assert answer.on_timeout is not None
    assert "canary" not in answer.reason + answer.on_timeout.reason


async def test_one_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    program = shell(tmp_path, f"sh -c 'sleep 2; touch {tmp_path}/late' & sleep 30")
    answer = await check(program, timeout=0.3).settle()
    assert isinstance(answer, Wait)
    assert "did not end in 300ms" in answer.reason
    await asyncio.sleep(2.2)
    assert not (tmp_path / "late").exists()


async def test_a_command_that_is_not_there_is_no(tmp_path: Path) -> None:
    answer = await check(str(tmp_path / "nowhere")).settle()
    assert isinstance(answer, Wait)
    assert "cannot be started: No such file" in answer.reason
