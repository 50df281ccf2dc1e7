"""The playbook of the bench and of a test."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from blueshift.app.kinds import settings_types
from blueshift.playbook.schema import load
from blueshift.playbook.shipped import find
from tests.e2e.quiet import quiet_playbook


def test_each_side_is_quiesced_before_its_drain(tmp_path: Path) -> None:
    file = quiet_playbook(cast(Any, SimpleNamespace(folder=tmp_path)))
    ids = [step.id for step in load(find(str(file)), settings_types()).steps]
    for side in ("primary", "temporary"):
        assert ids[ids.index(f"quiesce-{side}") + 1] == f"drain-{side}"


def test_one_side_alone_may_be_with_steps_after_its_drain(tmp_path: Path) -> None:
    gate = {"gate": {"id": "look", "message": "well?"}}
    file = quiet_playbook(cast(Any, SimpleNamespace(folder=tmp_path)), ["primary"], after=[gate], factor=20)
    steps = load(find(str(file)), settings_types()).steps
    ids = [step.id for step in steps]
    at = ids.index("quiesce-primary")
    assert ids[at : at + 3] == ["quiesce-primary", "drain-primary", "look"]
    assert "quiesce-temporary" not in ids
    assert steps[at].settings.factor == 20
