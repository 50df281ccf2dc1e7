"""Hooks: programs of the user, by the event that runs them. In a playbook, in blueshift.yaml, in a folder."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

import blueshift
from blueshift.errors import BlueshiftError
from blueshift.masks import masked
from blueshift.playbook.convert import collect
from blueshift.playbook.duration import Seconds
from blueshift.playbook.files import expanded
from blueshift.playbook.tree import Items, Mapping, Node, described, invalid, suggestion

TOLD = (
    "start",
    "running",
    "holding",
    "gate",
    "forgotten-temporary",
    "success",
    "rolled-back",
    "interrupted",
    "failure",
    "end",
)
"""Events that a hook is told of; whatever becomes of the hook, the run goes on."""
EVERY_STEP = ("before-step", "after-step")
TIMEOUT = 60.0
"""Seconds that a hook has unless it says otherwise; then its process group is killed."""

Word = Annotated[str, msgspec.Meta(min_length=1)]


class Hook(msgspec.Struct, frozen=True, omit_defaults=True):
    """One program for one event."""

    on: str
    run: tuple[str, ...]
    """Program and arguments, as they are: no shell."""
    timeout: float = TIMEOUT
    name: str = ""
    folder: str = ""
    """The `--hooks` folder that it came from; empty for one of a file."""


class _Written(msgspec.Struct, frozen=True):
    """A hook as a file says it."""

    on: Word | tuple[Word, ...]
    run: tuple[Word, ...]
    timeout: Seconds = TIMEOUT

    def __post_init__(self) -> None:
        if not self.run:
            raise ValueError("`run` is a program and its arguments: [./warm-up, --fast]")
        if not self.timeout:
            raise ValueError("`timeout` is 0: a hook needs some time")


def events(steps: Iterable[str]) -> tuple[str, ...]:
    """The names of all events of a playbook with these step ids."""
    return (*TOLD, *EVERY_STEP, *(f"{when}-{step}" for step in steps for when in ("before", "after")))


def read(node: Node, steps: Iterable[str], errors: list[BlueshiftError]) -> list[Hook]:
    """The hooks of a file's `hooks:`; faults are added to the list, with their places."""
    if not isinstance(node, Items):
        errors.append(invalid(node.place, f"expected a list of hooks, found {described(node)}"))
        return []
    known = events(steps)
    return [hook for item in node.nodes for hook in _read(item, known, errors)]


def _read(item: Node, known: Sequence[str], errors: list[BlueshiftError]) -> Iterator[Hook]:
    written = collect(item, _Written, errors)
    if written is None:
        return
    assert isinstance(item, Mapping)
    run, on = item.get("run"), item.get("on")
    assert run is not None
    assert on is not None
    program = written.run[0]
    if "/" in program:
        program = str((Path(run.place.folder) / expanded(program)).absolute())
    if located(program) is None:
        errors.append(invalid(run.place, f"there is no program {written.run[0]!r} {_offered(program)}"))
    for word in written.run:
        if "\0" in word:
            errors.append(invalid(run.place, "an argument cannot hold a NUL"))
        if masked(word, {}) != word:
            message = "an argument looks like a secret, and everybody on a machine sees arguments"
            errors.append(invalid(run.place, message, hint="hand it over in an environment variable"))
    for event in (written.on,) if isinstance(written.on, str) else written.on:
        if event not in known:
            errors.append(invalid(on.place, f"no event is called {event!r} {suggestion(event, known)}"))
        name = f"{event}/{Path(program).name}"
        yield Hook(event, (program, *written.run[1:]), written.timeout, name)


def of_folder(folder: Path, steps: Iterable[str]) -> list[Hook]:
    """The hooks `folder/<event>/<program>`, by the names of the programs.

    Raises BlueshiftError for a folder that is not there, or that has unknown events.
    """
    try:
        return list(_of_folder(folder, events(steps)))
    except OSError as error:
        place, why = str(error.filename or folder), f"cannot be read: {error.strerror}"
        raise BlueshiftError(why, place=place, hint="`--hooks` names a folder") from None


def _of_folder(folder: Path, known: Sequence[str]) -> Iterator[Hook]:
    if not folder.is_dir():
        raise BlueshiftError("there is no such folder", place=str(folder), hint="`--hooks` names a folder")
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        if inner.name not in known:
            raise BlueshiftError(
                f"no event is called {inner.name} {suggestion(inner.name, known)}",
                place=str(inner),
                hint=f"events are {', '.join((*TOLD, *EVERY_STEP))}, and before- and after- a step's id",
            )
        for path in programs(inner):
            name = f"{inner.name}/{path.name}"
            yield Hook(inner.name, (str(path.absolute()),), TIMEOUT, name, str(folder))


def programs(folder: Path) -> list[Path]:
    """The executable files of a folder by name; what is hidden or ends in `~` is none.

    Raises BlueshiftError for a script that may not be executed: its owner believes that it runs.
    """
    found = sorted(
        path for path in folder.iterdir() if path.is_file() and path.name[0] != "." and path.name[-1] != "~"
    )
    for path in found:
        if not os.access(path, os.X_OK) and os.access(path, os.R_OK) and _begins(path) == b"#!":
            raise BlueshiftError(
                "this script may not be executed", place=str(path), hint=f"chmod +x {shlex.quote(str(path))}"
            )
    return [path for path in found if os.access(path, os.X_OK)]


def _begins(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(2)


def once(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """Without those whose program (links followed) and arguments an earlier one has for the same event."""
    seen: dict[tuple[str, ...], Hook] = {}
    for hook in hooks:
        seen.setdefault((hook.on, *identity(hook)), hook)
    return tuple(seen.values())


def identity(hook: Hook) -> tuple[str, ...]:
    """What two hooks have in common that do the same: the program, links followed, and the arguments."""
    return (str(Path(located(hook.run[0]) or hook.run[0]).resolve()), *hook.run[1:])


def located(program: str) -> str | None:
    """The file of a program: a path, else one that ships, else one on PATH. None where there is none."""
    if "/" in program:
        return program if Path(program).is_file() and os.access(program, os.X_OK) else None
    if program in shipped():
        return str(_folder() / program)
    return shutil.which(program)


def shipped() -> tuple[str, ...]:
    """The names of the hooks that ship."""
    return tuple(sorted(path.name for path in _folder().iterdir() if path.name[0] not in "._"))


def _folder() -> Path:
    """In a wheel inside the package; in a source checkout beside it."""
    packaged = Path(str(resources.files(blueshift) / "_shipped" / "hooks"))
    return packaged if packaged.is_dir() else Path(blueshift.__file__).parent.parent / "hooks"


def _offered(program: str) -> str:
    return "that can be executed" if "/" in program else suggestion(program, shipped())
