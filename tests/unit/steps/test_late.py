"""Names that come and go while a run works: one more wave, what is gone, and the look before the purge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app.observe import observe
from blueshift.app.plans import offline
from blueshift.discovery.names import Trail
from blueshift.dns.records import Change, RecordSet
from blueshift.engine.entries import Resumed, StepSettled, WaitBegan
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.loop import Outcome, run_track
from blueshift.engine.protocol import Hold, Settled, Wait
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.engine.view import View
from blueshift.events import DrainSeen, Event, Relay
from blueshift.shift.dns import DnsShifter
from blueshift.shift.protocol import Landed
from blueshift.steps import drain as drains
from blueshift.steps import proof, purge, shift
from blueshift.steps.drain import Drain, DrainSettings
from blueshift.steps.facts import (
    Baseline,
    Late,
    Swapped,
    TemporaryReady,
    TtlLowered,
    WaveVerdict,
    WaveVerdicts,
)
from blueshift.steps.live import pointing, present
from blueshift.steps.located import located
from blueshift.steps.lower_ttl import RestoreTtl, RestoreTtlSettings
from blueshift.steps.places import Places
from blueshift.steps.proof import Proof
from blueshift.steps.purge import PurgeGate, PurgeGateSettings
from blueshift.steps.shift import ShiftSettings, Wave, cut
from blueshift.traffic.drain import Drained, Remaining, Remains, Unknown
from blueshift.traffic.judge import Verdict
from blueshift.traffic.routes import Route, Routes
from blueshift.traffic.witnesses import DrainEvidence
from tests.unit.app.worlds import world
from tests.unit.engine.steps import Bench, Killed

PRIMARY, TEMPORARY = ("198.18.0.50", "2001:2::50"), ("198.18.0.60", "2001:2::60")
READY = TemporaryReady("demo-blueshift", "demo-blueshift", "uid-t", (TEMPORARY[0],), (TEMPORARY[1],))
STEP = "forward/drain-primary"
NEW = "new.lab.test"


class Zone:
    """A name server with compare-and-swap, in memory."""

    capabilities = SimpleNamespace(by_hand=False, max_batch=100)

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], RecordSet] = {}
        self.killed: bool | None = None
        """Dies at the next swap: True after it has landed."""

    def put(self, name: str, addresses: Sequence[str], ttl: int) -> None:
        for kind, value in zip(("A", "AAAA"), addresses, strict=True):
            self.records[name, kind] = RecordSet(name, kind, ttl, (value,))

    def drop(self, name: str) -> None:
        for kind in ("A", "AAAA"):
            del self.records[name, kind]

    async def zone_of(self, name: str) -> str:
        return "lab.test"

    async def read(self, questions: Sequence[tuple[str, str]]) -> list[RecordSet | None]:
        return [self.records.get(question) for question in questions]

    async def swap(self, changes: Sequence[Change]) -> None:
        if self.killed is False:
            raise Killed
        for change in changes:
            assert self.records.get(change.question) == change.expected, change
        for change in changes:
            assert change.desired is not None
            self.records[change.question] = change.desired
        if self.killed:
            raise Killed

    async def wait(self, ref: None) -> None:
        return None


class Life(Bench):
    """A run at the drain of its primary: all names are at the temporary, with a TTL of 60."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__("forward/before", STEP)
        self.world = world(2)
        self.zone = Zone()
        for name in self.world.moving():
            self.zone.put(name.name, TEMPORARY, 60)
        for host in self.world.hosts:
            self.ingress(host.host)
        self.approve: list[str] = []
        self.proof = Proof(False, "well")
        self.evidence: list[dict[str, Any]] = []
        self.told: list[Event] = []
        self.dumps = 0
        monkeypatch.setattr(drains, "as_well", self._as_well)
        monkeypatch.setattr(drains, "configured", self._configured)
        monkeypatch.setattr(drains, "drained", self._drained)
        monkeypatch.setattr(purge, "prove", self._as_well)

    async def _as_well(self, *_: Any) -> Proof:
        return self.proof

    async def _configured(self, *_: Any) -> Routes:
        self.dumps += 1
        return Routes((Route("a.org", "/"),))

    def _drained(self, evidence: DrainEvidence, _: Any) -> Any:
        return SimpleNamespace(reason=evidence.dns) if evidence.dns else Drained("idle")

    def ingress(self, host: str) -> None:
        path = f"/apis/networking.k8s.io/v1/ingresses/{host}"
        rule = {"host": host, "http": {"paths": [{"path": "/"}]}}
        spec = {"ingressClassName": "nginx", "rules": [rule]}
        self.kube.objects[path] = {"metadata": {"name": host, "namespace": "apps"}, "spec": spec}

    async def begin(self) -> None:
        classes = "/apis/networking.k8s.io/v1/ingressclasses/nginx"
        self.kube.objects[classes] = {
            "metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"},
        }  # fmt: skip
        writer = await self.open()
        state = State("temporary", "ready", "old", ("primary", "temporary"), (), ("temporary",), "low", True)
        facts = (READY, TtlLowered(60), Swapped("temporary", self.clock.utc(), 60), Baseline(1000, 0, 10.0))
        told = {type(fact).__name__: msgspec.to_builtins(fact) for fact in facts}
        await writer.write(StepSettled("forward/before", "", state, told))
        self.use(writer)

    def use(self, writer: Writer) -> None:
        self.writer = writer
        places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
        settings = SimpleNamespace(
            controller="k8s.io/ingress-nginx", ingress_class="nginx", class_by_name=False, classless=False,
            watches="",
        )  # fmt: skip
        self.tools = replace(
            offline(self.world, places, "r1"),
            kube=cast(Any, self.kube),
            clock=self.clock,
            dns=cast(Any, self.zone),
            shifter=DnsShifter(cast(Any, self.zone), self.agree, lambda _: None),
            agreement=self.agree,
            record=View(writer, self.clock),
            witness=cast(Any, SimpleNamespace(workload=self.gives({}), config=self.gives({}))),
            profile=cast(Any, SimpleNamespace(settings=lambda *_: settings, aliases=lambda _: ())),
            followers=cast(
                Any, dict.fromkeys(("primary", "temporary"), SimpleNamespace(evidence=self.evidence_of))
            ),
            trails=self.trails,
            notice=lambda step, said: self.events.append(said),
            seen=Relay(self.told.append),
        )

    @staticmethod
    def gives(what: Any) -> Any:
        async def give(*_: Any) -> Any:
            return what

        return give

    async def agree(self, records: Sequence[RecordSet], every: float) -> Landed:
        wrong = [one.name for one in records if self.zone.records.get((one.name, one.type)) != one]
        return Landed(not wrong, f"{wrong} differ" if wrong else "all agree")

    async def trails(self, hosts: Sequence[str]) -> tuple[Trail, ...]:
        def one(host: str) -> Trail:
            found = [self.zone.records.get((host, kind)) for kind in ("A", "AAAA")]
            return Trail(host, host, "lab.test", tuple(record for record in found if record))

        return tuple(one(host) for host in hosts)

    async def evidence_of(self, _rules: Any, **given: Any) -> DrainEvidence:
        self.evidence.append(given)
        kept = {key: given[key] for key in ("swapped", "ttl", "dns", "baseline", "proxied")}
        return DrainEvidence(now=0.0, pods={}, **kept)

    async def run(self, late: Any = "ask") -> Outcome:
        step = Drain(STEP, DrainSettings(side="primary", late=late), self.tools)
        services = self.services

        async def approval(still: Standstill) -> Approval | None:
            if not self.approve:
                self.stopping.set()
                return None
            assert still.gate == self.approve.pop(0)
            return Approval(still.number, still.step, still.gate, "eve", self.clock.utc())

        async def look(state: State) -> State:
            return await observe(self.tools, state)

        return await run_track(self.writer, [step], replace(services, observe=look, approval=approval))

    def at(self, name: str) -> list[str]:
        return [self.zone.records[name, kind].values[0] for kind in ("A", "AAAA")]


