"""Helm as a process: it ends when we say so, it shows no secret, a killed one can be cleared up after."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster.api import KubeApi
from blueshift.helm.charts import Chart
from blueshift.helm.client import Helm
from blueshift.helm.command import Command
from blueshift.helm.errors import ReleaseBusy
from blueshift.helm.pending import RevisionIntent, recover, standing
from blueshift.helm.records import ReleaseRecord, latest
from blueshift.helm.values import digest
from tests.contract.apiserver import ApiServer

SLOW = {"slow": True}


def processes(marker: str) -> dict[int, list[str]]:
    """Argument vectors of the processes that have `marker` among their arguments."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if marker in argv:
                found[int(entry.name)] = argv
    return found


async def newest(kube: KubeApi, namespace: str) -> ReleaseRecord:
    record = await latest(kube, namespace, "web")
    assert record is not None
    return record


@pytest.fixture
async def upgrading(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> AsyncIterator[asyncio.Task[None]]:
    """An upgrade to revision 2 that stays pending for a minute, with its record already there."""
    await helm.install("web", namespace, chart, {}, description="")
    task = asyncio.create_task(helm.upgrade("web", namespace, chart, SLOW, description="run 2", timeout=60))
    async with asyncio.timeout(20):
        while (await newest(kube, namespace)).revision != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_cancel_ends_helm_and_frees_the_release(
    upgrading: asyncio.Task[None], helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    assert len(processes(namespace)) == 1
    upgrading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upgrading
    assert processes(namespace) == {}
    record = await newest(kube, namespace)
    assert (record.revision, record.status) == (2, "failed")
    await helm.upgrade("web", namespace, chart, {}, description="")


async def test_nothing_secret_is_among_the_arguments(
    upgrading: asyncio.Task[None], apiserver: ApiServer, namespace: str
) -> None:
    (argv,) = processes(namespace).values()
    assert not [part for part in argv if apiserver.admin in part]
    assert argv[argv.index("--kube-context") + 1] == "contract"


async def test_a_token_goes_by_environment(tmp_path: Path) -> None:
    script = tmp_path / "helm"
    script.write_text('#!/bin/sh\necho "$* $HELM_KUBETOKEN"\n')
    script.chmod(0o755)
    command = Command(SystemClock(), executable=str(script), kubeconfig=None, context=None, token="s3cret")
    assert await command.run(["version"]) == b"version s3cret\n"


async def test_a_killed_helm_leaves_our_pending_revision_which_can_be_recovered(
    upgrading: asyncio.Task[None], helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    now = datetime.now(UTC)
    intent = RevisionIntent(1, digest(SLOW), chart.digest, at=now - timedelta(seconds=20), timeout=60)
    (pid,) = processes(namespace)
    os.kill(pid, signal.SIGKILL)
    await asyncio.gather(upgrading, return_exceptions=True)

    record = await newest(kube, namespace)
    assert (record.revision, record.status) == (2, "pending-upgrade")
    assert standing(record, intent, now) == "in_flight"
    assert standing(record, intent, now + timedelta(seconds=200)) == "dead"
    others = RevisionIntent(1, digest({}), chart.digest, at=intent.at, timeout=60)
    assert standing(record, others, now) == "foreign"
    with pytest.raises(ReleaseBusy):
        await helm.upgrade("web", namespace, chart, {}, description="")

    await recover(kube, record)
    failed = await newest(kube, namespace)
    assert (failed.status, standing(failed, intent, now)) == ("failed", "failed")
    assert failed.chart_hash == record.chart_hash
    await helm.upgrade("web", namespace, chart, {"colour": "blue"}, description="")
    assert (await newest(kube, namespace)).revision == 3


async def test_a_killed_first_install_can_be_recovered_and_repeated(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    slow = chart.path / "templates" / "slow.yaml"
    slow.write_text(slow.read_text().replace("pre-upgrade", "pre-install"))
    task = asyncio.create_task(helm.install("web", namespace, chart, SLOW, description="", timeout=60))
    async with asyncio.timeout(20):
        while await latest(kube, namespace, "web") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    (pid,) = processes(namespace)
    os.kill(pid, signal.SIGKILL)
    await asyncio.gather(task, return_exceptions=True)
    record = await newest(kube, namespace)
    assert record.status == "pending-install"
    await recover(kube, record)
    await helm.install("web", namespace, chart, {}, description="again")
    assert (await newest(kube, namespace)).status == "deployed"


SLOW_READER = """\
#!/bin/sh
touch "$1/started"
sleep 1
cat >"$1/reading"
mv "$1/reading" "$1/got"
"""
KILLED = """\
import asyncio, sys
from blueshift.clock import SystemClock
from blueshift.helm.command import Command
command = Command(SystemClock(), executable=sys.argv[1], kubeconfig=None, context=None)
asyncio.run(command.run([sys.argv[2]], b"value: " + b"x" * 1_000_000))
"""


async def test_helm_has_all_of_the_values_however_early_we_are_killed(tmp_path: Path) -> None:
    """A pipe would end with us, and helm would give the release the little that had come, or its defaults."""
    program = tmp_path / "slow-reader"
    program.write_text(SLOW_READER)
    program.chmod(0o755)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(program), str(tmp_path))
    async with asyncio.timeout(20):
        while not (tmp_path / "started").exists():  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        while not (tmp_path / "got").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (tmp_path / "got").stat().st_size == 1_000_007
