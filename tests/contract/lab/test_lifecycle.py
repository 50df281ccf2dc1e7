"""A lab comes up whole, stays as it is, and goes without a trace, however it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError
from blueshift.lab import identity, lifecycle, processes
from blueshift.lab.paths import Lab
from tests.contract.lab import traces
from tests.contract.lab.command import BLUESHIFT, blueshift, inside
from tests.contract.lab.conftest import quiet

pytestmark = pytest.mark.lab

POD = """
apiVersion: v1
kind: Pod
metadata: {name: idle}
spec:
  containers: [{name: idle, image: "localhost/blueshift-pause:1", imagePullPolicy: Never}]
"""


def up(lab: Lab, tools: Path) -> None:
    asyncio.run(lifecycle.up(lab, tools=tools, say=quiet))


def run_a_pod(lab: Lab) -> str:
    """The addresses of a pod that runs."""
    made = inside(lab.name, "kubectl", "apply", "-f", "-", input=POD)
    assert made.returncode == 0, made.stderr
    waited = inside(lab.name, "kubectl", "wait", "--for=condition=Ready", "pod/idle", "--timeout=30s")
    assert waited.returncode == 0, waited.stderr
    return inside(lab.name, "kubectl", "get", "pod", "idle", "-o", "jsonpath={.status.podIPs[*].ip}").stdout


def test_a_lab_with_a_running_pod_leaves_nothing(named: Callable[[str], Lab], tools: Path) -> None:
    lab = named("whole")
    before = traces.of_machine()
    idle = os.getloadavg()[0] < 1
    began = time.monotonic()
    up(lab, tools)
    took = time.monotonic() - began
    addresses = run_a_pod(lab).split()
    assert [address[:7] for address in addresses] == ["198.18.", "2001:2:"]
    namespace = traces.pid_namespace(lab)
    assert len(traces.processes_in(namespace)) > 10
    # What the check below looks at is really there while the lab is up.
    assert len(traces.of_lab(lab)) > 5
    # What serves is not weighed as one process beside each of the control plane.
    assert traces.weight_of_containers() > 4

    assert asyncio.run(lifecycle.down(lab)) is True

    assert traces.processes_in(namespace) == []
    assert traces.of_lab(lab) == []
    assert traces.of_machine() == before
    assert asyncio.run(lifecycle.down(lab)) is False
    if idle:
        assert took < 10, "promised for a machine that does nothing else"


def test_a_second_up_changes_nothing(named: Callable[[str], Lab], tools: Path) -> None:
    lab = named("twice")
    up(lab, tools)
    before, token = processes.known(lab), lab.kubeconfig.read_text()
    said = blueshift("lab", "up", "--name", lab.name)
    assert said.returncode == 0
    assert "already up" in said.stderr
    assert processes.known(lab) == before
    assert lab.kubeconfig.read_text() == token
    assert lab.kubeconfig.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("victim", ["init", "containerd", "apiserver"])
def test_down_after_a_crash_leaves_nothing(named: Callable[[str], Lab], tools: Path, victim: str) -> None:
    lab = named(f"crash-{victim}")
    up(lab, tools)
    run_a_pod(lab)
    namespace = traces.pid_namespace(lab)
    assert processes.kill(processes.record(lab, victim), signal.SIGKILL)
    _until(lambda: lifecycle.status(lab).state != "up")
    asyncio.run(lifecycle.down(lab))
    assert traces.processes_in(namespace) == []
    assert traces.of_lab(lab) == []


def test_up_refuses_a_lab_of_which_a_part_is_gone_and_says_which(
    named: Callable[[str], Lab], tools: Path
) -> None:
    lab = named("broken")
    up(lab, tools)
    processes.kill(processes.record(lab, "scheduler"))
    _until(lambda: lifecycle.status(lab).state == "broken")
    with pytest.raises(BlueshiftError, match="scheduler") as caught:
        up(lab, tools)
    assert f"lab down --name {lab.name}" in str(caught.value.hint)


def test_up_starts_anew_after_everything_died(named: Callable[[str], Lab], tools: Path) -> None:
    lab = named("reboot")
    up(lab, tools)
    # As after a reboot: no process, and a namespace's handle that is a plain file or stale.
    processes.kill(processes.record(lab, processes.INIT))
    _until(lambda: not any(processes.known(lab).values()))
    up(lab, tools)
    assert lifecycle.status(lab).node_ready


@pytest.mark.parametrize("after", [0.5, 1.5, 3.0])
def test_an_up_that_is_killed_is_cleared_away(named: Callable[[str], Lab], tools: Path, after: float) -> None:
    lab = named(f"killed-{int(after * 10)}")
    starting = subprocess.Popen([BLUESHIFT, "lab", "up", "--name", lab.name], stderr=subprocess.DEVNULL)
    time.sleep(after)
    starting.kill()
    starting.wait()
    # A launcher may be on its way still: it writes its record before it becomes anything.
    time.sleep(0.3)
    namespace = traces.pid_namespace(lab) if identity.running(processes.record(lab, "init")) else ""
    asyncio.run(lifecycle.down(lab))
    assert not namespace or traces.processes_in(namespace) == []
    assert traces.of_lab(lab) == []


def test_labs_live_side_by_side(named: Callable[[str], Lab], tools: Path) -> None:
    one, other = named("one"), named("other")
    up(one, tools)
    up(other, tools)
    assert one.kubeconfig.read_text() != other.kubeconfig.read_text()
    uids = {
        lab.name: inside(lab.name, "kubectl", "get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}")
        for lab in (one, other)
    }
    assert uids[one.name].stdout != uids[other.name].stdout
    asyncio.run(lifecycle.down(one))
    assert lifecycle.status(other).node_ready


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)