@pytest.fixture
async def life(monkeypatch: pytest.MonkeyPatch) -> Life:
    one = Life(monkeypatch)
    await one.begin()
    return one


async def test_nothing_new_drains_as_ever(life: Life) -> None:
    assert (await life.run()).status == "succeeded"
    assert life.tools.late() == Late()
    seen = [one for one in life.told if isinstance(one, DrainSeen)]
    assert [(one.side, one.clients, one.requests, one.connections, one.reason) for one in seen] == [
        ("primary", 0, 0, None, "")
    ]


async def test_a_new_name_at_the_primary_is_a_gate_and_its_approval_moves_it(life: Life) -> None:
    life.zone.put(NEW, PRIMARY, 3600)
    life.ingress(NEW)
    assert (await life.run()).status == "interrupted"
    still = life.writer.journal.standstill
    assert still is not None
    assert still.gate == "one-more-wave"
    assert NEW in still.reason
    assert life.at(NEW) == list(PRIMARY), "nothing moves without a person's word"
    life.stopping.clear()
    life.approve = ["one-more-wave"]
    assert (await life.run()).status == "succeeded"
    assert life.at(NEW) == list(TEMPORARY)
    assert life.zone.records[NEW, "A"].ttl == 60
    assert [name.name for name in life.tools.moving()] == [*(n.name for n in life.world.moving()), NEW]
    assert NEW in life.evidence[-1]["hosts"]
    assert life.evidence[-1]["ttl"] == 3600, "its old answers are remembered for as long as it had said"


