"""The event loop of a command under signals, and the shared options."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

import click
import pytest
from click.testing import CliRunner

from blueshift.cli.main import run
from blueshift.cli.options import cluster_options, config_option, facts_output, run_async, run_output

# As a terminal's own program: only then does it get the terminal's Ctrl-C.
ASKING = """
import asyncio, fcntl, os, signal, sys, termios
from blueshift.cli.options import run_async
from blueshift.cli.output import confirmed
import click
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
stopping = asyncio.Event()

async def work():
    said = confirmed("Go?")
    os.kill(os.getpid(), signal.SIGINT)
    await stopping.wait()
    print(f"{said}, then stopped")

try:
    run_async(work(), stopping)
except click.Abort:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_the_run_to_stop(number: signal.Signals) -> None:
    stopping = asyncio.Event()

    async def work() -> str:
        os.kill(os.getpid(), number)
        await stopping.wait()
        return "finished its effect"

    assert run_async(work(), stopping) == "finished its effect"


def test_the_second_signal_stops_now(capsys: pytest.CaptureFixture[str]) -> None:
    stopping = asyncio.Event()
    reached: list[str] = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stopping.wait()
        reached.append("effect")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        run_async(work(), stopping)
    assert reached == ["effect"]
    assert "once more stops now" in capsys.readouterr().err


def test_a_command_without_a_run_stops_at_once() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        run_async(work())


@pytest.mark.parametrize(("typed", "code", "says"), [(b"\x03", 130, ""), (b"y\n", 0, "True, then stopped")])
def test_ctrl_c_at_a_question_ends_it_and_after_an_answer_stops_the_run(
    typed: bytes, code: int, says: str
) -> None:
    keyboard, terminal = pty.openpty()
    program = [sys.executable, "-c", ASKING]
    with subprocess.Popen(program, stdin=terminal, stdout=PIPE, stderr=PIPE, start_new_session=True) as child:
        os.close(terminal)
        try:
            assert child.stderr is not None
            shown = b""
            while b"[y/N]" not in shown:
                shown += (more := os.read(child.stderr.fileno(), 1000))
                assert more, shown
            out, err = b"", b""
            for _ in range(15):  # a key that comes right before the read is pressed again, as a person would
                os.write(keyboard, typed)
                with suppress(subprocess.TimeoutExpired):
                    out, err = child.communicate(timeout=2)
                    break
        finally:
            child.kill()
            os.close(keyboard)
    assert (child.returncode, out.decode().strip()) == (code, says), err
    assert (b"stopping after" in err) is bool(says)


def test_the_handlers_are_gone_afterwards() -> None:
    async def work() -> int:
        return 1

    before = signal.getsignal(signal.SIGTERM)
    assert run_async(work()) == 1
    assert signal.getsignal(signal.SIGTERM) == before


@click.command()
@cluster_options
@config_option
@facts_output
def facts(**given: object) -> None:
    """Print what was given."""
    click.echo(given)


@click.command()
@run_output
def carry(output: str | None) -> None:
    """Print what was given."""
    click.echo(output)


def test_defaults_and_environment() -> None:
    said = CliRunner().invoke(facts, []).output
    for part in ("'state_namespace': 'blueshift'", "'context': None", "'output': 'table'", "blueshift.yaml"):
        assert part in said
    environment = {"BLUESHIFT_KUBECONFIG": "/k", "BLUESHIFT_CONTEXT": "c", "BLUESHIFT_STATE_NAMESPACE": "s"}
    said = CliRunner().invoke(facts, ["-o", "json", "-f", "f.yaml"], env=environment).output
    given = {"kubeconfig": Path("/k"), "context": "c", "state_namespace": "s", "config": Path("f.yaml")}
    for name, value in given.items():
        assert f"{name!r}: {value!r}" in said


def test_a_run_chooses_its_output_by_itself() -> None:
    assert CliRunner().invoke(carry, []).output == "\n"
    assert CliRunner().invoke(carry, ["--output", "json"]).output == "json\n"
    assert CliRunner().invoke(carry, ["--output", "table"]).exit_code != 0


def test_a_command_of_one_group_takes_no_second_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--group", "internal", "--group", "public"]) == 1
    assert "this command is of one group" in capsys.readouterr().err
