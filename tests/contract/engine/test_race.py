"""Two runners race for one release, up to the first effect: the effect happens once."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.app import runs as app
from blueshift.app.session import Session
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.lease import Held, Lease
from blueshift.engine.loop import Outcome, run_track
from blueshift.engine.protocol import Absent, Done, Effect, Intent, Journalled, Observed
from blueshift.engine.state import State
from blueshift.engine.store import FenceLost, Runs, Writer, ensure_namespace
from blueshift.engine.waiting import Services
from blueshift.errors import BlueshiftError
from tests.contract.apiserver import ApiServer
from tests.unit.engine.steps import ToyStep

ROUNDS = 100
AT_ONCE = 10
FAST = 5.0
"""A lease lasts three seconds."""
LEAVES: dict[str, asyncio.Event] = {}
"""By release: set when its winner may leave."""


class FastClock(SystemClock):
    """Every second is a fifth."""

    def now(self) -> float:
        return super().now() * FAST

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / FAST)


class Once:
    """An effect that is seen as often as it was done: nothing about it is idempotent."""

    key = "effect"
    intent = Intent("make one object more", bound=60.0)

    def __init__(self, kube: KubeApi, namespace: str, release: str) -> None:
        self.kube = kube
        self.maps = paths.core("configmaps", namespace)
        self.release = release

    async def made(self) -> int:
        return len(await self.kube.list(self.maps, labelSelector=f"effect-of={self.release}"))

    async def observe(self, journalled: Journalled | None) -> Observed:
        return Done() if await self.made() else Absent()

    async def do(self) -> None:
        metadata = {"generateName": "effect-", "labels": {"effect-of": self.release}}
        await self.kube.create(self.maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


class OneStep(ToyStep):
    def __init__(self, effect: Once) -> None:
        super().__init__("only")
        self.effect = effect

    async def effects(self) -> Sequence[Effect]:
        return [self.effect]


class Runner:
    """One of two processes, with connections of its own. What it knows of the world comes from the test;
    how it claims the release is the product's."""

    def __init__(self, kube: KubeApi, namespace: str, release: str, state: str, run: str) -> None:
        self.kube = kube
        self.run = run
        self.release = release
        self.namespace = namespace
        self.clock = FastClock()
        self.effect = Once(kube, namespace, release)
        self.session = cast(
            Session,
            SimpleNamespace(
                kube=kube,
                clock=self.clock,
                runs=Runs(kube, self.clock, state),
                cluster=SimpleNamespace(uid="uid"),
            ),
        )
        self.looked: Any = SimpleNamespace(
            world=SimpleNamespace(release=SimpleNamespace(name=release, namespace=namespace)),
            profile=None,
            revisions=None,
        )

    async def start(self) -> Outcome:
        nothing: Any = None
        return await app.start(
            self.session, self.looked, nothing, self.run, lambda event: None, asyncio.Event()
        )

    async def resume(self) -> Outcome:
        nothing: Any = None
        return await app.resume(self.session, nothing, self.run, lambda event: None, asyncio.Event())


def journal(release: str, namespace: str, run: str, by: str) -> Journal:
    return Journal(
        run=run,
        release=release,
        namespace=namespace,
        cluster="uid",
        plan="hash",
        playbook="toy",
        created=SystemClock().utc(),
        track=("only",),
        holder=by,
    )


Runners = Callable[[str, str, str], Runner]


@pytest.fixture
async def racing(
    apiserver: ApiServer, kube: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Runners, str]]:
    """A maker of runners, and the namespace of the releases."""
    namespace = f"race-{secrets.token_hex(3)}"
    await ensure_namespace(kube, namespace)
    runners: dict[int, Runner] = {}
    apis = [await KubeApi.connect(FastClock(), kubeconfig=apiserver.kubeconfig) for _ in range(2)]
    made = 0

    def make(release: str, state: str, run: str) -> Runner:
        nonlocal made
        made += 1
        runner = Runner(apis[made % 2], namespace, release, state, run)
        runners[id(runner.session)] = runner
        return runner

    async def look_again(session: Session) -> dict[str, Any]:
        return {}

    async def create(
        session: Session, looked: Any, playbook: object, run: str, by: str, *_: object
    ) -> Writer:
        release = looked.world.release
        return await session.runs.create(journal(release.name, release.namespace, run, by), {})

    async def rebuilt(session: Session, *_: object) -> Any:
        return None, (OneStep(runners[id(session)].effect),), None

    async def carry(
        session: Session,
        writer: Writer,
        tools: object,
        steps: Any,
        playbook: object,
        lease: Lease,
        *_: Any,
        **__: Any,
    ) -> Outcome:
        """As app.carry, for a world without pods and names; it stays until its rival has ended."""

        async def observe(state: State) -> State:
            return state

        async def approval(standstill: Standstill) -> Approval | None:
            return None

        keeping = asyncio.create_task(lease.keep())
        try:
            services = Services(session.clock, lambda event: None, observe, approval, alive=lease.check)
            outcome = await run_track(writer, (OneStep(runners[id(session)].effect),), services)
            await LEAVES[writer.journal.release].wait()
            return outcome
        finally:
            keeping.cancel()
            await lease.release(finished=False)

    for name, stand_in in {
        "look_again": look_again,
        "changed": lambda *_: "",
        "build": lambda *_, **__: None,
        "compile_track": lambda *_: (),
        "_create": create,
        "_rebuilt": rebuilt,
        "carry": carry,
    }.items():
        monkeypatch.setattr(app, name, stand_in)
    yield make, namespace
    for api in apis:
        await api.close()