async def test_the_drain_counts_from_the_late_wave(life: Life) -> None:
    swapped = life.clock.utc()
    life.clock.advance(500)
    life.zone.put(NEW, PRIMARY, 60)
    life.ingress(NEW)
    assert (await life.run("move")).status == "succeeded"
    assert life.evidence[-1]["swapped"] >= (swapped + timedelta(seconds=500)).timestamp()


async def test_an_old_approval_never_moves_what_came_later(life: Life) -> None:
    life.zone.put(NEW, PRIMARY, 60)
    life.ingress(NEW)
    life.approve = ["one-more-wave"]
    assert (await life.run()).status == "succeeded"
    again = "newer.lab.test"
    life.zone.put(again, PRIMARY, 60)
    life.ingress(again)
    life.writer.journal = msgspec.structs.replace(
        life.writer.journal,
        steps={**life.writer.journal.steps, STEP: msgspec.structs.replace(
            life.writer.journal.step(STEP), settled=None)},
        status="working",
    )  # fmt: skip
    await life.run()
    assert life.writer.journal.standstill is not None
    assert life.writer.journal.standstill.gate == "one-more-wave-2"
    assert life.at(again) == list(PRIMARY)


@pytest.mark.parametrize("landed", [True, False])
async def test_killed_in_the_late_wave_it_goes_on_and_asks_nobody_again(life: Life, landed: bool) -> None:
    life.zone.put(NEW, PRIMARY, 60)
    life.ingress(NEW)
    life.approve = ["one-more-wave"]
    life.zone.killed = landed
    with pytest.raises(Killed):
        await life.run()
    life.zone.killed = None
    again = await life.runs.open("r1")
    await again.write(Resumed("another"))
    life.use(again)
    assert (await life.run()).status == "succeeded"
    assert life.at(NEW) == list(TEMPORARY)


async def test_what_the_other_side_does_not_serve_is_not_moved(life: Life) -> None:
    life.zone.put(NEW, PRIMARY, 60)
    life.ingress(NEW)
    life.proof = Proof(True, "HTTP 404")
    answer = await Drain(STEP, DrainSettings(side="primary", late="move"), life.tools).settle()
    assert isinstance(answer, Wait)
    assert "HTTP 404" in answer.reason


async def test_what_cannot_be_moved_keeps_the_side_and_is_named(life: Life) -> None:
    life.zone.put(NEW, ("203.0.113.9", PRIMARY[1]), 60)
    life.ingress(NEW)
    answer = await Drain(STEP, DrainSettings(side="primary"), life.tools).settle()
    assert isinstance(answer, Wait)
    assert NEW in answer.reason


async def test_a_name_that_appeared_at_the_temporary_goes_to_the_primary(life: Life) -> None:
    for name in life.world.moving():
        life.zone.put(name.name, PRIMARY, 60)
    life.zone.put(NEW, TEMPORARY, 300)
    life.ingress(NEW)
    step = Drain("forward/drain-temporary", DrainSettings(side="temporary", late="move"), life.tools)
    found: Any = await step.settle()
    late: Late = found.facts[0]
    values = [record.values[0] for name in late.waves[0].names for record in name.records]
    assert values == list(PRIMARY)


