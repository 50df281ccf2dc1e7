"""`history` after runs of the real command: what was, who did it, how it ended, and no secret in it."""

from __future__ import annotations

import json
from typing import Any

from blueshift.lab.charts import chart
from tests.contract.app.front import NAMESPACE, RELEASE, Front
from tests.contract.dns.bind import SECRET

STATE = ("--state-namespace", "remembered")
"""Of this test's own: other tests leave runs too."""


def test_history_after_a_run_that_was_done_and_one_that_was_taken_back(front: Front) -> None:
    none = front.blueshift("history", *STATE)
    assert (none.returncode, none.stdout) == (0, "")
    assert "no run is known in the namespace remembered" in none.stderr

    front.settings(chart={"path": str(chart("4.12.1"))}, cluster={"state_namespace": "remembered"})
    looked = front.blueshift("upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot"))
    assert looked.returncode == 0, looked.stderr
    whole = front.playbook("preflight", "snapshot", "harden", "upgrade")
    back = front.blueshift("upgrade", "--yes", "--playbook", whole, "--on-failure", "rollback")
    assert back.returncode == 4, back.stderr

    told: list[dict[str, Any]] = json.loads(front.blueshift("history", *STATE, "-o", "json").stdout)
    assert [(run["run"], run["status"]) for run in told] == [
        (front.run_in(back.stderr), "rolled-back"),
        (front.run_in(looked.stderr), "succeeded"),
    ]
    assert [run["chart"]["after"] for run in told] == ["4.12.1", "4.11.3"], "without an upgrade nothing rises"
    for run in told:
        assert (run["namespace"], run["release"], run["chart"]["before"]) == (NAMESPACE, RELEASE, "4.11.3")
        assert run["opened"] <= run["ended"]
        assert "@" in run["by"]
        assert ":" not in run["by"]

    table = front.blueshift("history", *STATE, "--release", f"{NAMESPACE}/{RELEASE}", "--last", "1")
    header, row = table.stdout.splitlines()
    assert header.split()[0] == "RUN"
    assert row.startswith(told[0]["run"])
    assert "4.11.3 → 4.12.1" in row
    assert SECRET not in json.dumps(told) + table.stdout

    other = front.blueshift("history", *STATE, "--release", f"elsewhere/{RELEASE}", "-o", "json")
    assert json.loads(other.stdout) == []
