"""`revert` on a real API server and a real BIND: what it refuses, what it plans, and the run that it begins.

No kubelet runs here, so no run can upgrade anything: what a run with an `upgrade` step leaves is made by helm
and written into the journal of a shorter one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueshift.app import inputs
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.engine.store import Runs
from blueshift.helm.charts import read_chart
from blueshift.lab.charts import chart
from tests.contract import apiserver
from tests.contract.app.front import NAMESPACE, RELEASE, VALUES, Front, helm, install
from tests.contract.dns.bind import WRITER, Bind

SINCE = VALUES["controller"] | {"minReadySeconds": 5}
"""What the upgrade has set beside: a revert takes it away."""


@pytest.fixture
def own(bind: Bind, tmp_path: Path) -> Iterator[Front]:
    """A front that may be changed: on an API server of the test's own."""
    (tmp_path / "update.key").write_text(WRITER)
    with apiserver.running(tmp_path) as server:
        install(server)
        yield Front(server, bind, tmp_path)


def test_from_an_upgrade_back_to_what_it_found_and_from_nothing_else(own: Front) -> None:
    settings = own.settings(chart={"path": str(chart("4.12.1"))})
    short = own.playbook("preflight", "snapshot")
    done = own.blueshift("upgrade", "--yes", "--playbook", short)
    assert done.returncode == 0, done.stderr
    run = own.run_in(done.stderr)
    kept = settings.rename(own.folder / "kept.yaml")  # whoever reverts needs but the cluster and the key

    assert "has upgraded nothing" in refused(own, 1, run, "--yes")

    helm(own.server, "upgrade", "4.12.1", {"controller": SINCE})
    asyncio.run(as_if_upgraded(own, run, revision=2))
    before = asyncio.run(own.state())
    asked = own.blueshift("revert", run)
    assert asked.returncode == 1, asked.stderr
    assert "back to ingress-nginx 4.11.3, with the values of then" in asked.stderr
    assert "there is no terminal to ask on" in asked.stderr
    assert f"Plan for {NAMESPACE}/{RELEASE}" in asked.stdout
    assert asyncio.run(own.state()) == before, "asking changed something"

    reverted = own.blueshift("revert", run, "--yes", "--output", "json")
    assert reverted.returncode == 0, reverted.stderr
    assert all(json.loads(line) for line in reverted.stdout.splitlines())
    back = own.run_in(reverted.stderr)
    assert json.loads(own.blueshift("show", back, "-o", "json").stdout)["reverts"] == run
    version, values = asyncio.run(target(own, back))
    assert (version, values) == ("4.11.3", VALUES)
    newest, oldest = json.loads(own.blueshift("history", "-o", "json").stdout)
    assert (newest["run"], newest["reverts"], newest["chart"]["before"]) == (back, run, "4.12.1")
    assert (oldest["run"], oldest["reverts"]) == (run, "")
    assert f"reverts {run}" in own.blueshift("history").stdout

    # A run that is not over comes first, and is no run to revert.
    kept.rename(settings)
    held = own.blueshift("upgrade", "--yes", "--playbook", own.playbook("preflight", "snapshot", "harden"))
    assert held.returncode == 5, held.stderr
    holding = own.run_in(held.stderr)
    assert f"`blueshift rollback {holding}`" in refused(own, 1, holding, "--yes")
    assert f"run {holding} of {RELEASE} is not over" in refused(own, 1, run, "--yes")
    assert own.blueshift("rollback", holding, "--yes").returncode == 4
    assert "was rolled back: there is nothing to revert" in refused(own, 1, holding, "--yes")

    # Somebody upgrades since: that is theirs.
    helm(own.server, "upgrade", "4.12.1", {"controller": SINCE | {"minReadySeconds": 7}})
    said = refused(own, 3, run, "--yes")
    assert f"{NAMESPACE}/{RELEASE} is at revision 3, and run {run} left it at revision 2" in said
    assert f"`helm history {RELEASE} -n {NAMESPACE}`" in said
    assert "there is no run 1124-0000-none" in refused(own, 1, "1124-0000-none")


def refused(own: Front, code: int, *arguments: str) -> str:
    """A revert that is refused with this code and changes nothing; what it said, in one line."""
    before = asyncio.run(own.state())
    done: subprocess.CompletedProcess[str] = own.blueshift("revert", *arguments)
    assert done.returncode == code, done.stderr
    assert asyncio.run(own.state()) == before
    assert "Traceback" not in done.stderr
    assert "hint: " in done.stderr
    return " ".join(done.stderr.split())


async def as_if_upgraded(own: Front, run: str, *, revision: int) -> None:
    """Write into a run's journal what an `upgrade` step would have left there."""
    kube = await KubeApi.connect(SystemClock(), kubeconfig=own.server.kubeconfig)
    try:
        path = paths.core("configmaps", "blueshift", f"blueshift-run-{run}")
        journal: dict[str, Any] = json.loads((await kube.get(path))["data"]["journal.json"])
        journal["facts"]["Upgraded"] = {"revision": revision}
        await kube.patch(path, {"data": {"journal.json": json.dumps(journal)}})
    finally:
        await kube.close()


async def target(own: Front, run: str) -> tuple[str, dict[str, Any]]:
    """Chart version and values that a run was to upgrade to, from its own inputs."""
    clock = SystemClock()
    kube = await KubeApi.connect(clock, kubeconfig=own.server.kubeconfig)
    try:
        data = await Runs(kube, clock, "blueshift").inputs(run)
    finally:
        await kube.close()
    folder, values = inputs.read_target(data, own.folder / f"target-{run}")
    return read_chart(folder).version, values