async def test_late_names_go_back_with_the_last_wave_and_get_their_ttl_back(life: Life) -> None:
    life.zone.put(NEW, PRIMARY, 3600)
    life.ingress(NEW)
    await life.run("move")
    waves = [
        Wave(f"forward/back/wave-{number}", given, life.tools)
        for number, given in enumerate(cut(2, ShiftSettings(to="primary")), 1)
    ]
    assert [[name.name for name in wave.names] for wave in waves] == [
        ["app00.lab.test"], ["app01.lab.test", NEW]
    ]  # fmt: skip
    for wave in waves:
        for effect in await wave.effects():
            await effect.do()
    assert life.at(NEW) == list(PRIMARY)
    for effect in await RestoreTtl("forward/restore-ttl", RestoreTtlSettings(), life.tools).effects():
        await effect.do()
    assert life.zone.records[NEW, "A"] == RecordSet(NEW, "A", 3600, (PRIMARY[0],))


async def test_a_name_whose_owner_took_it_away_is_said_and_not_made_anew(life: Life) -> None:
    life.zone.drop("app01.lab.test")
    assert (await life.run()).status == "succeeded"
    assert await located(life.tools) == {"app00.lab.test": "temporary"}
    assert [name.name for name in await present(life.tools, life.tools.moving())] == ["app00.lab.test"]
    told = [said for said in life.events if isinstance(said, str) and "app01.lab.test" in said]
    assert len(told) == 1
    for name in ("app00.lab.test",):
        life.zone.put(name, PRIMARY, 60)
    restore = RestoreTtl("forward/restore-ttl", RestoreTtlSettings(), life.tools)
    for effect in await restore.effects():
        await effect.do()
    assert isinstance(await restore.settle(), Settled)
    assert ("app01.lab.test", "A") not in life.zone.records


async def test_half_a_name_gone_is_somebody_elses_change(life: Life) -> None:
    del life.zone.records["app01.lab.test", "A"]
    outcome = await life.run()
    assert outcome.status == "holding"
    assert "app01.lab.test" in outcome.said


async def test_before_the_purge_everything_with_a_name_is_looked_up_again(life: Life) -> None:
    for name in life.world.moving():
        life.zone.put(name.name, PRIMARY, 60)
    gate = PurgeGate("forward/purge-gate", PurgeGateSettings(auto=True), life.tools)
    quiet: Any = SimpleNamespace(
        requests=lambda since, hosts: ((), (SimpleNamespace(pod="p", holds=lambda *_: True),)),
        latest=(SimpleNamespace(pod="p"),),
        sent=lambda _: None,
    )
    object.__setattr__(life.tools, "followers", dict.fromkeys(("primary", "temporary"), quiet))
    assert isinstance(await gate.settle(), Settled)
    life.zone.put(NEW, TEMPORARY, 60)
    life.ingress(NEW)
    answer = await gate.settle()
    assert isinstance(answer, Hold)
    assert NEW in answer.reason
    assert await pointing(life.tools, "temporary", {NEW}) == (f"{NEW} ({', '.join(sorted(TEMPORARY))})",)


async def test_new_hosts_make_the_configuration_be_read_again(life: Life) -> None:
    step = Drain(STEP, DrainSettings(side="primary"), life.tools)
    life.zone.put("app00.lab.test", PRIMARY, 60)  # not away: the drain waits
    for _ in range(5):
        assert isinstance(await step.settle(), Wait)
        life.clock.advance(40)
    before = life.dumps
    assert isinstance(await step.settle(), Wait)
    assert life.dumps == before
    life.ingress("host.without.a.name")
    life.clock.advance(40)
    await step.settle()
    assert life.dumps == before + 1


