"""A webhook that is dead, on a real API server: what a hold says of it, its switch, and its taking back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app.inputs import Frozen
from blueshift.app.webhook import ignore
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.world import HostFact, World
from blueshift.engine.entries import Resumed, Started, StoodStill
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Absent, Beside, Done
from blueshift.engine.state import State
from blueshift.engine.store import Runs, Writer
from blueshift.engine.waiting import Services
from blueshift.errors import Ambiguous, BlueshiftError
from blueshift.report.status import status_text
from blueshift.steps.webhook import PLACE, Switch, switches, taking_back, unsafe
from tests.contract.apiserver import ApiServer
from tests.unit.app.worlds import world as small
from tests.unit.engine.steps import ToyStep

KIND = ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations")
WEBHOOK = "validate.nginx.ingress.kubernetes.io"


class Held:
    """A run that holds on a cluster whose primary's webhook is dead."""

    def __init__(self, kube: KubeApi, namespace: str, uid: str) -> None:
        self.kube = kube
        self.clock = SystemClock()
        self.runs = Runs(kube, self.clock, namespace)
        self.configuration = f"admission-{namespace}"
        known = small(1)
        self.world: World = msgspec.structs.replace(
            known,
            cluster=msgspec.structs.replace(known.cluster, uid=uid),
            release=msgspec.structs.replace(known.release, namespace=namespace),
            hosts=(HostFact("app00.lab.test", (f"{namespace}/app00",)),),
        )
        self.events: list[Any] = []

    @property
    def path(self) -> str:
        return paths.apis(*KIND, None, self.configuration)

    async def dead_webhook(self, release: str = "demo") -> None:
        """Of this namespace alone: the API server is shared."""
        namespace = self.world.release.namespace
        webhook = {
            "name": WEBHOOK,
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 2,
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [
                {
                    "apiGroups": ["networking.k8s.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["ingresses"],
                }
            ],
        }
        annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
        metadata = {"name": self.configuration, "annotations": annotations}
        self.chart = {
            "apiVersion": KIND[0], "kind": "ValidatingWebhookConfiguration",
            "metadata": metadata, "webhooks": [webhook],
        }  # fmt: skip
        await self.helm_applies()
        await self._known()

    async def helm_applies(self) -> None:
        """As Helm 4 does: on the server, and a field of another manager is a conflict."""
        await self.kube.patch(self.path, self.chart, "apply", fieldManager="helm")

    async def _known(self) -> None:
        """The API server learns of a webhook by its own watch, a moment later."""
        for _ in range(100):
            if await unsafe(self.kube, self.world, "r1") is not None:
                return
            await self.clock.sleep(0.1)
        raise AssertionError("the webhook is not asked")

    async def open(self) -> Writer:
        frozen = Frozen(self.world, "blue-green", (), {}, "ingress-nginx")
        journal = Journal(
            run="r1", release="demo", namespace=self.world.release.namespace,
            cluster=self.world.cluster.uid, plan="p", playbook="blue-green",
            created=self.clock.utc(), holder="eve@far:1",
            track=("forward/upgrade", "forward/shift-to-primary"),
        )  # fmt: skip
        writer = await self.runs.create(journal, {"frozen.json": msgspec.json.encode(frozen)})
        await writer.write(Started("forward/upgrade"))
        await writer.write(StoodStill("forward/upgrade", "the primary is broken"))
        return writer

    async def policy(self) -> str:
        return str((await self.kube.get(self.path))["webhooks"][0]["failurePolicy"])

    def services(self) -> Services:
        async def observe(state: State) -> State:
            return state

        async def nobody(_: Standstill) -> Approval | None:
            return None

        async def due(state: State) -> Beside | None:
            journal = self.writer.journal
            return taking_back(self.kube, self.world, journal) if "primary" in state.verified else None

        return Services(self.clock, self.events.append, observe, nobody, due=due)

    writer: Writer


@pytest.fixture
async def held(kube: KubeApi, namespace: str) -> AsyncIterator[Held]:
    one = Held(kube, namespace, (await kube.identity()).uid)
    yield one
    if await kube.find(one.path) is not None:
        await kube.delete(one.path)


async def test_where_ingresses_can_be_written_a_hold_says_nothing(held: Held) -> None:
    assert await unsafe(held.kube, held.world, "r1") is None
    found = await held.kube.list(
        paths.apis("networking.k8s.io/v1", "ingresses", held.world.release.namespace)
    )
    assert found == [], "a dry run leaves nothing"


async def test_the_switch_is_offered_made_once_journalled_and_taken_back(held: Held) -> None:
    await held.dead_webhook()
    found = await unsafe(held.kube, held.world, "r1")
    assert found is not None
    assert WEBHOOK in found.reason
    assert [way.command for way in found.ways] == ["blueshift webhook r1 ignore --yes"]
    await held.open()
    assert await ignore(held.runs, "r1", held.events.append, lambda what: False) is None
    assert await held.policy() == "Fail"
    assert await ignore(held.runs, "r1", held.events.append, lambda what: True)
    assert await held.policy() == "Ignore"
    for _ in range(50):
        if await unsafe(held.kube, held.world, "r1") is None:
            break
        await held.clock.sleep(0.1)
    assert await unsafe(held.kube, held.world, "r1") is None
    journal = (await held.runs.open("r1")).journal
    assert journal.status == "holding", "the switch is no resume"
    assert journal.standstill is not None
    assert "failurePolicy Ignore" in status_text(journal, held.clock.utc())
    with pytest.raises(BlueshiftError, match="nothing to switch"):
        await ignore(held.runs, "r1", held.events.append, lambda what: True)

    held.writer = await held.runs.open("r1")
    await held.writer.write(Resumed("eve"))
    upgrade, shift = Upgrade("forward/upgrade", held), Shift("forward/shift-to-primary", held)
    outcome = await run_track(held.writer, [upgrade, shift], held.services())
    assert outcome.status == "succeeded"
    assert upgrade.saw == "Ignore", "not before the primary has proved itself"
    assert shift.saw == "Fail"
    assert switches(held.writer.journal) == {}
    owners = {one["manager"] for one in (await held.kube.get(held.path))["metadata"]["managedFields"]}
    assert owners == {"helm"}, "nothing of ours stands in the way of the next apply"


class Shift(ToyStep):
    def __init__(self, step: str, held: Held) -> None:
        super().__init__(step)
        self.held = held
        self.saw = ""

    async def settle(self) -> Any:
        self.saw = await self.held.policy()
        return await super().settle()


class Upgrade(Shift):
    """Cut off in its middle, it has the primary in pieces."""

    def during(self, state: State) -> State:
        return state.without_side("verified", "primary")


async def test_what_helm_has_set_back_meanwhile_is_found_done(held: Held) -> None:
    await held.dead_webhook()
    held.writer = await held.open()
    await ignore(held.runs, "r1", held.events.append, lambda what: True)
    change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}]
    await held.kube.patch(held.path, change, "json", fieldManager="helm")
    held.writer = await held.runs.open("r1")
    assert (await run_track(held.writer, [ToyStep("x")], held.services())).status == "succeeded"
    assert held.writer.journal.step(PLACE).effects["fail-1"].adopted


