"""quiesce and wake: one revision, no other, whenever the process dies; and nothing before its time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app.plans import offline
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.settings import Settings, Side
from blueshift.discovery.world import Rendered
from blueshift.engine.entries import Resumed, StepSettled
from blueshift.engine.loop import Outcome, run_track
from blueshift.engine.protocol import Step
from blueshift.engine.state import State
from blueshift.engine.view import View
from blueshift.helm.records import encode, secret_name
from blueshift.helm.values import digest
from blueshift.steps import quiesce as steps
from blueshift.steps.facts import Quiesced, Snapshot, Swapped
from blueshift.steps.places import Places
from blueshift.steps.proof import Proof
from blueshift.steps.quiesce import Quiesce, QuiesceSettings, Wake, WakeSettings
from blueshift.steps.revisions import Revisions
from tests.unit.app.worlds import world
from tests.unit.engine.steps import Bench, Killed

OWN = {"controller": {"config": {"keep-alive": "75", "log": "x"}}}
QUIET = {"controller": {"config": {"keep-alive": "10", "keep-alive-requests": "1", "log": "x"}}}
AWAY = State("temporary", "ready", "old", ("primary", "temporary"), (), ("temporary",), "low", True)


class Life(Bench):
    """A primary that traffic has left a moment ago, its Helm records, and what its pods are configured by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__("forward/before", "forward/quiesce", "back/wake")
        self.made: list[dict[str, Any]] = []
        self.dies: str = ""
        self.taken = True
        self.proof = Proof(False, "well")
        self.record(3, OWN)
        monkeypatch.setattr(steps, "prove", self._prove)
        monkeypatch.setattr(steps, "dumped", self._dumped)

    async def _prove(self, *_: Any) -> Proof:
        return self.proof

    async def _dumped(self, *_: Any) -> str:
        config = (self.made[-1] if self.made and self.taken else OWN)["controller"]["config"]
        requests = config.get("keep-alive-requests", "1000")
        return f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ keepalive_requests {requests}; }}"

    def record(self, revision: int, values: Any) -> None:
        raw = {
            "name": "demo", "namespace": "ingress", "version": revision, "info": {"status": "deployed"},
            "config": values, "chart": {},
        }  # fmt: skip
        key = secret_name("demo", revision)
        labels = {"owner": "helm", "name": "demo", "version": str(revision), "status": "deployed"}
        metadata = {"name": key, "namespace": "ingress", "labels": labels, "resourceVersion": "1"}
        path = f"/api/v1/namespaces/ingress/secrets/{key}"
        self.kube.objects[path] = {"metadata": metadata, "data": {"release": encode(raw)}}

    @property
    def revisions(self) -> list[int]:
        return sorted(
            int(one["metadata"]["labels"]["version"])
            for path, one in self.kube.objects.items()
            if "/secrets/sh.helm" in path
        )

    async def upgrade(self, name: str, namespace: str, chart: Any, values: Any, **_: Any) -> None:
        if self.dies == "before":
            raise Killed
        self.made.append(values)
        self.record(self.revisions[-1] + 1, values)
        if self.dies == "after":
            raise Killed

    async def begin(self, *, passed: float = 120) -> None:
        self.writer = await self.open()
        facts = (Snapshot(3, 2), Swapped("temporary", self.clock.utc(), 60))
        told = {type(fact).__name__: msgspec.to_builtins(fact) for fact in facts}
        await self.writer.write(StepSettled("forward/before", "", AWAY, told))
        self.clock.advance(passed)

    @property
    def tools(self) -> Any:
        chart: Any = SimpleNamespace(
            digest="", name="ingress-nginx", version="4", app_version="1", defaults={}
        )
        profile = IngressNginx()
        rendered = Rendered(side=Side(Settings("1.15", "c", "nginx", worker_shutdown_timeout=90)))
        scene = msgspec.structs.replace(world(2), quiesced={"primary": rendered})
        places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")

        async def pods(_: Any) -> Any:
            return SimpleNamespace(failed="", done=True, sentence="2 of 2")

        async def ready(_: Any) -> tuple[str, ...]:
            return ("p1", "p2")

        return replace(
            offline(scene, places, "r1"),
            kube=cast(Any, self.kube),
            helm=cast(Any, SimpleNamespace(upgrade=self.upgrade)),
            clock=self.clock,
            profile=profile,
            record=View(self.writer, self.clock),
            witness=cast(Any, SimpleNamespace(pods=pods, ready=ready)),
            revisions=Revisions(profile, running=chart, running_values=OWN, target=chart, target_values={}),
            notice=lambda step, said: self.events.append(said),
        )

    async def run(self, *, wake: bool = False) -> Outcome:
        track: list[Step] = [Quiesce("forward/quiesce", QuiesceSettings(side="primary"), self.tools)]
        if wake:
            track.append(Wake("back/wake", WakeSettings(side="primary"), self.tools))
        return await run_track(self.writer, track, self.services)

    async def again(self) -> None:
        self.dies = ""
        await self.writer.write(Resumed("other", ""))


