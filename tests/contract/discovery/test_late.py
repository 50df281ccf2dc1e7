"""Life beside a run, on a real API server and a real BIND: what is live, what moves late, what is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest

from blueshift.app.plans import offline
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.controllers.registry import load
from blueshift.discovery.names import Trail, classify, sides_of
from blueshift.discovery.trails import Follower
from blueshift.discovery.world import ServiceFact
from blueshift.dns.agreement import agreement, exactly
from blueshift.dns.records import Change, RecordSet
from blueshift.engine.protocol import Absent, Done, Foreign, Settled
from blueshift.engine.state import SideName
from blueshift.shift.dns import DnsShifter
from blueshift.shift.protocol import Landed
from blueshift.steps.facts import Late, LateWave, TemporaryReady, TtlLowered
from blueshift.steps.live import Appeared, appeared, landed, late_waves, live_hosts, pointing, present
from blueshift.steps.located import located
from blueshift.steps.lower_ttl import RestoreTtl, RestoreTtlSettings
from blueshift.steps.places import Places
from blueshift.steps.witness import Witness, whereabouts
from tests.contract.discovery.test_trails import directory
from tests.contract.dns.bind import ZONE, Bind
from tests.unit.app.worlds import world

PRIMARY, TEMPORARY = ("198.51.100.1", "2001:db8:1::1"), ("198.51.100.2", "2001:db8:1::2")
STEP = "forward/drain-primary"


class Life:
    """A run whose names are at the temporary; the cluster is this test's namespace, by its own class."""

    def __init__(self, kube: KubeApi, bind: Bind, namespace: str) -> None:
        self.kube, self.bind, self.namespace = kube, bind, namespace
        self.backend = bind.backend(zones=[ZONE])
        self.clock = SystemClock()
        self.tag = uuid4().hex[:6]
        self.facts: dict[type[Any], Any] = {
            TtlLowered: TtlLowered(30),
            TemporaryReady: TemporaryReady("t", "t", "", (TEMPORARY[0],), (TEMPORARY[1],)),
            Late: Late(),
        }
        self.said: list[str] = []

    def name(self, label: str) -> str:
        return f"{label}-{self.tag}.{ZONE}"

    def fact(self, kind: type[Any]) -> Any:
        return self.facts[kind]

    def learnt(self, kind: type[Any]) -> Any:
        return self.facts.get(kind)

    async def put(self, name: str, addresses: Sequence[str] | None, ttl: int = 300) -> None:
        kinds = ("A", "AAAA")
        before = await self.backend.read([(name, kind) for kind in kinds])
        wanted = [
            RecordSet(name, kind, ttl, (value,)) if addresses else None
            for kind, value in zip(kinds, addresses or kinds, strict=True)
        ]
        changes = [Change(name, kind, old, new) for kind, old, new in zip(kinds, before, wanted, strict=True)]
        await self.backend.wait(await self.backend.swap(changes))

    async def ingress(self, name: str) -> None:
        rule = {"host": name, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
            "service": {"name": "a", "port": {"number": 80}}}}]}}  # fmt: skip
        body = {
            "metadata": {"name": name.partition(".")[0]},
            "spec": {"ingressClassName": self.tag, "tls": [{"hosts": [name]}], "rules": [rule]},
        }
        await self.kube.create(paths.apis("networking.k8s.io/v1", "ingresses", self.namespace), body)

    async def begin(self) -> None:
        controller = f"example.com/{self.tag}"
        await self.kube.create(
            paths.apis("networking.k8s.io/v1", "ingressclasses"),
            {"metadata": {"name": self.tag}, "spec": {"controller": controller}},
        )
        args = ["/nginx-ingress-controller", f"--controller-class={controller}"]
        labels = {"app": "controller"}
        container = {"name": "controller", "image": "registry.test/controller:v1.11.3", "args": args}
        body = {
            "metadata": {"name": "controller"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
        await self.kube.create(paths.apis("apps/v1", "deployments", self.namespace), body)
        old = self.name("old")
        await self.ingress(old)
        await self.put(old, PRIMARY)
        service = ServiceFact(
            "s", self.namespace, "u", "external", "LoadBalancer", (PRIMARY[0],), (PRIMARY[1],)
        )
        known = world(1)
        small = msgspec.structs.replace(
            known,
            workload=msgspec.structs.replace(known.workload, name="controller", namespace=self.namespace),
            services=(service,),
            hosts=(),
            names=classify(await self.trails([old]), sides_of([service])),
        )
        assert [name.state for name in small.names] == ["move"]
        await self.put(old, TEMPORARY, 30)

        async def agree(records: Sequence[RecordSet], every: float) -> Landed:
            found = await agreement(exactly(records), directory(self.bind), self.clock, every=0.1)
            return Landed(found.agreed, found.sentence, found.unknown)

        profile = load("ingress-nginx")
        places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
        self.tools = replace(
            offline(small, places, "r1"),
            kube=self.kube,
            dns=self.backend,
            profile=profile,
            witness=Witness(self.kube, profile, self.clock, whereabouts(small)),
            shifter=DnsShifter(self.backend, agree, self.said.append),
            agreement=agree,
            record=cast(Any, self),
            trails=self.trails,
            notice=lambda step, sentence: self.said.append(sentence),
        )

    def effect(self, step: str, key: str) -> None:
        return None

    async def trails(self, hosts: Sequence[str]) -> tuple[Trail, ...]:
        return await Follower(self.backend, directory(self.bind)).follow(hosts)

    async def to(self, side: SideName, names: Sequence[Any]) -> Landed:
        """Landed, once the secondary has had time to hear of it."""
        for _ in range(50):
            found = await landed(self.tools, names, side, 0.1)
            if found.done:
                break
            await self.clock.sleep(0.1)
        return found


@pytest.fixture
async def life(kube: KubeApi, bind: Bind, namespace: str) -> AsyncIterator[Life]:
    one = Life(kube, bind, namespace)
    await one.begin()
    yield one
    await kube.delete(paths.apis("networking.k8s.io/v1", "ingressclasses", None, one.tag))


async def test_a_new_name_is_seen_moved_by_compare_and_swap_and_given_its_ttl_back(life: Life) -> None:
    tools, new, aside = life.tools, life.name("new"), life.name("aside")
    await life.put(new, PRIMARY, 3600)
    before = await appeared(tools, "primary", await live_hosts(tools))
    assert before == Appeared(), "a record without an Ingress of this controller is not ours to see"
    await life.ingress(new)
    await life.put(aside, ("203.0.113.1", "2001:db8:9::1"))
    await life.ingress(aside)
    hosts = await live_hosts(tools)
    assert {host.host for host in hosts} == {life.name("old"), new, aside}
    assert all(host.tls for host in hosts)
    found = await appeared(tools, "primary", hosts)
    assert [name.name for name in found.movable] == [new]
    assert found.stuck == ()

    life.facts[Late] = Late((LateWave(STEP, found.movable),))
    (effect,) = await late_waves(tools, STEP, "primary")
    assert isinstance(await effect.observe(None), Absent)
    await effect.do()
    assert isinstance(await effect.observe(None), Done)
    assert (await life.backend.read([(new, "A")]))[0] == RecordSet(new, "A", 30, (TEMPORARY[0],))
    assert await located(tools) == {life.name("old"): "temporary", new: "temporary"}
    assert (await life.to("temporary", tools.moving())).done
    assert (await appeared(tools, "primary", hosts)).movable == ()

    assert [one.partition(" ")[0] for one in await pointing(tools, "temporary", {new, aside})] == [new]
    for effect in await tools.shifter.effects(
        tools.moving(), tools.target("temporary"), tools.target("primary"), tools.ttl
    ):
        await effect.do()
    assert await pointing(tools, "temporary", {new, aside, life.name("old")}) == ()
    for effect in await RestoreTtl("forward/restore-ttl", RestoreTtlSettings(), tools).effects():
        await effect.do()
    assert (await life.backend.read([(new, "A")]))[0] == RecordSet(new, "A", 3600, (PRIMARY[0],))


async def test_a_name_changed_between_look_and_move_is_left_alone(life: Life) -> None:
    new = life.name("raced")
    await life.put(new, PRIMARY, 3600)
    await life.ingress(new)
    found = await appeared(life.tools, "primary", await live_hosts(life.tools))
    life.facts[Late] = Late((LateWave(STEP, found.movable),))
    (effect,) = await late_waves(life.tools, STEP, "primary")
    await life.put(new, ("203.0.113.7", "2001:db8:9::7"), 3600)
    assert isinstance(await effect.observe(None), Foreign)
    with pytest.raises(Exception, match=new):
        await effect.do()
    assert (await life.backend.read([(new, "A")]))[0] == RecordSet(new, "A", 3600, ("203.0.113.7",))


async def test_what_its_owner_took_away_need_not_move_and_stays_away(life: Life) -> None:
    tools, old = life.tools, life.name("old")
    await life.put(old, None)
    assert await present(tools, tools.moving()) == ()
    assert await located(tools) == {}
    assert (await life.to("primary", tools.moving())).done
    restore = RestoreTtl("forward/restore-ttl", RestoreTtlSettings(), tools)
    assert await restore.effects() == ()
    assert isinstance(await restore.settle(), Settled)
    assert (await life.backend.read([(old, "A")]))[0] is None
    assert [said for said in life.said if old in said] == [
        f"{old} has no record any more: it need not move, and is not made anew"
    ]


async def test_an_ingress_of_another_controller_or_without_one_is_not_live(life: Life) -> None:
    other = Life(life.kube, life.bind, life.namespace)
    other.tag = "another"
    await other.ingress(other.name("new"))
    assert {host.host for host in await live_hosts(life.tools)} == {life.name("old")}
