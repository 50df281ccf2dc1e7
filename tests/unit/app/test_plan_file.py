"""A plan file of another version is read, or refused with the reason; an edited one is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app import offline, plans
from blueshift.app.configuration import from_file, playbook
from blueshift.app.inputs import Frozen
from blueshift.errors import BlueshiftError
from blueshift.preflight.waivers import NONE
from tests.unit.app.worlds import world

SETTINGS = """\
release: {name: demo, namespace: ingress}
dns:
  settings: {server: ns1.lab.test, key: {file: update.key}}
"""
Written = Callable[[Callable[[Any], object]], Path]


@pytest.fixture
def frozen(tmp_path: Path) -> Frozen:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    config = from_file(tmp_path / "blueshift.yaml")
    return offline.freeze(world(2), config, playbook(config), NONE)


@pytest.fixture
def written(frozen: Frozen, tmp_path: Path) -> Written:
    """The plan's file as a version would have written it that knows what `change` changes."""

    def write(change: Callable[[Any], object]) -> Path:
        path = tmp_path / "plan.json"
        plans.save(frozen, path)
        file = msgspec.json.decode(path.read_bytes())
        change(file["frozen"])
        file["seal"] = plans.seal(file["frozen"])
        path.write_bytes(msgspec.json.encode(file))
        return path

    return write


def plain(frozen: Frozen) -> object:
    """As JSON has it: settings lose what tells a tuple from a list."""
    return msgspec.json.decode(msgspec.json.encode(frozen))


def test_a_file_gives_back_what_was_frozen(frozen: Frozen, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plans.save(frozen, path)
    assert plain(plans.load(path)) == plain(frozen)


def test_an_older_file_has_not_what_came_later(frozen: Frozen, written: Written) -> None:
    def older(content: Any) -> None:
        del content["waivers"], content["world"]["prepared"]

    assert plain(plans.load(written(older))) == plain(frozen)


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        (lambda content: content.update(tomorrow=1), "frozen.tomorrow"),
        (lambda content: content["world"]["names"][1].update(weight=10), "frozen.world.names.1.weight"),
    ],
)
def test_what_a_newer_file_asks_is_not_left_out(
    written: Written, change: Callable[[Any], object], unknown: str
) -> None:
    with pytest.raises(BlueshiftError, match="a newer Blueshift made this plan") as caught:
        plans.load(written(change))
    assert caught.value.message.endswith(f"does not know {unknown}")
    assert "plan again" in (caught.value.hint or "")


def test_an_edited_file_is_told_from_one_of_another_version(written: Written) -> None:
    path = written(lambda content: None)
    file = msgspec.json.decode(path.read_bytes())
    file["frozen"]["world"]["release"]["name"] = "other"
    path.write_bytes(msgspec.json.encode(file))
    with pytest.raises(BlueshiftError, match="the plan was edited after it was made"):
        plans.load(path)


@pytest.mark.parametrize(("schema", "which"), [(1, "an older"), (plans.FILE_SCHEMA + 1, "a newer")])
def test_another_schema_is_refused_as_such(written: Written, schema: int, which: str) -> None:
    path = written(lambda content: None)
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | {"schema": schema}))
    with pytest.raises(BlueshiftError, match=rf"{which} Blueshift made this plan \(schema {schema};"):
        plans.load(path)
