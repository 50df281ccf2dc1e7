"""A run over 2,500 hosts: what it writes and sends stays within limits, and it adds little time.

The real API server keeps the journal, the real BIND the names, two servers of it; the sides are stand-ins.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app import inputs
from blueshift.app.plans import offline
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.seen import GRANTED, Hosts, Rights
from blueshift.discovery.world import HostFact, NameFact, World
from blueshift.dns import rfc2136
from blueshift.dns.agreement import agreement, exactly
from blueshift.dns.authority import Directory
from blueshift.dns.backend import batches
from blueshift.dns.records import Change, RecordSet
from blueshift.dns.rfc2136 import Rfc2136
from blueshift.dns.wire import send
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Step
from blueshift.engine.state import State
from blueshift.engine.store import Runs, object_name
from blueshift.engine.view import View
from blueshift.engine.waiting import Services
from blueshift.shift.dns import DnsShifter
from blueshift.shift.protocol import Landed
from blueshift.steps import shift
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.lower_ttl import LowerTtl, LowerTtlSettings, RestoreTtl, RestoreTtlSettings
from blueshift.steps.places import Places
from blueshift.steps.proof import Proof
from tests.contract.dns.bind import ZONE, Bind
from tests.contract.dns.conftest import bind  # noqa: F401
from tests.unit.app.worlds import world as small_world
from tests.unit.engine.steps import ToyStep

HOSTS = 2500
tell = print
"""Pytest shows it when the test fails."""
OLD, NEW = (("192.0.2.1",), ("2001:db8::1",)), (("192.0.2.9",), ("2001:db8::9",))
LARGEST_JOURNAL = 900_000
MOST_ADDED = 60.0


def big_world(primary: tuple[tuple[str, ...], tuple[str, ...]]) -> World:
    """As a look would give it: each host with its own name, Ingress, requests and right."""
    hosts = [f"shop-{number:04d}.customers.eu-central.{ZONE}" for number in range(HOSTS)]
    names = tuple(
        NameFact(
            host,
            ZONE,
            "move",
            (host,),
            (RecordSet(host, "A", 300, primary[0]), RecordSet(host, "AAAA", 300, primary[1])),
        )
        for host in hosts
    )
    small = small_world()
    service = msgspec.structs.replace(small.services[0], ipv4=primary[0], ipv6=primary[1])
    return msgspec.structs.replace(
        small,
        services=(service,),
        hosts=tuple(HostFact(host, (f"customers/{host}",), ("/", "/api"), tls=True) for host in hosts),
        names=names,
        baseline=dict.fromkeys(hosts, 200),
        dns=msgspec.structs.replace(small.dns, rights=dict.fromkeys(hosts, GRANTED)),
        findings={
            "dns-hosts": msgspec.to_builtins(Hosts(requests=dict.fromkeys(hosts, 12345.0))),
            "dns-update-rights": msgspec.to_builtins(Rights(dict.fromkeys(hosts, GRANTED))),
        },
    )


class Removed(ToyStep):
    """The temporary is gone, as purge leaves it."""

    def leaves(self, state: State) -> State:
        return state.but(temporary="absent")


async def create(backend: Rfc2136, world: World) -> None:
    new = [Change(r.name, r.type, None, r) for name in world.names for r in name.records]
    for batch in await batches(backend, new):
        await backend.swap(batch)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_over_2500_hosts(
    bind: Bind,  # noqa: F811
    kube: KubeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Any,
) -> None:
    clock = SystemClock()
    world = big_world(OLD)
    backend = bind.backend(zones=(ZONE,))
    backend._clock = clock
    await create(bind.backend(zones=(ZONE,)), world)
    ports = (bind.port, bind.secondary_port)
    directory = Directory(authorities=[f"{bind.address}:{port}" for port in ports], zones=[ZONE])

    async def agree(records: Sequence[RecordSet], every: float) -> Landed:
        found = await agreement(exactly(records), directory, clock, every=every)
        return Landed(found.agreed, found.sentence, found.unknown)

    async def proven(*_: object) -> Proof:
        return Proof(False, "2 ready pods, 50 probes answered")

    largest = 0

    async def measured(wire: bytes, *args: Any, **more: Any) -> bytes:
        nonlocal largest
        largest = max(largest, len(wire))
        return await send(wire, *args, **more)

    monkeypatch.setattr(rfc2136, "send", measured)
    monkeypatch.setattr(shift, "prove", proven)
    runs = Runs(kube, clock, f"many-{secrets.token_hex(3)}")
    steps: list[Step] = []
    journal = Journal(
        run="r1",
        release="demo",
        namespace="ingress",
        cluster="uid",
        plan="hash",
        playbook="upgrade",
        created=clock.utc(),
        track=(),
        state=State(temporary="ready", verified=("primary", "temporary"), floors=("primary", "temporary")),
        facts={
            "TemporaryReady": msgspec.to_builtins(
                TemporaryReady("demo-blueshift", "demo-blueshift", "uid", NEW[0], NEW[1])
            )
        },
    )
    chart = tmp_path / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: demo\n")
    frozen = inputs.Frozen(world, "upgrade", (), {}, "ingress-nginx")
    writer = await runs.create(journal, inputs.write(frozen, chart, {}))
    places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
    tools = replace(
        offline(world, places, "r1"),
        dns=backend,
        shifter=DnsShifter(backend, agree, lambda _: None),
        agreement=agree,
        record=View(writer, clock),
        clock=clock,
        notice=lambda *_: None,
    )
    low = LowerTtlSettings(ttl=60, factor=0, margin=0, agree_every=0.05)
    steps.append(LowerTtl("forward/lower-ttl", low, tools))
    for to in ("temporary", "primary"):
        settings = shift.ShiftSettings(to=to, hold=0, agree_every=0.05)
        for number, wave in enumerate(shift.cut(HOSTS, settings), 1):
            steps.append(shift.Wave(f"forward/shift-to-{to}/wave-{number}", wave, tools))
    steps.append(Removed("forward/purge"))
    steps.append(RestoreTtl("forward/restore-ttl", RestoreTtlSettings(agree_every=0.05), tools))

    async def observe(state: State) -> State:
        return state

    async def approval(standstill: Standstill) -> Approval | None:
        return None

    took: dict[str, float] = {}
    begin = last = time.monotonic()
    worked = time.process_time()

    def hear(event: Any) -> None:
        nonlocal last
        if type(event).__name__ == "StepSettled":
            took[event.step] = round(time.monotonic() - last, 1)
            last = time.monotonic()

    outcome = await run_track(writer, steps, Services(clock, hear, observe, approval))
    added = time.monotonic() - begin
    worked = time.process_time() - worked
    assert outcome.status == "succeeded", outcome.said
    found = await kube.get(paths.core("configmaps", runs.namespace, object_name("r1")))
    secret = await kube.get(paths.core("secrets", runs.namespace, f"{object_name('r1')}-inputs"))
    size = len(json.dumps(found["data"])) + len(json.dumps(secret["data"]))
    figures = {
        "hosts": HOSTS,
        "journal_bytes": size,
        "largest_message_bytes": largest,
        "added_s": round(added, 1),
        "cpu_s": round(worked, 1),
    }
    tell(json.dumps({**figures, "steps": took}))
    for name, value in figures.items():
        record_property(name, value)
    assert size < LARGEST_JOURNAL
    assert largest < 65536
    # By its own work and not by the wall clock, which counts what else this machine does.
    assert worked < MOST_ADDED
