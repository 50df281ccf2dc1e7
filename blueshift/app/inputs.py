"""The write-once data of a run: all that a resume elsewhere needs beside the journal and a key.

World and playbook as they were frozen, the target's chart as an archive, the target's values. Values may
hold what users put there, which is why all of it lives in a Secret.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import msgspec

from blueshift.app.kinds import settings_types
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import extract
from blueshift.playbook.hooks import Hook
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.preflight.waivers import NONE, Waivers


class FrozenStep(msgspec.Struct, frozen=True):
    """A step with its settings as plain data."""

    kind: str
    id: str
    settings: dict[str, Any]


class Frozen(msgspec.Struct, frozen=True):
    """Everything that was decided when the run was opened."""

    world: World
    playbook: str
    steps: tuple[FrozenStep, ...]
    config: dict[str, Any]
    """DNS settings and names of the configuration, without any secret; paths absolute."""
    profile: str
    hooks: tuple[Hook, ...] = ()
    waivers: Waivers = NONE


def write(frozen: Frozen, chart: Path, values: dict[str, Any]) -> dict[str, bytes]:
    """The inputs as the files of a Secret; `chart` is the target's folder, `values` its merged values."""
    return {
        "frozen.json": msgspec.json.encode(frozen),
        "chart.tar": pack(chart),
        "target-values.json": msgspec.json.encode(values),
    }


def read(data: dict[str, bytes]) -> Frozen:
    """What was frozen. Raises BlueshiftError when it is not there or not readable."""
    try:
        return msgspec.json.decode(data["frozen.json"], type=Frozen)
    except (KeyError, msgspec.MsgspecError) as error:
        raise BlueshiftError(f"the inputs of this run cannot be read: {error}") from error


def read_target(data: dict[str, bytes], folder: Path) -> tuple[Path, dict[str, Any]]:
    """The target's chart, written into `folder`, and its values."""
    return unpack(data["chart.tar"], folder), msgspec.json.decode(data["target-values.json"])


def freeze_steps(playbook: Playbook) -> tuple[FrozenStep, ...]:
    """The playbook's steps as plain data."""
    return tuple(
        FrozenStep(entry.kind, entry.id, msgspec.to_builtins(entry.settings)) for entry in playbook.steps
    )


def thaw_steps(frozen: Frozen) -> Playbook:
    """The same playbook again."""
    types = settings_types()
    entries = tuple(
        StepEntry(step.kind, step.id, msgspec.convert(step.settings, types[step.kind]), "the run's inputs")
        for step in frozen.steps
    )
    return Playbook(frozen.playbook, "", entries, frozen.hooks)


def pack(folder: Path) -> bytes:
    """A chart's folder as a tar with nothing of this machine in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = tarfile.TarInfo(str(path.relative_to(folder)))
                info.size = path.stat().st_size
                with path.open("rb") as source:
                    archive.addfile(info, source)
    return out.getvalue()


def unpack(data: bytes, folder: Path) -> Path:
    """Write a packed chart into `folder`. Raises BlueshiftError for one that would write elsewhere."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            extract(archive, folder)
    except tarfile.TarError as error:
        raise BlueshiftError(f"the run's copy of the chart cannot be unpacked: {error}") from error
    return folder
