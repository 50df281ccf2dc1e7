"""Journal, lease and control on a real API server: its resourceVersion is what the fence stands on."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.engine import control
from blueshift.engine.entries import Resumed, Started, StoodStill
from blueshift.engine.journal import Journal
from blueshift.engine.lease import Claim, Held, Lease
from blueshift.engine.store import FenceLost, Runs, ensure_namespace
from blueshift.engine.words import Speaker
from blueshift.errors import BlueshiftError


def journal(run: str) -> Journal:
    return Journal(
        run=run,
        release="demo",
        namespace="default",
        cluster="uid",
        plan="hash",
        playbook="toy",
        created=SystemClock().utc(),
        track=("a", "b"),
        holder="tester",
    )


@pytest.fixture
def runs(kube: KubeApi) -> Runs:
    return Runs(kube, SystemClock(), f"state-{secrets.token_hex(3)}")


async def test_a_run_is_written_and_read_back_with_its_inputs(runs: Runs) -> None:
    writer = await runs.create(journal("r1"), {"frozen.json": b"{}" * 1000})
    await writer.write(Started("a"))
    again = await runs.open("r1")
    assert again.journal == writer.journal
    assert await runs.inputs("r1") == {"frozen.json": b"{}" * 1000}
    assert [found.run for found in await runs.all()] == ["r1"]


async def test_inputs_are_immutable(runs: Runs, kube: KubeApi) -> None:
    await runs.create(journal("r1"), {"a": b"b"})
    path = paths.core("secrets", runs.namespace, "blueshift-run-r1-inputs")
    with pytest.raises(BlueshiftError, match="immutable"):
        await kube.patch(path, {"data": {"a": "Yg=="}})


async def test_of_twenty_resumes_at_once_one_carries_on(runs: Runs) -> None:
    await runs.create(journal("r1"), {})
    writers = [await runs.open("r1") for _ in range(20)]
    results = await asyncio.gather(
        *(writer.write(Resumed(f"holder {n}")) for n, writer in enumerate(writers)), return_exceptions=True
    )
    assert sum(isinstance(result, Journal) for result in results) == 1
    assert sum(isinstance(result, FenceLost) for result in results) == 19


async def anybody(claim: Claim) -> None:
    """Whatever the lease said until now."""


async def test_a_second_operator_is_refused_while_the_first_renews(kube: KubeApi) -> None:
    clock = SystemClock()
    namespace = f"lease-{secrets.token_hex(3)}"
    await ensure_namespace(kube, namespace)
    first = Lease(kube, clock, namespace, "demo", "ann@laptop", "blueshift")
    await first.acquire("r1", anybody)
    renewing = asyncio.create_task(first.keep())
    try:
        with pytest.raises(Held, match="ann@laptop, run r1"):
            await Lease(kube, clock, namespace, "demo", "bob@desk", "blueshift").acquire("r2", anybody)
    finally:
        renewing.cancel()
    await first.release(finished=True)
    await Lease(kube, clock, namespace, "demo", "bob@desk", "blueshift").acquire("r2", anybody)


async def test_an_approval_opens_its_own_standstill_only(runs: Runs, kube: KubeApi) -> None:
    clock = SystemClock()
    namespace = f"{runs.namespace}-control"
    writer = await runs.create(journal("r1"), {})
    with pytest.raises(BlueshiftError, match="waits at no gate"):
        await control.approve(kube, namespace, writer.journal, "purge", by=Speaker("ann"), at=clock.utc())
    await writer.write(StoodStill("a", "really?", "purge"))
    first = writer.journal.standstill
    assert first is not None
    assert await control.approval(kube, namespace, "r1", first) is None
    with pytest.raises(BlueshiftError, match="waits at the gate purge"):
        await control.approve(kube, namespace, writer.journal, "other", by=Speaker("ann"), at=clock.utc())
    await control.approve(
        kube, namespace, writer.journal, "purge", by=Speaker("ann"), at=clock.utc(), reason="seen"
    )
    given = await control.approval(kube, namespace, "r1", first)
    assert given is not None
    assert (given.by, given.reason) == ("ann (claims)", "seen")
    await writer.write(StoodStill("b", "really?", "purge"))
    second = writer.journal.standstill
    assert second is not None
    assert await control.approval(kube, namespace, "r1", second) is None
