"""What a run finds when it turns: whose the revisions are, what there is, and the facts that nobody left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app.kinds import compile_track, settings_types
from blueshift.app.plans import offline
from blueshift.app.turn import survey, track_name, turned_steps
from blueshift.engine.entries import Intended, Started, StepSettled, Turned, apply
from blueshift.engine.journal import Journal, TrackStep
from blueshift.engine.protocol import Intent, fact_name
from blueshift.engine.state import State
from blueshift.engine.store import RUN_LABEL
from blueshift.errors import BlueshiftError
from blueshift.helm.records import encode, secret_name
from blueshift.helm.values import digest
from blueshift.playbook.schema import StepEntry, load
from blueshift.playbook.shipped import find
from blueshift.steps.context import Tools
from blueshift.steps.facts import FloorPrimary, Swapped, TemporaryReady, TtlLowered
from blueshift.steps.located import located
from blueshift.steps.places import Places
from blueshift.steps.quiesce import QuiesceSettings
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.worlds import world

PLAYBOOK = load(find("blue-green"), settings_types())
OLD, HARDENED, TARGET, FOREIGN, QUIET = (
    {"is": name} for name in ("old", "hardened", "target", "foreign", "quiet")
)
TEMPORARY = TemporaryReady("demo-blueshift", "demo-blueshift", "uid-t", ("198.18.0.60",), ("2001:2::60",))


class Bench:
    """A run in the middle, over a fake API server."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.clock = ManualClock()
        self.world = world(2)
        self.moved: set[str] = set()
        places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
        self.tools: Tools = replace(
            offline(self.world, places, "r1"),
            kube=cast(Any, self.kube),
            clock=self.clock,
            dns=cast(Any, self),
            record=cast(Any, self),
            revisions=cast(
                Any,
                SimpleNamespace(
                    before=lambda: self.revision(OLD),
                    hardened=lambda grace: self.revision(HARDENED),
                    target=lambda grace: self.revision(TARGET),
                    quiesced=lambda of, quiet: self.revision(QUIET),
                ),
            ),
        )
        self.steps = compile_track(PLAYBOOK, self.tools)
        self.journal = Journal(
            run="r1", release="demo", namespace="ingress", cluster="uid", plan="p", playbook="blue-green",
            created=self.clock.utc(), track=tuple(step.id for step in self.steps),
        )  # fmt: skip
        self.release("ingress", "demo", 3, OLD)

    def fact(self, kind: type[Any]) -> Any:
        return self.journal.fact(kind)

    def learnt(self, kind: type[Any]) -> Any:
        return self.journal.learnt(kind)

    async def read(self, questions: Sequence[tuple[str, str]]) -> list[Any]:
        """DNS: each name as it is before the run, or at the temporary."""
        records = {(r.name, r.type): r for name in self.world.moving() for r in name.records}
        away = {"A": TEMPORARY.ipv4, "AAAA": TEMPORARY.ipv6}
        return [
            msgspec.structs.replace(records[name, kind], values=away[kind])
            if name in self.moved
            else records[name, kind]
            for name, kind in questions
        ]

    @staticmethod
    def revision(values: dict[str, str]) -> Any:
        return SimpleNamespace(chart=SimpleNamespace(digest=""), values=values)

    def release(
        self, namespace: str, name: str, revision: int, values: Any, status: str = "deployed"
    ) -> None:
        raw = {
            "name": name, "namespace": namespace, "version": revision, "info": {"status": status},
            "config": values, "chart": {},
        }  # fmt: skip
        key = secret_name(name, revision)
        labels = {"owner": "helm", "name": name, "version": str(revision), "status": status}
        metadata = {"name": key, "namespace": namespace, "labels": labels, "resourceVersion": "1"}
        path = f"/api/v1/namespaces/{namespace}/secrets/{key}"
        self.kube.objects[path] = {"metadata": metadata, "data": {"release": encode(raw)}}

    def namespace(self, **labels: str) -> None:
        metadata = {"name": "demo-blueshift", "uid": "uid-t", "labels": labels}
        self.kube.objects["/api/v1/namespaces/demo-blueshift"] = {"metadata": metadata}

    def settled_before(self, step: str, state: State, *facts: msgspec.Struct) -> None:
        """Every step before `step` has settled; it has begun."""
        for one in self.journal.track:
            if one == step:
                break
            told = {fact_name(type(fact)): msgspec.to_builtins(fact) for fact in facts}
            self.write(StepSettled(one, "", state, told))
        self.write(Started(step))

    def write(self, entry: Any) -> None:
        self.journal = apply(self.journal, entry, self.clock.utc())

    async def surveyed(self, to: Any = "back") -> tuple[list[str], State, dict[type[Any], Any]]:
        found = await survey(self.journal, self.tools, self.steps, PLAYBOOK, to)
        facts = {type(fact): fact for fact in found.facts}
        return [entry.id for entry in found.entries], found.state, facts


def test_hashes_of_the_bench_are_helms() -> None:
    assert digest(OLD) != digest(TARGET)


