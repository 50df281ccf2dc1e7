"""`blueshift --help` imports nothing heavy and starts quickly; every command in the tables is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from blueshift.cli.lazy import LazyGroup
from blueshift.cli.main import COMMANDS, root

HEAVY = (
    "kubernetes",
    "pydantic",
    "aiohttp",
    "pyhelm3",
    "dns",
    "jinja2",
    "rich",
    "msgspec",
    "asyncio",
    "yaml",
)
# The bound. With click alone it is some 4, so what `cli.main` adds has to stay small.
MOST_STARTS = 5.0


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from blueshift.cli.main import run; run(sys.argv[1:]); "
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in done.stdout


def processor_seconds(code: str) -> float:
    """What a start costs by itself: on a busy machine the time on the wall is its neighbours'."""
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ, file_actions=[nowhere])
    _, status, used = os.wait4(pid, 0)
    assert status == 0
    return used.ru_utime + used.ru_stime


def test_help_takes_no_more_than_five_bare_starts_of_python() -> None:
    helps = "import sys; sys.argv = ['blueshift', '--help']; from blueshift.cli.main import main; main()"
    times = [(processor_seconds("pass"), processor_seconds(helps)) for _ in range(15)]
    bare, helped = (min(column) for column in zip(*times, strict=True))
    assert helped <= MOST_STARTS * bare, f"{helped * 1000:.0f} ms against {bare * 1000:.0f} ms"


def test_every_command_is_there_and_teaches() -> None:
    found = dict(commands(root))
    assert set(COMMANDS) == {path[0] for path in found}
    for path, command in found.items():
        done = CliRunner().invoke(root, [*path, "--help"])
        assert done.exit_code == 0, f"{path}: {done.output}"
        assert command.help
        assert len(command.help.split()) >= 8, f"`{' '.join(path)} --help` says too little"
        options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
        assert [one.name for one in options if not one.help] == [], f"{path}: options without a word"


def test_every_line_of_help_fits_a_terminal() -> None:
    for path, _ in commands(root):
        for line in CliRunner().invoke(root, [*path, "--help"]).output.splitlines():
            assert len(line) <= 110, f"{path}: {line}"


def test_a_mistyped_command_is_told_the_nearest() -> None:
    done = CliRunner().invoke(root, ["stauts"])
    assert "Did you mean" in done.output
    assert "status" in done.output


def test_a_group_imports_only_the_command_that_is_asked_for() -> None:
    group = LazyGroup(name="g", table={**COMMANDS})
    group.table = {"broken": COMMANDS["plan"]._replace(target="blueshift.cli.nowhere:x"), **COMMANDS}
    assert isinstance(group.get_command(click.Context(group), "completion"), click.Command)
    with pytest.raises(ModuleNotFoundError):
        group.get_command(click.Context(group), "broken")
