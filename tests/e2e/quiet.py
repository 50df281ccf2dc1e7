"""A playbook for connections that outlive every TTL: sides are quiesced before their drains."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from blueshift.lab.demo.world import World
from blueshift.playbook.shipped import find


def quiet_playbook(
    world: World,
    sides: Collection[str] = ("primary", "temporary"),
    *,
    after: Sequence[dict[str, Any]] = (),
    **settings: Any,
) -> Path:
    """Write the shipped one with a quiesce before the drain of each side, and steps `after` that drain, into
    the world's folder; `settings` are the quiesce's. The file."""
    whole: dict[str, Any] = yaml.safe_load(find("blue-green").text)
    steps: list[Any] = []
    for step in whole["steps"]:
        drain = step.get("drain") if isinstance(step, dict) else None
        side = drain["side"] if drain else ""
        if side in sides:
            steps += [{"quiesce": {"id": f"quiesce-{side}", "side": side, **settings}}, step, *after]
        else:
            steps.append(step)
    path = world.folder / "quiet.yaml"
    path.write_text(yaml.safe_dump({**whole, "name": "quiet", "steps": steps}, sort_keys=False))
    return path