async def test_cut_off_while_the_ttl_is_lowered() -> None:
    bench = Bench()
    bench.settled_before("forward/lower-ttl", State(preflight=True))
    entries, _, facts = await bench.surveyed()
    assert entries == ["restore-ttl"]
    assert facts == {TtlLowered: TtlLowered(60)}


async def test_cut_off_while_the_temporary_is_installed() -> None:
    bench = Bench()
    bench.settled_before("forward/install-temporary", State(ttl="low"), TtlLowered(60))
    bench.namespace(**{RUN_LABEL: "r1"})
    entries, state, facts = await bench.surveyed()
    assert entries == ["purge", "restore-ttl"]
    assert state.temporary == "partial"
    assert facts == {TemporaryReady: TemporaryReady("demo-blueshift", "demo-blueshift", "uid-t", (), ())}


async def test_a_track_that_was_compiled_without_a_temporary_sees_every_name_at_the_primary() -> None:
    bench = Bench()
    bench.settled_before("forward/install-temporary", State(ttl="low"), TtlLowered(60))
    bench.namespace(**{RUN_LABEL: "r1"})
    found = await survey(bench.journal, bench.tools, bench.steps, PLAYBOOK, "back")
    facts = {fact_name(type(fact)): msgspec.to_builtins(fact) for fact in found.facts}
    bench.write(Turned("back", (), (), found.state, "ann", "", facts))
    assert await located(bench.tools) == {"app00.lab.test": "primary", "app01.lab.test": "primary"}


async def test_a_namespace_that_is_not_the_runs_is_not_purged() -> None:
    bench = Bench()
    bench.settled_before("forward/install-temporary", State(ttl="low"), TtlLowered(60))
    bench.namespace()
    entries, state, _ = await bench.surveyed()
    assert entries == ["restore-ttl"]
    assert state.temporary == "absent"


async def test_a_prepared_namespace_is_emptied_and_stays() -> None:
    bench = Bench()
    bench.tools = replace(bench.tools, world=msgspec.structs.replace(bench.world, prepared=True))
    bench.settled_before("forward/install-temporary", State(ttl="low"), TtlLowered(60))
    bench.namespace()
    entries, state, facts = await bench.surveyed()
    assert entries == ["purge", "restore-ttl"]
    assert state.temporary == "partial"
    assert facts == {TemporaryReady: TemporaryReady("demo-blueshift", "demo-blueshift", "", (), ())}


