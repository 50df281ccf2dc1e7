"""The soak's verdict, from what pods print: a side that does worse, or is seen too little, is no pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app.sides import watch_sides
from blueshift.cluster.workloads import Rollout
from blueshift.engine.evidence import Evidence
from blueshift.engine.protocol import Hold, Settled, Wait
from blueshift.engine.state import SideName, State
from blueshift.steps import soak as soaks
from blueshift.steps import verdict as verdicts
from blueshift.steps.facts import Baseline, Row
from blueshift.steps.follower import Follower
from blueshift.steps.proof import Proof
from blueshift.steps.quiesce import WakeSettings
from blueshift.steps.soak import Soak, SoakSettings, soaking
from blueshift.steps.verdict import wave_verdict
from blueshift.traffic.judge import Verdict
from blueshift.traffic.routes import Route, Routes
from blueshift.traffic.sketch import Sketch, packed
from tests.unit.steps.sides import CONFIG, Hand, Pods, follower_of

HOSTS = tuple(f"h{number}.org" for number in range(10))
SETTINGS = SoakSettings(lasts=300.0)
Meddle = Callable[["Run", int], None]


class Run:
    """A run before its first shift, then in its soak."""

    def __init__(self, config: Mapping[str, str] | None = None) -> None:
        self.clock = Hand()
        self.kube = Pods(self.clock, config)
        self.baseline: Baseline | None = None
        self.began: float | None = None
        self.evidence = Evidence()
        self.emitted: list[Any] = []
        self.tools = SimpleNamespace(
            run="r1",
            clock=self.clock,
            world=SimpleNamespace(moving=tuple),
            witness=SimpleNamespace(pods=self.pods),
            record=SimpleNamespace(
                fact=lambda kind: self.baseline,
                waited=lambda step, key: None if self.began is None else self.clock.elapsed - self.began,
                approved=lambda step, gate: False,
            ),
            followers={},
        )
        self.bad: dict[str, float] = {}
        """Host → the share of its answers that fail."""
        self.refused: dict[str, float] = {}
        """Host → the share of its answers that are refusals."""
        self.hosts = HOSTS
        self.slow = 0.01

    async def pods(self, side: str) -> Rollout:
        return Rollout(True, None, "", 2 * (side == "primary"), 2 * (side == "primary"))

    def follow(self) -> asyncio.Task[None]:
        followers = {side: follower_of(self.kube, cast(Any, side)) for side in ("primary", "temporary")}
        self.tools.followers = followers
        return asyncio.create_task(followers["primary"].run())

    @property
    def primary(self) -> Follower:
        return cast(Follower, self.tools.followers["primary"])

    def traffic(self, times: int = 20) -> None:
        for number, host in enumerate(self.hosts):
            failed = round(times * self.bad.get(host, 0.0))
            refused = round(times * self.refused.get(host, 0.0))
            pod = f"p{1 + number % 2}"
            self.kube.asked(host, times=times - failed - refused, pod=pod, took=self.slow)
            self.kube.asked(host, times=refused, pod=pod, status=401, took=self.slow)
            self.kube.asked(host, times=failed, pod=pod, status=502, took=self.slow)

    async def lasts(self, rounds: int, running: asyncio.Task[None], times: int = 20) -> None:
        for _ in range(rounds):
            self.traffic(times)
            await self.clock.passed(5.0, running)

    async def soaked(self, meddle: Meddle, step: Soak | None = None) -> Hold | Settled:
        """Watched for a while, then soaked with `meddle` between its looks."""
        running = self.follow()
        emit = asyncio.create_task(watch_sides(cast(Any, self.tools), self.seen))
        await self.clock.passed(5.0, running)
        await self.lasts(12, running)
        self.baseline = msgspec.convert(msgspec.to_builtins(self.primary.baseline()), Baseline)
        step = step or Soak("forward/soak", SETTINGS, cast(Any, self.tools))
        meddle(self, -1)
        looks = 0
        while True:
            answer = await step.settle()
            if not isinstance(answer, Wait):
                break
            self.began = self.clock.elapsed if self.began is None else self.began
            await self.lasts(1, running)
            meddle(self, looks)
            looks += 1
        for task in (running, emit):
            task.cancel()
        assert isinstance(answer, Hold | Settled)
        return answer

    def seen(self, event: Any) -> None:
        self.emitted.append(event)
        assert self.evidence.add(event)


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prove(*_: Any) -> Proof:
        return Proof(False, "2 ready pods, 10 probes answered")

    async def configured(*_: Any) -> Routes:
        return Routes(tuple(Route(host, "/") for host in HOSTS), unlogged=("h9.org", "*.dark.org"))

    monkeypatch.setattr(soaks, "prove", prove)
    monkeypatch.setattr(verdicts, "configured", configured)


def verdict_of(answer: Hold | Settled) -> Verdict:
    assert isinstance(answer, Settled), answer
    (found,) = answer.facts
    assert isinstance(found, Verdict)
    return found


async def test_a_primary_that_does_as_before_passes_with_its_numbers() -> None:
    run = Run()
    found = verdict_of(await run.soaked(lambda run, look: None))
    assert found.outcome == "pass", found.reasons
    assert found.numbers["log.new.requests"] > 5_000
    assert found.numbers["log.new.latency"] == pytest.approx(0.01, rel=0.02)
    assert found.numbers["metrics.targets"] == 10
    seen = run.evidence.sides["primary"][-1]
    assert [seen.p50_s, seen.p95_s] == pytest.approx([0.01, 0.01], rel=0.02)
    both = [one for one in run.evidence.sides["primary"] if one.statuses_per_s and one.requests_per_s]
    logged = sum(one.statuses_per_s["2xx"] for one in both)
    assert logged == pytest.approx(sum(one.requests_per_s or 0.0 for one in both), rel=0.1)
    assert {(one.witness, one.pod, one.gaps) for one in run.evidence.watched} == {
        (witness, pod, ()) for witness in ("log", "metrics") for pod in ("p1", "p2")
    }
    told = [one for one in run.emitted if one.__class__.__name__ == "WitnessSeen"]
    assert len(told) <= 4 * (run.clock.elapsed / 30 + 2)


def probing(run: Run, look: int) -> None:
    run.primary.sent(170)


async def test_counters_from_which_many_probes_were_taken_off_leave_a_pass_to_the_log() -> None:
    found = verdict_of(await Run().soaked(probing))
    assert found.outcome == "pass", found.reasons
    assert 100 <= found.numbers["metrics.new.requests"] < 1_900
    assert all(reason.startswith("by the log: ") for reason in found.reasons)


def unlogged(run: Run, look: int) -> None:
    probing(run, look)
    run.kube.counted["p1", "h3.org", 502] += look == 5


async def test_an_error_that_the_log_does_not_have_is_not_left_to_the_log() -> None:
    answer = await Run().soaked(unlogged)
    assert isinstance(answer, Hold)
    assert "verdict marginal: by the metrics: 1 of" in answer.reason
    assert [found.outcome for found in answer.facts if isinstance(found, Verdict)] == ["marginal"]
    assert [way.command for way in answer.ways] == ["blueshift resume r1"]


def failing(run: Run, look: int) -> None:
    run.bad = {"h3.org": 0.5}


def slower(run: Run, look: int) -> None:
    run.slow = 0.4


@pytest.mark.parametrize(("meddle", "why"), [(failing, "h3.org fails"), (slower, "p95 0.4")])
async def test_a_primary_that_does_worse_holds_the_run(meddle: Meddle, why: str) -> None:
    answer = await Run().soaked(meddle)
    assert isinstance(answer, Hold)
    assert answer.retreat
    assert why in answer.reason
    assert "before: verdict fail" in answer.reason, "what was judged comes first"
    assert [found.outcome for found in answer.facts if isinstance(found, Verdict)] == ["fail"]


def burst(run: Run, look: int) -> None:
    if look == 20:
        run.kube.asked("h3.org", times=60, status=502)


async def test_one_burst_of_errors_takes_no_traffic_back_and_asks_a_person() -> None:
    run = Run()
    answer = await run.soaked(burst)
    assert isinstance(answer, Hold)
    assert (answer.gate, answer.retreat) == (soaks.GATE, False)
    assert "verdict marginal: by the log: 60 of" in answer.reason


def silent(run: Run, look: int) -> None:
    run.hosts = HOSTS[1:]


def unlogged_silent(run: Run, look: int) -> None:
    run.hosts = HOSTS[:9]


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        ({"h1.org": 1.0}, "by the log: h1.org is asked or served too seldom now"),
        (
            dict.fromkeys(HOSTS, 0.5),
            "by the log: 50.0% of the answers are redirects or refusals, baseline 0.0%",
        ),
    ],
)
async def test_clients_that_are_turned_away_ask_a_person(refused: dict[str, float], why: str) -> None:
    run = Run()

    def meddle(run: Run, look: int) -> None:
        run.refused = refused

    answer = await run.soaked(meddle)
    assert isinstance(answer, Hold)
    assert (answer.gate, answer.retreat) == ("accept-verdict", False)
    assert why in answer.reason, "the counters, which have as many requests, do not overrule the log"


async def test_a_host_that_nobody_asks_any_more_asks_a_person() -> None:
    answer = await Run().soaked(silent)
    assert isinstance(answer, Hold)
    assert answer.gate == soaks.GATE
    assert "verdict nodata: by the log: h0.org is asked or served too seldom now" in answer.reason
    assert verdict_of(await Run().soaked(unlogged_silent)).outcome == "pass", "its access log is off"


def rotated_while_cut(run: Run, look: int) -> None:
    if look == 10:
        run.kube.unreachable = True
        run.kube.cut("p2")
    if look == 12:
        run.kube.rotate("p2")
        run.kube.unreachable = False


def cut(run: Run, look: int) -> None:
    if look in (10, 30):
        run.kube.cut("p2")


def unread(run: Run, look: int) -> None:
    for _ in range(look == 10):
        run.kube.write(b"what is this")


def much_unread(run: Run, look: int) -> None:
    for _ in range(20):
        run.kube.write(b"what is this")


async def test_a_log_that_was_rotated_while_its_stream_was_cut_is_at_best_marginal() -> None:
    run = Run()
    answer = await run.soaked(rotated_while_cut)
    assert isinstance(answer, Hold)
    assert answer.gate == soaks.GATE
    assert "verdict marginal: the log of p2 is missing from 00:0" in answer.reason
    (log,) = [one for one in run.evidence.watched if (one.witness, one.pod) == ("log", "p2")]
    ((begin, end),) = log.gaps
    assert end is not None
    assert 5 <= (end - begin).total_seconds() <= 60
    assert [one.gaps for one in run.evidence.watched if one is not log] == [()] * 3


@pytest.mark.parametrize("meddle", [cut, unread])
async def test_a_stream_that_gives_all_again_misses_nothing(meddle: Meddle) -> None:
    run = Run()
    found = verdict_of(await run.soaked(meddle))
    assert found.outcome == "pass"
    since = run.clock.start.timestamp()
    assert run.primary.logged(since).whole.requests == sum(run.kube.counted.values())


async def test_a_log_of_which_much_cannot_be_read_is_at_best_marginal() -> None:
    answer = await Run().soaked(much_unread)
    assert isinstance(answer, Hold)
    assert "verdict marginal: " in answer.reason
    assert "lines could not be read" in answer.reason


async def test_an_access_log_that_is_off_is_at_best_marginal_and_names_what_is_unseen() -> None:
    answer = await Run({**CONFIG, "disable-access-log": "true"}).soaked(lambda run, look: None)
    assert isinstance(answer, Hold)
    assert "verdict marginal: the access log of the primary does not show every request" in answer.reason
    assert "by the metrics" in answer.reason


async def test_hosts_that_no_witness_sees_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def configured(*_: Any) -> Routes:
        return Routes((Route("*.dark.org", "/"), Route("h1.org", "/")), unlogged=("*.dark.org",))

    monkeypatch.setattr(verdicts, "configured", configured)
    found = verdict_of(await Run().soaked(lambda run, look: None))
    assert found.outcome == "pass"
    assert found.reasons[-1] == "no witness sees *.dark.org"


async def test_a_soak_that_is_taken_up_reads_what_was_written_meanwhile() -> None:
    run = Run()
    await run.soaked(rotated_while_cut)
    assert run.began is not None
    record = SimpleNamespace(
        track=("a", "forward/soak"), settled=lambda step: step == "a", waited=lambda step, key: 300.0
    )
    assert soaking(cast(Any, record)) == 300.0
    assert soaking(cast(Any, SimpleNamespace(track=("a",), settled=lambda step: True))) == 0.0


async def test_a_wave_is_compared_with_the_same_hosts_before() -> None:
    """The canary had no errors before, the other hosts many: its own are not excused by theirs."""
    run = Run()
    running = run.follow()
    await run.clock.passed(5.0, running)
    run.bad = dict.fromkeys(HOSTS[1:], 0.5)
    await run.lasts(12, running)
    run.tools.record.learnt = lambda kind: None
    assert wave_verdict(cast(Any, run.tools), "primary", 0.0) is None, "no baseline yet"
    baseline = run.primary.baseline()
    run.tools.record.learnt = lambda kind: baseline
    outcomes = []
    for share in (0.0, 0.1):
        run.hosts, run.bad = HOSTS[:1], {HOSTS[0]: share}
        wave_verdict(cast(Any, run.tools), "primary", 0.0)
        began = run.clock.elapsed
        await run.lasts(12, running, times=200)
        found = wave_verdict(cast(Any, run.tools), "primary", run.clock.elapsed - began)
        assert found is not None
        outcomes.append(found.outcome)
    running.cancel()
    assert outcomes == ["pass", "fail"]


def test_latencies_of_an_older_journal_have_the_lengths_of_sessions_in_them() -> None:
    sketch = Sketch()
    sketch.add(0.1, 500)
    for turned, timed in (((), False), ((7,), True)):
        row = msgspec.convert(["", 500, 1, list(packed(sketch)), *turned], Row)
        observed = row.observed()
        assert (observed.requests, observed.latency is not None) == (500, timed)


def test_an_older_journal_has_counters_alone() -> None:
    old = msgspec.convert({"requests": 10, "errors": 1, "seconds": 2.0}, Baseline)
    assert (old.by_counters().whole.requests, old.by_log().whole.requests) == (10, 0)


async def test_the_baseline_of_thousands_of_hosts_is_small() -> None:
    run = Run()
    run.hosts = tuple(f"a-rather-long-name-of-a-host-{number}.shop.example.org" for number in range(2500))
    running = run.follow()
    await run.clock.passed(1.0, running)
    for number in range(8):
        run.slow = 0.001 * 1.5**number
        await run.lasts(1, running, times=2)
    running.cancel()
    baseline = run.primary.baseline()
    assert baseline.log is not None
    assert baseline.log.requests == 2500 * 16
    assert len(msgspec.json.encode(baseline)) < 100_000


@pytest.mark.parametrize("quiesced", [(), ("temporary",)])
async def test_traffic_is_taken_back_to_no_side_whose_connections_end_early(
    quiesced: tuple[SideName, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []

    async def waking(_: Any, settings: WakeSettings) -> Any:
        woken.append(settings.side)
        return "wake"

    async def moved(*_: Any) -> tuple[Any, ...]:
        return ("names",)

    monkeypatch.setattr(soaks, "waking", waking)
    monkeypatch.setattr(soaks, "present", moved)
    run = Run()
    state = State("primary", "ready", "target", ("temporary", "primary"), ("temporary",), quiesced=quiesced)
    steps = ("shift-to-primary/floor", "shift-to-primary/wave-1", "quiesce-temporary", "soak")
    run.tools.record.state, run.tools.record.track = state, steps
    run.tools.moving = tuple
    run.tools.target = lambda side: side
    run.tools.ttl = 60
    run.tools.shifter = SimpleNamespace(effects=moved)
    found = await Soak("soak", SETTINGS, cast(Any, run.tools)).retreat()
    assert found is not None
    assert [str(one) for one in found.effects] == [*("wake" for _ in quiesced), "names"]
    assert woken == list(quiesced)
    assert (found.state.traffic, found.state.quiesced, found.steps) == ("temporary", (), steps)
