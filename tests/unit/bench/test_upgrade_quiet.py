"""The bench's playbook of its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from blueshift.app.kinds import settings_types
from blueshift.playbook.schema import load
from blueshift.playbook.shipped import find
from tests.bench.upgrade.quiet import quiet_playbook


def test_each_side_is_quiesced_before_its_drain(tmp_path: Path) -> None:
    file = quiet_playbook(cast(Any, SimpleNamespace(folder=tmp_path)))
    ids = [step.id for step in load(find(str(file)), settings_types()).steps]
    for side in ("primary", "temporary"):
        assert ids[ids.index(f"quiesce-{side}") + 1] == f"drain-{side}"
