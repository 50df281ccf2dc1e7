"""Builds are found again by what went into them, and never half-made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blueshift.errors import BlueshiftError
from blueshift.lab import build, cache, golang
from tests.fakes import ManualClock

FAKE_GO = """#!{python}
import os, pathlib, sys
command = sys.argv[1]
if command == "env":
    print("go{version}")
elif command == "list":
    print("\\n".join(f"package{{n}}" for n in range(4)))
elif command == "install":
    for n in range(4):
        print(f"package{{n}}", file=sys.stderr)
    with open(os.environ["CALLS"], "a") as calls:
        print(" ".join(sys.argv), file=calls)
    if os.environ.get("BREAK"):
        pathlib.Path(os.environ["GOBIN"], "nginx").touch()
        sys.exit("compile: out of luck")
    for name in ("nginx", "dbg", "waitshutdown"):
        pathlib.Path(os.environ["GOBIN"], name).touch()
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that only pretends, and the file of its calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    go = folder / "go"
    go.write_text(FAKE_GO.format(python=sys.executable, version="1.26.8"))
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def quiet(_: object) -> None:
    """Nobody listens."""


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def controller(release: str, progress: Any = quiet) -> Path:
    return await build.controller_tools(release, quiet, progress, ManualClock())


async def test_the_same_inputs_are_built_once_and_another_release_apart(calls: Path) -> None:
    first = await controller("v1.11.3")
    assert sorted(path.name for path in first.iterdir()) == ["dbg", "nginx", "waitshutdown"]
    assert await controller("v1.11.3") == first
    assert await controller("v1.15.1") != first
    made = lines(calls)
    assert len(made) == 2
    assert "k8s.io/ingress-nginx/version.RELEASE=v1.11.3" in made[0]


async def test_a_build_that_fails_leaves_nothing_that_looks_built(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAK", "1")
    with pytest.raises(BlueshiftError, match="out of luck"):
        await controller("v1.11.3")
    tools = calls.parent / "cache" / "blueshift" / "tools"
    assert [path.name for path in tools.iterdir() if not path.name.startswith(".")] == []
    monkeypatch.delenv("BREAK")
    assert len(list((await controller("v1.11.3")).iterdir())) == 3


async def test_progress_says_which_of_how_many(calls: Path) -> None:
    told: list[build.Progress] = []
    await controller("v1.11.3", told.append)
    assert told[0].total == 0, "modules are fetched first"
    assert (told[-1].total, told[-1].of_programs) == (4, 3)
    assert "4 of 4 packages" in str(build.Progress("x", 4, 4, 1, 3, 61.0))
    assert "1 of 3 programs linked, 1:01 elapsed" in str(build.Progress("x", 4, 4, 1, 3, 61.0))


@pytest.mark.parametrize("part", range(4))
def test_every_input_changes_the_key(part: int) -> None:
    inputs: list[Any] = [b"mod", b"sum", "flags", "1.26"]
    changed = list(inputs)
    changed[part] = inputs[part] + inputs[part][-1:]
    assert build.key(*inputs) != build.key(*changed)


def test_bytes_do_not_move_between_inputs() -> None:
    assert build.key(b"ab", b"c", "", "") != build.key(b"a", b"bc", "", "")


@pytest.mark.parametrize(("group", "program"), [("kubernetes", "server"), ("controller", "nginx")])
def test_the_go_mod_files_that_ship_name_their_programs_and_a_known_go(group: str, program: str) -> None:
    text = (Path(build.__file__).parent / "go" / group / "go.mod").read_text()
    assert program in build.programs(text)
    line = next(line for line in text.splitlines() if line.startswith("go "))
    major, minor = line.removeprefix("go ").split(".")[:2]
    assert (int(major), int(minor)) <= golang.NEEDED


@pytest.mark.parametrize(("version", "taken"), [("1.26.0", True), ("1.27.1", True), ("1.25.9", False)])
def test_go_on_path_is_taken_if_it_is_new_enough(
    calls: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    go = calls.parent / "bin" / "go"
    go.write_text(FAKE_GO.format(python=sys.executable, version=version))
    chosen = golang.choose(golang.NEEDED)
    assert (chosen.program == go) is taken
    assert chosen.family == (".".join(version.split(".")[:2]) if taken else "1.27")


def test_the_users_own_go_caches_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOCACHE", "/their/cache")
    monkeypatch.delenv("GOMODCACHE", raising=False)
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    found = golang.environment({})
    assert found["GOCACHE"] == "/their/cache"
    assert found["GOMODCACHE"].endswith("blueshift/go/modules")
    assert found["GOTOOLCHAIN"] == "local", "another toolchain would be fetched behind our back"


HOLDER = """
import sys
from blueshift.lab.cache import locked
with locked("thing", print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_maker_says_that_it_waits_and_a_dead_one_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        holder.kill()

    with cache.locked("thing", say):
        assert said == ["another process is making thing: waiting for it"]
    holder.communicate()


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "thing"

    def make(fail: bool) -> None:
        with cache.remade(target) as half:
            assert list(half.iterdir()) == [], "nothing of an earlier try"
            (half / "file").touch()
            assert not target.exists()
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        make(fail=True)
    assert not target.exists()
    make(fail=False)
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]
