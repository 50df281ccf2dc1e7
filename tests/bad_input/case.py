"""A broken input: what is wrong, the command that reads it, and what it must say."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from blueshift.app import plans

FOLDER = Path(__file__).parent / "cases"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a file is made that plain text cannot say, or that would be too big to keep."""

    text: str = ""
    base64: str = ""
    before: str = ""
    repeat: str = ""
    """Text or bytes, so many times, between `before` and `text`."""
    times: int = 0
    edit: dict[str, Any] = {}
    """Dotted path → value, in the good JSON file of that name; None takes a key away."""
    seal: bool = False
    """Give an edited plan file its right hash, as another version's own would have."""
    mode: str = ""
    """Octal."""
    link: str = ""
    folder: bool = False
    pipe: bool = False


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the API server says."""

    status: int = 200
    body: str = ""
    journal: dict[str, Any] = {}
    """Instead of `body`: one run's ConfigMap, and a list of it, with this over a good journal."""
    headers: dict[str, str] = {}
    raw: str = ""
    """The whole answer, instead of HTTP."""
    endless: bool = False


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    what: str
    run: list[str]
    says: list[str]
    """Words of the one error: its place, and what helps."""
    exit: int = 1
    files: dict[str, str | File] = {}
    answers: dict[str, Answer] = {}
    """By a part of the path; `/` for all."""
    environment: dict[str, str] = {}
    tls: Literal["", "other-name", "other-authority"] = ""
    """The API server's certificate, where it is not the one that the kubeconfig means."""


def cases() -> dict[str, Case]:
    """Every case by the name of its file."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {file.stem: msgspec.yaml.decode(file.read_bytes(), type=Case) for file in files}


def lay(folder: Path, files: dict[str, str | File]) -> None:
    """Lay a case's files over the good ones."""
    for name, made in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _lay(path, made if isinstance(made, File) else File(text=made))


def _lay(path: Path, made: File) -> None:
    if made.edit:
        path.write_bytes(_edited(path.read_bytes(), made))
    else:
        path.unlink(missing_ok=True)
        if made.folder:
            path.mkdir()
        elif made.pipe:
            os.mkfifo(path)
        elif made.link:
            path.symlink_to(made.link)
        else:
            path.write_bytes(_content(made))
    if made.mode:
        path.chmod(int(made.mode, 8))


def _content(made: File) -> bytes:
    repeated = (made.before + made.repeat * made.times).encode()
    return repeated + base64.b64decode(made.base64) + made.text.encode()


def _edited(text: bytes, made: File) -> bytes:
    content = msgspec.json.decode(text)
    for path, value in made.edit.items():
        *parts, last = path.split(".")
        inner = content
        for part in parts:
            inner = inner[int(part) if isinstance(inner, list) else part]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    if made.seal:
        content["seal"] = plans.seal(content["frozen"])
    return msgspec.json.encode(content)
