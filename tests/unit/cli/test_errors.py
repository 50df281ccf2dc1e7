"""How errors end: what stderr says and which code the shell sees."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import click
import pytest

from blueshift.cli import main as cli
from blueshift.cli.errors import LONGEST, ExitCode, explain
from blueshift.cli.lazy import Lazy
from blueshift.errors import BlueshiftError, Errors

WRONG: list[BaseException] = []


@click.command()
def raises() -> int:
    """Raise what the test put there."""
    raise WRONG[-1]


@click.command()
def holds() -> int:
    """End in a standstill."""
    return ExitCode.HOLDING


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "raises", Lazy(f"{__name__}:raises", ""))
    monkeypatch.setitem(cli.COMMANDS, "holds", Lazy(f"{__name__}:holds", ""))


def test_an_error_says_place_message_and_hint() -> None:
    error = BlueshiftError("unknown key `tll`", hint="did you mean `ttl`?", place="blueshift.yaml:4:3")
    assert explain(error) == "error: blueshift.yaml:4:3: unknown key `tll`\nhint: did you mean `ttl`?"


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        (
            ["chek"],
            "blueshift: no such command 'chek'. Did you mean 'check'?",
            "`blueshift --help` says more; usage:",
        ),
        (
            ["resume"],
            "blueshift resume: missing argument 'RUN'",
            "`blueshift status` lists the runs; usage: blueshift",
        ),
        (
            ["approve", "r"],
            "blueshift approve: missing argument 'GATE'",
            "`blueshift status RUN` names the gate",
        ),
        (
            ["check", "-o", "yaml"],
            "blueshift check: invalid value for '--output' / '-o': 'yaml' is not one of",
            "`blueshift check --help` says more; usage: blueshift check [OPTIONS]",
        ),
        (
            ["completion"],
            "missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish",
            "`blueshift completion",
        ),
    ],
)
def test_a_line_that_is_not_taken_names_the_next_one(
    line: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(line) == ExitCode.ERROR
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith(f"hint: {hint}")


def test_all_errors_of_one_input_are_shown() -> None:
    errors = Errors([BlueshiftError("one", hint="a"), BlueshiftError("two", place="f:1:1")])
    assert explain(errors).splitlines() == ["error: one", "  f:1:1: two", "hint: a"]


def test_errors_out_of_a_task_group_are_told_together() -> None:
    group = ExceptionGroup("unhandled", [BlueshiftError("one"), ExceptionGroup("", [BlueshiftError("two")])])
    assert explain(group).splitlines() == ["error: one", "  two"]


def test_a_long_message_is_cut() -> None:
    told = explain(BlueshiftError("\n".join(f"line {n}" for n in range(40)), hint="mend it")).splitlines()
    assert len(told) == LONGEST + 1 <= 5
    assert told[0] == "error: line 0"
    assert "37 more" in told[3]


def test_many_errors_do_not_push_the_first_off_the_screen() -> None:
    told = explain(Errors([BlueshiftError(f"fault {n}", hint="mend it") for n in range(40)])).splitlines()
    assert told == [
        "error: fault 0",
        "  fault 1",
        "  fault 2",
        "  … 37 more (`blueshift --debug …` shows all)",
        "hint: mend it",
    ]


def test_a_terminals_control_characters_are_not_passed_on() -> None:
    assert explain(BlueshiftError("no \x1b[2J name")) == "error: no \N{REPLACEMENT CHARACTER}[2J name"


def test_a_fault_of_our_own_is_called_one() -> None:
    assert "fault in Blueshift" in explain(KeyError("x"))


def test_codes(capsys: pytest.CaptureFixture[str]) -> None:
    WRONG.append(BlueshiftError("no such release", hint="`helm list -A` shows them"))
    assert cli.run(["raises"]) == ExitCode.ERROR
    captured = capsys.readouterr()
    assert captured.err == "error: no such release\nhint: `helm list -A` shows them\n"
    assert captured.out == ""
    assert cli.run(["holds"]) == 5
    assert cli.run(["--version"]) == 0


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["no-such-command"], ["completion", "tcsh"], []])
def test_usage_errors_do_not_look_like_pending_changes(arguments: list[str]) -> None:
    assert cli.run(arguments) == ExitCode.ERROR


def test_an_option_without_its_value_has_a_hint_too(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["watch", "--host"])
    told, hint = capsys.readouterr().err.splitlines()
    assert told == "error: option '--host' requires an argument"
    assert hint == "hint: the same command with `--help` says more"


def test_the_command_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run([])
    assert "Zero-downtime upgrades" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(error: BaseException) -> None:
    WRONG.append(error)
    assert cli.run(["raises"]) == ExitCode.INTERRUPTED


def test_debug_shows_the_traceback() -> None:
    WRONG.append(BlueshiftError("x"))
    with pytest.raises(BlueshiftError):
        cli.run(["--debug", "raises"])


def test_a_cancelled_coroutine_is_no_blueshift_error() -> None:
    WRONG.append(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        cli.run(["raises"])


@pytest.mark.parametrize(
    ("to", "says"), [("/dev/full", "cannot be written: No space left on device"), ("&-", "")]
)
def test_output_that_goes_nowhere_is_no_fault(to: str, says: str) -> None:
    code = "from blueshift.cli.main import main; import sys; sys.argv[1:] = ['completion', 'zsh']; main()"
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" >{to}', sys.executable, code], capture_output=True, text=True
    )
    assert "fault" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert says in ended.stderr
    assert ended.returncode == (ExitCode.ERROR if says else ExitCode.DONE)


def test_a_reader_that_goes_away_is_quiet() -> None:
    code = "import sys; from blueshift.cli import main as cli; sys.exit(cli.run(['completion', 'zsh']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=20) == ExitCode.ERROR
    assert process.stderr.read() == ""
    process.stderr.close()