async def raced(one: Awaitable[Outcome], two: Awaitable[Outcome], leaves: asyncio.Event) -> list[Any]:
    """Both from about the same moment on; the first that ends lets the other go."""

    async def soon(runner: Awaitable[Outcome]) -> Outcome:
        await asyncio.sleep(random.random() / 50)
        return await runner

    tasks = [asyncio.create_task(soon(one)), asyncio.create_task(soon(two))]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    assert done, "the one that lost was not told"
    leaves.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def in_turns(round_: Callable[[int], Awaitable[None]]) -> None:
    for first in range(0, ROUNDS, AT_ONCE):
        await asyncio.gather(*map(round_, range(first, first + AT_ONCE)))


async def test_of_two_that_start_one_upgrades(racing: tuple[Runners, str]) -> None:
    """Every other round with two state namespaces: the Lease of the release is where they meet."""
    make, _namespace = racing
    base = secrets.token_hex(3)
    lost: list[BaseException] = []

    async def round_(number: int) -> None:
        release = f"r{number}"
        states = [f"state-{base}", f"state-{base}" if number % 2 else f"other-{base}"]
        leaves = LEAVES[release] = asyncio.Event()
        one, two = (
            make(release, state, f"{release}-{letter}") for state, letter in zip(states, "ab", strict=True)
        )
        results = await raced(one.start(), two.start(), leaves)
        errors = [found for found in results if isinstance(found, BaseException)]
        assert len(errors) == 1, results
        assert isinstance(errors[0], BlueshiftError), errors
        assert await one.effect.made() == 1
        lost.extend(errors)

    await in_turns(round_)
    assert sum(isinstance(error, Held) for error in lost) >= ROUNDS // 2, (
        "two state namespaces meet nowhere else"
    )


async def test_of_two_that_resume_one_carries_on(racing: tuple[Runners, str], kube: KubeApi) -> None:
    make, namespace = racing
    state = f"state-{secrets.token_hex(3)}"
    runs = Runs(kube, SystemClock(), state)

    async def round_(number: int) -> None:
        release = f"s{number}"
        await runs.create(journal(release, namespace, release, "dead"), {})
        leaves = LEAVES[release] = asyncio.Event()
        one, two = make(release, state, release), make(release, state, release)
        results = await raced(one.resume(), two.resume(), leaves)
        errors = [found for found in results if isinstance(found, BaseException)]
        assert len(errors) == 1, results
        assert isinstance(errors[0], Held | FenceLost), errors
        assert await one.effect.made() == 1

    await in_turns(round_)


async def test_two_that_ask_no_lease_meet_at_the_journal(
    racing: tuple[Runners, str], kube: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Lease only tells people who is at work: taken away, the journal alone lets one carry on."""
    make, namespace = racing
    state = f"state-{secrets.token_hex(3)}"
    runs = Runs(kube, SystemClock(), state)

    async def nothing(*_: object, **__: object) -> None:
        return None

    for name in ("acquire", "keep", "release"):
        monkeypatch.setattr(Lease, name, nothing)

    async def round_(number: int) -> None:
        release = f"t{number}"
        await runs.create(journal(release, namespace, release, "dead"), {})
        leaves = LEAVES[release] = asyncio.Event()
        one, two = make(release, state, release), make(release, state, release)
        results = await raced(one.resume(), two.resume(), leaves)
        assert await one.effect.made() == 1, results
        for found in results:
            assert isinstance(found, Outcome | FenceLost), results

    await in_turns(round_)
