"""A playbook for connections that outlive every TTL: each side is quiesced before its drain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from blueshift.lab.demo.world import World
from blueshift.playbook.shipped import find


def quiet_playbook(world: World) -> Path:
    """Write the shipped one with a quiesce before each drain into the world's folder. The file."""
    whole: dict[str, Any] = yaml.safe_load(find("blue-green").text)
    steps: list[Any] = []
    for step in whole["steps"]:
        if isinstance(step, dict) and (drain := step.get("drain")):
            side = drain["side"]
            steps.append({"quiesce": {"id": f"quiesce-{side}", "side": side}})
        steps.append(step)
    path = world.folder / "quiet.yaml"
    path.write_text(yaml.safe_dump({**whole, "name": "quiet", "steps": steps}, sort_keys=False))
    return path
