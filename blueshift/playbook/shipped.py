"""The playbooks that ship with Blueshift, and those of the user by path."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import blueshift
from blueshift.playbook.reader import Source, read_file
from blueshift.playbook.tree import Place, invalid, suggestion

_SUFFIX = ".yaml"


def _folder() -> Traversable:
    """In a wheel inside the package; in a source checkout beside it."""
    packaged = resources.files(blueshift) / "_shipped" / "playbooks"
    if packaged.is_dir():
        return packaged
    return Path(blueshift.__file__).parent.parent / "playbooks"


def names() -> tuple[str, ...]:
    """Return the names of the playbooks that ship."""
    files = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def find(name_or_path: str) -> Source:
    """Read a playbook: by path if it has a slash or ends in .yaml or .yml, else by name. Raises Invalid."""
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return read_file(name_or_path)
    shipped = names()
    if name_or_path not in shipped:
        raise invalid(
            Place("playbook"),
            f"there is no playbook {name_or_path!r} {suggestion(name_or_path, shipped)}",
            hint=f"for a file of your own, give its path: ./{name_or_path}.yaml",
        )
    file = _folder() / f"{name_or_path}{_SUFFIX}"
    return Source(file.read_text(encoding="utf-8"), f"playbooks/{name_or_path}{_SUFFIX}")