async def test_a_wave_is_watched_without_the_name_that_went_away(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift, "prove", life._as_well)
    logs = Verdict("marginal", ("too few",), {})
    monkeypatch.setattr(shift, "wave_verdict", lambda *_: logs)
    settings = cut(2, ShiftSettings(to="temporary", canary=0, waves=(100,), hold=0))[0]
    wave = Wave("forward/shift/wave-1", settings, life.tools)
    life.zone.drop("app01.lab.test")
    assert await wave.effects()
    assert isinstance(await wave.settle(), Wait), "it is watched first"
    await life.writer.write(WaitBegan(wave.id, "watch", "watched"))
    answer = await wave.settle()
    assert isinstance(answer, Settled)
    assert isinstance(answer.facts[0], Swapped)
    assert answer.facts[1] == WaveVerdicts((WaveVerdict(wave.id, logs),))
    assert "its logs meanwhile: marginal: too few" in answer.said


async def test_a_proof_asks_hosts_that_still_have_an_ingress(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    async def ask(clock: Any, hosts: Any, *_: Any) -> tuple[Any, ...]:
        asked.extend(hosts)
        return ()

    monkeypatch.setattr(proof, "ask", ask)
    monkeypatch.setattr(proof, "reached", lambda target: target.addresses)
    pods = SimpleNamespace(ready=2, sentence="2 of 2")
    witness: Any = SimpleNamespace(
        pods=life.gives(pods), workload=life.gives({}), config=life.gives({}), namespace=lambda side: side
    )
    tools = replace(
        life.tools,
        witness=witness,
        followers=cast(Any, dict.fromkeys(("primary", "temporary"), SimpleNamespace(sent=lambda n: None))),
    )
    del life.kube.objects["/apis/networking.k8s.io/v1/ingresses/app01.lab.test"]
    assert not (await proof.prove(tools, "temporary", life.world.moving())).failed
    assert asked == [("app00.lab.test", True)]
    del life.kube.objects["/apis/networking.k8s.io/v1/ingresses/app00.lab.test"]
    nothing = await proof.prove(tools, "temporary", life.world.moving())
    assert nothing.failed, "no Ingress at all proves nothing"


@pytest.mark.parametrize(("left", "sleeps"), [(0.7, 0.7), (30.0, 2.0), (-1.0, 2.0), (None, 2.0)])
async def test_a_drain_looks_at_the_moment_at_which_it_could_be_over(
    life: Life, monkeypatch: pytest.MonkeyPatch, left: float | None, sleeps: float
) -> None:
    until = None if left is None else life.clock.utc().timestamp() + left
    answers: list[Any] = [Drained("idle"), Remaining("asked just now", until=until)]
    monkeypatch.setattr(drains, "drained", lambda *_: answers.pop())
    assert (await life.run()).status == "succeeded"
    assert life.clock.sleeps == pytest.approx([sleeps])


@pytest.mark.parametrize(
    ("judged", "goes_on"),
    [
        (
            Remaining("1 known host was asked", (Remains("c1", "a.org", 2, 5.0, "pinned"),), rest_alone=True),
            True,
        ),
        (Remaining("DNS does not point away", (Remains("c1", "a.org", 2, 5.0, "stale"),)), False),
        (Remaining("5 of 900 s have passed", (), until=1.0), False),
        (Unknown("no witness watched p1"), False),
    ],
)
async def test_an_accepted_rest_is_named_and_nothing_else_is_accepted(
    life: Life, monkeypatch: pytest.MonkeyPatch, judged: Any, goes_on: bool
) -> None:
    monkeypatch.setattr(drains, "drained", lambda *_: judged)
    asks = Drain(STEP, DrainSettings(side="primary"), life.tools)
    assert isinstance(await asks.settle(), Wait)
    accepts = Drain(STEP, DrainSettings(side="primary", remaining="accept"), life.tools)
    answer = await accepts.settle()
    assert isinstance(answer, Settled if goes_on else Wait)
    if isinstance(answer, Settled):
        assert "c1 → a.org: 2 requests, pinned" in answer.said


async def test_a_short_window_is_looked_at_more_often(life: Life) -> None:
    life.zone.put("app00.lab.test", PRIMARY, 60)  # not away: the drain waits
    answers = [
        await Drain(STEP, DrainSettings(side="primary", window=window), life.tools).settle()
        for window in (600.0, 15.0)
    ]
    assert [answer.poll for answer in answers if isinstance(answer, Wait)] == [2.0, 0.75]