async def test_helm_that_applies_on_the_server_meets_no_conflict_while_it_is_switched(held: Held) -> None:
    await held.dead_webhook()
    held.writer = await held.open()
    await ignore(held.runs, "r1", held.events.append, lambda what: True)
    assert await held.policy() == "Ignore"
    await held.helm_applies()
    assert await held.policy() == "Fail"


async def test_a_switch_that_was_cut_off_before_it_was_given_up_is_finished(held: Held) -> None:
    await held.dead_webhook()
    change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
    await held.kube.patch(held.path, change, "json")
    release = (held.world.release.namespace, "demo")
    switch = Switch(held.kube, release, "ignore-1", held.configuration, (WEBHOOK,), "Ignore")
    assert isinstance(await switch.observe(None), Absent)
    await switch.do()
    assert isinstance(await switch.observe(None), Done)


async def test_a_webhook_of_another_release_is_named_and_left_alone(held: Held) -> None:
    await held.dead_webhook("another")
    found = await unsafe(held.kube, held.world, "r1")
    assert found is not None
    assert WEBHOOK in found.reason
    assert found.ways == ()
    await held.open()
    with pytest.raises(BlueshiftError, match="changes only what is of its release"):
        await ignore(held.runs, "r1", held.events.append, lambda what: True)
    assert await held.policy() == "Fail"


async def test_a_write_in_between_is_seen(held: Held) -> None:
    await held.dead_webhook()
    release = (held.world.release.namespace, "demo")
    switch = Switch(held.kube, release, "ignore-1", held.configuration, (WEBHOOK,), "Ignore")
    get = held.kube.get

    async def raced(path: str, **params: Any) -> Any:
        found = await get(path, **params)
        await held.kube.patch(path, {"metadata": {"labels": {"by": "somebody"}}})
        return found

    held.kube.get = raced  # type: ignore[method-assign]
    with pytest.raises(Ambiguous):
        await switch.do()
    held.kube.get = get  # type: ignore[method-assign]
    assert await held.policy() == "Fail"


async def test_who_may_not_create_ingresses_is_told_that_nobody_looked(
    held: Held, apiserver: ApiServer, tmp_path: Path
) -> None:
    config = apiserver.write_kubeconfig(tmp_path / "nobody", token=apiserver.nobody)
    kube = await KubeApi.connect(SystemClock(), kubeconfig=config)
    try:
        found = await unsafe(kube, held.world, "r1")
    finally:
        await kube.close()
    assert found is not None
    assert "not looked" in found.reason
    assert "may not create Ingresses" in found.reason


async def test_a_run_that_works_is_not_switched(held: Held) -> None:
    await held.dead_webhook()
    writer = await held.open()
    await writer.write(Resumed("eve"))
    with pytest.raises(BlueshiftError, match="does not hold"):
        await ignore(held.runs, "r1", held.events.append, lambda what: True)


async def test_the_printed_command_does_it_and_says_what_is_left_to_do(
    held: Held, apiserver: ApiServer
) -> None:
    await held.dead_webhook()
    found = await unsafe(held.kube, held.world, "r1")
    assert found is not None
    await held.open()
    argv = [
        *found.ways[0].command.split()[1:],
        "--kubeconfig",
        apiserver.kubeconfig,
        "--state-namespace",
        held.runs.namespace,
    ]

    async def blueshift() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from blueshift.cli.main import main; main()", *argv,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate()
        return process.returncode, told.decode()

    code, told = await blueshift()
    assert code == 0, told
    assert "sets it back" in told
    assert await held.policy() == "Ignore"
    for _ in range(50):  # the API server learns of the change a moment later
        if await unsafe(held.kube, held.world, "r1") is None:
            break
        await held.clock.sleep(0.1)
    code, told = await blueshift()
    assert code == 1
    assert "nothing to switch" in told
    assert "hint: " in told
