"""A playbook that ends connections early, planned on a real API server by the real helm."""

from __future__ import annotations

import json
from typing import Any

import yaml

from blueshift.cli.errors import ExitCode
from blueshift.lab.charts import chart
from blueshift.playbook.shipped import find
from tests.contract.app.front import NAMESPACE, WORKLOAD, Front


def write(front: Front) -> None:
    """Blue-green with a quiesce of each side before its drain."""
    whole: dict[str, Any] = yaml.safe_load(find("blue-green").text)
    steps: list[Any] = []
    for step in whole["steps"]:
        if isinstance(step, dict) and "drain" in step:
            side = step["drain"]["side"]
            steps.append({"quiesce": {"id": f"quiesce-{side}", "side": side}})
        steps.append(step)
    (front.folder / "quiet.yaml").write_text(yaml.safe_dump({**whole, "name": "quiet", "steps": steps}))


async def test_a_plan_shows_what_ends_connections_on_each_side_and_what_it_cuts(front: Front) -> None:
    write(front)
    front.settings(chart={"path": str(chart("4.12.1"))}, playbook="./quiet.yaml")
    before = await front.state()
    done = front.blueshift("plan", "-o", "json")
    assert done.returncode == ExitCode.DONE, done.stderr
    steps = {step["id"].removeprefix("forward/"): step["plan"] for step in json.loads(done.stdout)["steps"]}
    for side, name in (("primary", f"ConfigMap {NAMESPACE}/{WORKLOAD}"), ("temporary", "ConfigMap")):
        plan = steps[f"quiesce-{side}"]
        changes = {one["what"]: one["difference"] for one in plan["changes"]}
        (settings,) = [diff for what, diff in changes.items() if what.startswith(f"change {name}")]
        assert "+  keep-alive-requests: '1'" in settings
        assert not [what for what in changes if "Deployment" in what or "Service" in what]
        assert "WebSockets are cut after 240 s" in plan["consequences"][0]
    checked = front.blueshift("check", "--only", "helm-quiesce", "-o", "json")
    (finding,) = json.loads(checked.stdout)
    assert (finding["outcome"], checked.returncode) == ("pass", ExitCode.DONE)
    assert "primary and temporary" in finding["sentence"]
    linted = front.blueshift("playbook", "lint", "./quiet.yaml")
    assert linted.returncode == ExitCode.DONE, linted.stderr
    assert await front.state() == before