@pytest.fixture
def life(monkeypatch: pytest.MonkeyPatch) -> Life:
    return Life(monkeypatch)


async def test_one_revision_changes_keep_alive_alone_and_the_cut_is_told_first(life: Life) -> None:
    await life.begin()
    assert (await life.run()).status == "succeeded"
    assert life.made == [QUIET]
    assert life.writer.journal.fact(Quiesced) == Quiesced(4)
    state = life.writer.journal.state
    assert (state.quiesced, state.verified, state.primary) == (("primary",), AWAY.verified, "old")
    told = [one for one in life.events if isinstance(one, str)]
    (said,) = told
    assert said.startswith("nginx of the primary is reloaded: idle ones end at once")
    assert "WebSockets are cut after 90 s" in said


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_killed_around_its_effect_it_ends_the_same(life: Life, dies: str) -> None:
    await life.begin()
    life.dies = dies
    with pytest.raises(Killed):
        await life.run()
    await life.again()
    assert (await life.run()).status == "succeeded"
    assert life.made == [QUIET]
    assert life.revisions == [3, 4]


async def test_who_asks_dns_meanwhile_is_not_cut(life: Life) -> None:
    await life.begin(passed=20)
    running = asyncio.create_task(life.run())
    while not life.made and not running.done():  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert life.clock.elapsed >= 60, "the TTL passes first"
    assert (await running).status == "succeeded"


async def test_a_template_that_leaves_the_setting_out_holds(life: Life) -> None:
    await life.begin()
    life.taken = False
    outcome = await life.run()
    assert outcome.status == "holding"
    assert "p1, p2" in outcome.said
    assert "nginx.tmpl" in outcome.said


async def test_somebody_elses_revision_is_never_written_over(life: Life) -> None:
    await life.begin()
    life.dies = "before"
    with pytest.raises(Killed):
        await life.run()
    life.record(4, {"not": "ours"})
    await life.again()
    outcome = await life.run()
    assert outcome.status == "holding"
    assert life.made == []


async def test_waking_gives_back_the_very_values_of_before(life: Life) -> None:
    await life.begin()
    assert (await life.run(wake=True)).status == "succeeded"
    assert digest(life.made[-1]) == digest(OWN)
    assert life.revisions == [3, 4, 5]
    assert life.writer.journal.state.quiesced == ()


async def test_a_side_that_was_never_quiesced_gets_no_revision_by_waking(life: Life) -> None:
    await life.begin()
    track: list[Step] = [Wake("back/wake", WakeSettings(side="primary"), life.tools)]
    assert (await run_track(life.writer, track, life.services)).status == "succeeded"
    assert life.revisions == [3]


@pytest.mark.parametrize(
    ("side", "state", "why"),
    [
        ("primary", AWAY, None),
        ("primary", AWAY.but(traffic="split"), "traffic is on split"),
        ("primary", AWAY.but(primary="target"), "changed already"),
        ("temporary", AWAY, "traffic is on temporary"),
        ("temporary", AWAY.but(traffic="primary"), None),
        ("temporary", AWAY.but(traffic="primary", temporary="absent"), "no temporary"),
    ],
)
def test_only_a_side_that_traffic_has_left(side: Any, state: State, why: str | None) -> None:
    places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
    step = Quiesce("forward/quiesce", QuiesceSettings(side=side), offline(world(1), places, "r1"))
    said = step.needs(state)
    assert said is None if why is None else why in (said or "")


def test_the_plan_names_the_seconds(life: Life) -> None:
    asyncio.run(life.begin())
    plan = Quiesce("forward/quiesce", QuiesceSettings(side="primary"), life.tools).plan()
    assert "WebSockets are cut after 90 s" in plan.consequences[0]
