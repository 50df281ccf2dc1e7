"""Every exit code that the command may have, from the real command on a real API server and a real BIND.

Whole upgrades that end with 0, and ways back under load that end with 4, are in tests/e2e; here each code is
got as cheaply as it can be.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from blueshift.cli.errors import ExitCode
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.controllers.registry import load as load_profile
from blueshift.helm.charts import read_chart
from blueshift.lab.charts import chart
from blueshift.playbook.window import WindowSettings, opening
from blueshift.steps.revisions import Grace, Revisions
from tests.contract import apiserver as server_of
from tests.contract.apiserver import ApiServer
from tests.contract.app.front import LOWERS, NAMESPACE, VALUES, WORKLOAD, Front, install
from tests.contract.dns.bind import WRITER, Bind

CODES = {0: "DONE", 1: "ERROR", 2: "CHANGES_PENDING", 3: "REFUSED", 4: "ROLLED_BACK", 5: "HOLDING"} | {
    75: "SKIPPED",
    130: "INTERRUPTED",
}


def test_the_codes_are_those_that_runbooks_rely_on() -> None:
    assert {code.value: code.name for code in ExitCode} == CODES


def test_0_a_run_that_is_done(front: Front) -> None:
    front.settings()
    done = front.blueshift("upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot"))
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stderr


def test_1_bad_input_and_an_unknown_option(front: Front) -> None:
    front.settings()
    done = front.blueshift("upgrade", "--yes", "--playbook", "blue-gren")
    assert done.returncode == 1
    assert "blue-green" in done.stderr
    done = front.blueshift("upgrade", "--yess")
    assert done.returncode == 1, "click's own 2 would say that changes are pending"


def test_2_changes_are_pending(front: Front) -> None:
    front.settings()
    assert front.blueshift("plan", "--detailed-exitcode").returncode == 2
    assert front.blueshift("plan").returncode == 0


async def test_3_a_check_failed_and_nothing_was_changed(front: Front) -> None:
    front.settings(key="wrong.key")
    before = await front.state()
    done = front.blueshift("upgrade", "--yes")
    assert done.returncode == 3
    assert "BADSIG" in done.stderr
    assert await front.state() == before


async def test_3_a_plan_that_is_stale(front: Front) -> None:
    front.settings()
    assert front.blueshift("plan", "-o", "plan.json").returncode == 0
    before = await front.state()
    serial = before["serial"]
    try:
        await front.set_ttl("h1", 299)
        done = front.blueshift("upgrade", "--yes", "--plan", "plan.json")
    finally:
        await front.set_ttl("h1", 300)
    assert done.returncode == 3
    assert "the plan is stale" in done.stderr
    assert await front.state() == before | {"serial": serial + 2}, "the two changes are the test's own"


def test_5_a_run_holds_and_4_it_is_taken_back(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "harden")
    done = front.blueshift("upgrade", "--yes", "--playbook", playbook)
    assert done.returncode == 5, done.stderr
    assert "traffic is on primary" in done.stderr
    run = front.run_in(done.stderr)
    assert front.blueshift("resume", run).returncode == 5, "its cause was not mended"
    done = front.blueshift("rollback", run, "--yes")
    assert done.returncode == 4, done.stderr
    done = front.blueshift("resume", run)
    assert done.returncode == 1
    assert "is over" in done.stderr


def test_4_a_job_that_takes_itself_back(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "harden")
    done = front.blueshift("upgrade", "--yes", "--playbook", playbook, "--on-failure", "rollback")
    assert done.returncode == 4, done.stderr


def a_shut_window(now: datetime) -> tuple[str, datetime]:
    """A step whose window is a minute of another day, and when it opens."""
    then = now + timedelta(days=30)
    cron = f"{then.minute} {then.hour} {then.day} {then.month} *"
    found = opening(WindowSettings(cron, 60.0), now)
    assert found is not None
    return f'window: {{cron: "{cron}", lasts: 1m}}', found.opens


async def test_75_its_window_is_shut(front: Front) -> None:
    front.settings()
    window, opens = a_shut_window(SystemClock().utc())
    playbook = front.playbook("preflight", window, "snapshot", "harden")
    before = await front.state()
    # A job outside its time asks nobody: it need not even find the cluster.
    for kubeconfig in ("", str(front.folder / "none")):
        done = front.blueshift("upgrade", "--yes", "--playbook", playbook, kubeconfig=kubeconfig)
        assert (done.returncode, done.stdout) == (75, ""), done.stderr
        assert f"it opens at {opens:%Y-%m-%d %H:%M} UTC; nothing was changed" in done.stderr
    planned = front.blueshift("plan", "--playbook", playbook).stdout
    assert f"an upgrade that is started before {opens:%Y-%m-%d %H:%M} UTC is skipped" in planned
    assert await front.state() == before


@pytest.fixture
def hardened(bind: Bind, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A cluster of its own whose release is as an upgrade would leave it."""
    (tmp_path / "update.key").write_text(WRITER)
    running = read_chart(Path(chart("4.11.3")))
    revisions = Revisions(
        load_profile("ingress-nginx"),
        running=running,
        running_values=VALUES,
        target=running,
        target_values=VALUES,
    )
    with server_of.running(tmp_path_factory.mktemp("hardened")) as server:
        install(server, **revisions.hardened(Grace()).values["controller"])
        asyncio.run(without_prestop(server))
        yield Front(server, bind, tmp_path)