async def test_names_that_have_moved_are_found_at_the_authority_and_not_in_the_journal() -> None:
    bench = Bench()
    state = State(ttl="low", temporary="ready", verified=("primary", "temporary"))
    bench.settled_before("forward/shift-to-temporary/wave-1", state, TtlLowered(60), TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    bench.moved = {"app00.lab.test"}
    entries, found, _ = await bench.surveyed()
    assert entries[:2] == ["gather-at-primary", "drain-temporary"]
    assert found.traffic == "split"


async def test_after_traffic_was_taken_back_the_drain_counts_from_now() -> None:
    bench = Bench()
    state = State(ttl="low", temporary="ready", verified=("primary", "temporary"), drained=())
    bench.settled_before("forward/shift-to-temporary/floor", state, TtlLowered(60), TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    bench.clock.advance(100)
    entries, _, facts = await bench.surveyed()
    assert entries[0] == "drain-temporary"
    assert facts[Swapped] == Swapped("primary", bench.clock.utc(), 60)


async def test_a_run_that_lowered_no_ttl_has_a_way_back_too() -> None:
    bench = Bench()
    state = State(temporary="ready", verified=("primary", "temporary"), drained=())
    bench.settled_before("forward/shift-to-temporary/floor", state, TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    entries, _, facts = await bench.surveyed()
    assert (entries[0], "purge" in entries) == ("drain-temporary", True)
    before = max(record.ttl for name in bench.world.moving() for record in name.records)
    assert facts[Swapped] == Swapped("primary", bench.clock.utc(), before)
    assert bench.tools.ttl == before


AWAY = State(
    ttl="low", temporary="ready", traffic="temporary", verified=("primary", "temporary"), drained=("primary",)
)


async def away(step: str, state: State = AWAY) -> Bench:
    """The run in a step while traffic is on the temporary."""
    bench = Bench()
    bench.settled_before(step, state, TtlLowered(60), TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    bench.moved = {"app00.lab.test", "app01.lab.test"}
    return bench


async def test_a_revision_that_was_never_made_leaves_the_primary_as_it_was() -> None:
    bench = await away("forward/harden")
    entries, state, _ = await bench.surveyed()
    assert entries[0] == "shift-to-primary"
    assert state.primary == "old"


@pytest.mark.parametrize("values", [HARDENED, TARGET])
async def test_a_revision_of_the_runs_is_put_right(values: dict[str, str]) -> None:
    bench = await away("forward/harden")
    bench.release("ingress", "demo", 4, values, "failed")
    entries, state, _ = await bench.surveyed()
    assert entries[:2] == ["restore-primary", "shift-to-primary"]
    assert state.primary == "unsure"
    assert "primary" not in state.verified


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [(FOREIGN, "deployed", "revision 4, deployed"), (TARGET, "pending-upgrade", "pending-upgrade")],
)
async def test_somebody_elses_revision_stops_it(values: Any, status: str, says: str) -> None:
    bench = await away("forward/upgrade")
    bench.release("ingress", "demo", 4, values, status)
    with pytest.raises(BlueshiftError, match=f"{says}, and that is not this run's doing"):
        await bench.surveyed()


async def test_a_floor_that_was_raised_and_not_settled_is_released() -> None:
    state = AWAY.but(primary="target")
    bench = await away("forward/shift-to-primary/floor", state)
    bench.release("ingress", "demo", 5, TARGET)
    intent = Intent("primary: HPA minimum to at least 4", {"hpa": 2, "replicas": 2}, {"at least": 4})
    bench.write(Intended("forward/shift-to-primary/floor", "scale", intent))
    entries, _, facts = await bench.surveyed()
    assert "release-floors" in entries
    assert facts[FloorPrimary] == FloorPrimary(4, 2, 2)


async def test_a_temporary_that_somebody_removed_is_no_place_to_go() -> None:
    bench = await away("forward/soak", AWAY.but(traffic="primary", primary="target"))
    bench.release("ingress", "demo", 5, TARGET)
    bench.moved = set()
    del bench.kube.objects[f"/api/v1/namespaces/demo-blueshift/secrets/{secret_name('demo-blueshift', 1)}"]
    bench.namespace(**{RUN_LABEL: "r1"})
    with pytest.raises(BlueshiftError, match="the temporary release has gone"):
        await bench.surveyed()


async def test_a_record_that_somebody_changed_is_told() -> None:
    bench = await away("forward/drain-primary")
    name = bench.world.names[0]
    changed = msgspec.structs.replace(name.records[0], values=("203.0.113.9",))
    bench.world = msgspec.structs.replace(bench.world)
    original = bench.read

    async def read(questions: Sequence[tuple[str, str]]) -> list[Any]:
        return [changed, *(await original(questions))[1:]]

    bench.read = read  # type: ignore[method-assign]
    with pytest.raises(BlueshiftError, match="was changed by somebody else"):
        await bench.surveyed()


async def test_panic_goes_to_the_side_that_proved_itself_last() -> None:
    bench = await away("forward/soak", AWAY.but(primary="target", verified=("temporary", "primary")))
    bench.release("ingress", "demo", 5, TARGET)
    entries, _, _ = await bench.surveyed("panic")
    assert entries == ["to-primary"]


def test_the_track_is_rebuilt_from_the_journal_with_ids_that_stay_unique() -> None:
    bench = Bench()
    settings = {"to": "primary", "names": ["app00.lab.test"]}
    for number, prefix in ((1, "back"), (2, "back-2")):
        track = TrackStep("gather", "gather-at-primary", settings)
        bench.write(Turned("back", (track,), (), State(), "ann", ""))
        assert bench.journal.turn is not None
        steps = turned_steps(bench.journal, bench.journal.turn, bench.tools)
        assert track_name("back", number) == prefix
        assert [step.id for step in steps] == [
            f"{prefix}/gather-at-primary/floor",
            f"{prefix}/gather-at-primary/wave-1",
        ]


QUIESCES = load(find("blue-green"), settings_types())
QUIESCES = msgspec.structs.replace(
    QUIESCES, steps=(*QUIESCES.steps, StepEntry("quiesce", "q", QuiesceSettings(side="primary"), "here"))
)


async def _found(bench: Bench) -> tuple[list[str], State]:
    found = await survey(bench.journal, bench.tools, bench.steps, QUIESCES, "back")
    return [entry.id for entry in found.entries], found.state


async def test_a_quiesced_revision_is_the_runs_and_is_taken_back_without_new_pods() -> None:
    bench = Bench()
    bench.moved = {"app00.lab.test", "app01.lab.test"}
    state = State(
        ttl="low", temporary="ready", traffic="temporary", verified=("primary", "temporary"), drained=(),
        quiesced=("primary",),
    )  # fmt: skip
    bench.settled_before("forward/drain-primary", state, TtlLowered(60), TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    bench.release("ingress", "demo", 4, QUIET)
    entries, _ = await _found(bench)
    assert entries[:3] == ["wake-primary", "shift-to-primary", "drain-temporary"]
    with pytest.raises(BlueshiftError, match="not this run's doing"):
        await bench.surveyed()  # by a playbook that has no quiesce it is somebody else's


async def test_a_harden_that_has_not_begun_left_the_quiesced_primary_as_it_was() -> None:
    bench = Bench()
    bench.moved = {"app00.lab.test", "app01.lab.test"}
    state = State(
        ttl="low", temporary="ready", traffic="temporary", verified=("primary", "temporary"),
        drained=("primary",), quiesced=("primary",),
    )  # fmt: skip
    bench.settled_before("forward/harden", state, TtlLowered(60), TEMPORARY)
    bench.release("demo-blueshift", "demo-blueshift", 1, OLD)
    bench.release("ingress", "demo", 4, QUIET)
    entries, found = await _found(bench)
    assert (found.primary, found.quiesced) == ("old", ("primary",))
    assert entries[:2] == ["wake-primary", "shift-to-primary"]
