"""Several processes and one run: who is refused, who takes over, and what becomes of the one that slept."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.engine.lease import DURATION
from tests.contract.app.front import LOWERS, Front


def test_a_run_is_taken_from_processes_that_live_and_that_sleep(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", LOWERS)
    with front.waiting("upgrade", "--yes", "--playbook", playbook) as first:
        run = first.run
        refused = front.blueshift("resume", run)
        assert refused.returncode == 1
        assert f":{first.process.pid}:" in refused.stderr, "the holder is not named"
        assert f"`blueshift takeover {run}`" in refused.stderr

        # Another state namespace knows nothing of the run, and meets it at the one Lease all the same.
        refused = front.blueshift(
            "upgrade", "--yes", "--playbook", playbook, "--state-namespace", "elsewhere"
        )
        assert refused.returncode == 1, refused.stderr
        assert f"`blueshift status {run} --state-namespace blueshift`" in refused.stderr

        # Asleep for longer than its lease lasts, it is taken over by a plain resume.
        os.kill(first.process.pid, signal.SIGSTOP)
        with front.waiting("resume", run, within=DURATION + 30) as second:
            assert "is carried on (epoch 2)" in second.said
            before = _journal(front, run), front.bind_serial()
            os.kill(first.process.pid, signal.SIGCONT)
            assert first.ended() == 1
            assert f"error: run {run} was taken over by" in first.said
            assert f":{second.process.pid}:" in first.said
            assert f"hint: `blueshift status {run}`" in first.said
            assert "Traceback" not in first.said
            assert (_journal(front, run), front.bind_serial()) == before, "the woken process did something"

            # Alive and renewing, it is taken over by command.
            with front.waiting("takeover", run, "--yes", "--reason", "stuck", within=15) as third:
                assert "is carried on (epoch 3)" in third.said
                assert second.ended() == 1
                assert "was taken over by" in second.said
                third.process.send_signal(signal.SIGTERM)
                assert third.ended() == 130

    carried = _journal(front, run)["carried"]
    pids = [one["by"].split(":")[1] for one in carried]
    assert pids == [str(it.process.pid) for it in (first, second, third)]
    assert [one.get("over", "") for one in carried] == ["", carried[0]["by"], carried[1]["by"]]
    assert [one.get("reason", "") for one in carried] == ["", "", "stuck"]

    late = front.blueshift("takeover", run, "--yes")
    assert late.returncode == 1
    assert f"nobody carries run {run}" in late.stderr
    assert f"`blueshift resume {run}`" in late.stderr
    # Interrupted and not over: the Lease still speaks of it to whoever looks from another state namespace.
    refused = front.blueshift("upgrade", "--yes", "--playbook", playbook, "--state-namespace", "elsewhere")
    assert refused.returncode == 1
    assert f"run {run} of front is not over" in refused.stderr
    assert f"`blueshift resume {run} --state-namespace blueshift`" in refused.stderr
    assert front.blueshift("rollback", run, "--yes").returncode == 4


async def test_a_run_of_another_cluster_is_refused(front: Front) -> None:
    front.settings()
    done = front.blueshift(
        "upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot", "harden")
    )
    run = front.run_in(done.stderr)
    kube = await KubeApi.connect(SystemClock(), kubeconfig=front.server.kubeconfig)
    try:
        path = paths.core("configmaps", "blueshift", f"blueshift-run-{run}")
        text = (await kube.get(path))["data"]["journal.json"]
        own = json.loads(text)["cluster"]
        await kube.patch(path, {"data": {"journal.json": text.replace(own, "the-other-cluster")}})
        before = await front.state()
        for command in ("resume", "rollback", "takeover"):
            refused = front.blueshift(command, run, *(() if command == "resume" else ("--yes",)))
            assert refused.returncode == 1, refused.stderr
            assert f"run {run} belongs to the cluster the-other-cluster" in refused.stderr
        assert await front.state() == before
        await kube.patch(path, {"data": {"journal.json": text}})
    finally:
        await kube.close()
    assert front.blueshift("rollback", run, "--yes").returncode == 4


def _journal(front: Front, run: str) -> dict[str, Any]:
    journal: dict[str, Any] = json.loads(front.blueshift("show", run, "-o", "json").stdout)
    return journal