async def without_prestop(server: ApiServer) -> None:
    """Take the hook out of the live object: nothing runs here in which its program could be looked for."""
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    try:
        container = {"name": "controller", "lifecycle": None}
        await kube.patch(
            paths.apis("apps/v1", "deployments", NAMESPACE, WORKLOAD),
            {"spec": {"template": {"spec": {"containers": [container]}}}},
            kind="strategic",
        )
    finally:
        await kube.close()


async def test_75_nothing_is_to_do(hardened: Front) -> None:
    hardened.settings()
    before = await hardened.state()
    done = hardened.blueshift("upgrade", "--yes")
    assert done.returncode == 75, done.stderr
    assert "would change no object of the release; nothing was changed" in done.stderr
    assert hardened.blueshift("plan", "--detailed-exitcode").returncode == 0
    assert await hardened.state() == before


def test_75_a_run_parks_at_its_gate_and_another_process_ends_it(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "gate: {id: look, message: look at the dashboards}")
    done = front.blueshift("upgrade", "--yes", "--park", "--playbook", playbook)
    assert done.returncode == 75, done.stderr
    run = front.run_in(done.stderr)
    assert f"open it with: blueshift approve {run} look" in done.stderr
    assert f"come back when its gate is open:\n    blueshift resume {run} --park" in done.stderr
    assert front.blueshift("resume", run, "--park").returncode == 75, "nobody has opened it"
    done = front.blueshift("approve", run, "look", "--no-wait")
    assert done.returncode == 0, done.stderr
    done = front.blueshift("resume", run, "--park")
    assert done.returncode == 0, done.stderr
    journal = json.loads(front.blueshift("show", run, "-o", "json").stdout)
    assert journal["status"] == "succeeded"
    assert len({one["by"] for one in journal["carried"]}) == 3, "each process under a name of its own"


def test_75_a_run_parks_in_a_long_wait_and_can_be_taken_back(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", LOWERS)
    done = front.blueshift("upgrade", "--yes", "--park", "--playbook", playbook)
    assert done.returncode == 75, done.stderr
    run = front.run_in(done.stderr)
    assert "parked until" in done.stderr
    assert "the old TTL of" in done.stderr
    assert front.blueshift("resume", run, "--park").returncode == 75, "the minimum wait is not skipped"
    assert front.blueshift("rollback", run, "--yes").returncode == 4


def test_130_a_signal(front: Front) -> None:
    front.settings()
    with front.waiting(
        "upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot", LOWERS)
    ) as at:
        at.process.send_signal(signal.SIGINT)
        assert at.ended() == 130
    assert f"carry on: blueshift resume {at.run}" in at.said
    assert front.blueshift("rollback", at.run, "--yes").returncode == 4
