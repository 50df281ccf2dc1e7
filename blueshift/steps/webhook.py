"""Whether anybody can write an Ingress while a run stands still, and what can be done where nobody can.

A broken primary takes its validating webhook with it: with `failurePolicy: Fail` the API server then refuses
every Ingress of the cluster. The policy can be switched to Ignore while the run holds; it is switched back
when the primary has proved itself. Both are effects under `PLACE`, which is in no track.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.errors import ApiError, ApiFailing, Conflict, Forbidden, Invalid
from blueshift.cluster.ownership import disown, owns
from blueshift.discovery.world import World
from blueshift.engine.journal import Journal
from blueshift.engine.protocol import (
    Absent,
    Beside,
    Done,
    Foreign,
    Hold,
    Intent,
    Journalled,
    Observed,
    Way,
)
from blueshift.errors import Ambiguous, BlueshiftError

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

PLACE = "hold/webhook"
"""Where the journal keeps both switches: they belong to no step."""
_KIND = "validatingwebhookconfigurations"
_API = "admissionregistration.k8s.io/v1"
Policy = Literal["Ignore", "Fail"]
# The words of k8s.io/apiserver: pkg/util/webhook, and pkg/admission/plugin/webhook/errors.
_CALLING = re.compile(r'failed calling webhook "([^"]+)"')
_DENIED = re.compile(r'admission webhook "([^"]+)" denied')


class Refused(msgspec.Struct, frozen=True):
    """A webhook that does not answer keeps everybody from writing Ingresses."""

    webhook: str
    said: str
    """What the API server said."""
    configuration: str = ""
    """The ValidatingWebhookConfiguration, where it is the primary's own."""


async def refused(kube: KubeApi, world: World, run: str) -> Refused | str:
    """Try an Ingress of the primary's class as a dry run: who keeps it out, or, in words, that nobody does.

    A webhook that answers and denies the example is well. Raises BlueshiftError where it could not be told.
    """
    body = _example(world, run)
    namespace = body["metadata"]["namespace"]
    try:
        await kube.create(paths.apis("networking.k8s.io/v1", "ingresses", namespace), body, dryRun="All")
    except ApiFailing as failing:
        found = _CALLING.search(failing.message)
        if found is None:
            raise
        return Refused(found[1], failing.message, await _owned(kube, world, found[1]))
    except ApiError as error:
        if _DENIED.search(error.message):
            return f"the webhook answers: {error.message}"
        if isinstance(error, Forbidden):
            said = f"this user may not create Ingresses in {namespace}"
            raise BlueshiftError(said, hint="grant `create` on ingresses") from error
        raise
    return f"Ingresses can be written in {namespace}"


async def unsafe(kube: KubeApi, world: World, run: str) -> Hold | None:
    """What a person must know of Ingress writes at a standstill; None when they pass."""
    try:
        found = await refused(kube, world, run)
    except BlueshiftError as error:
        return Hold(f"it was not looked whether Ingresses can be written: {error}")
    if isinstance(found, str):
        return None
    said = (
        "nobody in this cluster can write an Ingress now: "
        f"the webhook {found.webhook} does not answer ({found.said})"
    )
    if not found.configuration:
        return Hold(f"{said}; it is not of {world.release.namespace}/{world.release.name}, and left alone")
    way = Way(
        "let Ingresses be written meanwhile, unchecked, until the primary has proved itself",
        f"blueshift webhook {run} ignore --yes",
    )
    return Hold(said, (way,))


class Switch:
    """failurePolicy of the primary's webhooks, by compare-and-swap on what was read."""

    def __init__(
        self,
        kube: KubeApi,
        release: tuple[str, str],
        key: str,
        configuration: str,
        webhooks: tuple[str, ...],
        to: Policy,
    ) -> None:
        self._kube = kube
        self._release = release
        self._path = paths.apis(_API, _KIND, None, configuration)
        self._webhooks = webhooks
        self._to = to
        self.key = key
        before: Policy = "Fail" if to == "Ignore" else "Ignore"
        self.intent = Intent(
            f"failurePolicy {to} in ValidatingWebhookConfiguration {configuration}",
            expected={"configuration": configuration, "webhooks": dict.fromkeys(webhooks, before)},
            wanted={"configuration": configuration, "webhooks": dict.fromkeys(webhooks, to)},
            bound=30.0,
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Helm may have made it anew meanwhile, or removed it: then nothing is left to take back."""
        found = await self._kube.find(self._path)
        if found is not None and _release(found) != self._release:
            return Foreign(f"it is of {'/'.join(_release(found))} now")
        policies = [one.get("failurePolicy") for _, one in self._ours(found or {})]
        if not policies:
            return Done() if self._to == "Fail" else Foreign("the webhook is gone")
        # What we own would stop Helm's next apply, which on the way back comes before the switch back.
        done = all(policy == self._to for policy in policies) and not owns(found or {})
        return Done() if done else Absent()

    async def do(self) -> None:
        """Switch all of them in one patch. Raises Ambiguous when somebody wrote in between."""
        found = await self._kube.get(self._path)
        version = found["metadata"]["resourceVersion"]
        change: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/resourceVersion", "value": version}]
        for place, webhook in self._ours(found):
            change += [
                {"op": "test", "path": f"/webhooks/{place}/name", "value": webhook["name"]},
                {"op": "replace", "path": f"/webhooks/{place}/failurePolicy", "value": self._to},
            ]
        try:
            await self._kube.patch(self._path, change, "json")
            await disown(self._kube, self._path)
        except (Conflict, Invalid) as error:
            raise Ambiguous(f"somebody changed it meanwhile: {error}") from error

    def _ours(self, found: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
        webhooks = found.get("webhooks") or ()
        return [(place, one) for place, one in enumerate(webhooks) if one["name"] in self._webhooks]


async def ignoring(kube: KubeApi, world: World, journal: Journal) -> Switch:
    """The switch to Ignore, as a person asks for it at a standstill.

    Raises BlueshiftError where Ingresses can be written, or where what keeps them out is not the primary's.
    """
    found = await refused(kube, world, journal.run)
    if isinstance(found, str):
        raise BlueshiftError(
            f"there is nothing to switch: {found}", hint=f"`blueshift status {journal.run}` shows the ways on"
        )
    if not found.configuration:
        raise BlueshiftError(
            f"the webhook {found.webhook} is not of {world.release.namespace}/{world.release.name}: "
            "a run changes only what is of its release",
            hint=f"`kubectl get {_KIND}` shows whose it is",
        )
    effects = journal.step(PLACE).effects
    turns = sum(key.startswith("ignore-") for key in effects)
    # One that was cut off goes on under its own number; each that was done is taken back by its own number.
    if not turns or effects[f"ignore-{turns}"].done or f"fail-{turns}" in effects:
        turns += 1
    return Switch(kube, _of(world), f"ignore-{turns}", found.configuration, (found.webhook,), "Ignore")


def taking_back(kube: KubeApi, world: World, journal: Journal) -> Beside | None:
    """The switches that are not taken back yet, as effects; None where there is none."""
    due: list[Switch] = []
    for turn, switched in switches(journal).items():
        before: dict[str, Any] = switched.intent.expected
        webhooks = tuple(before["webhooks"])
        due.append(Switch(kube, _of(world), f"fail-{turn}", before["configuration"], webhooks, "Fail"))
    return Beside(PLACE, tuple(due)) if due else None


def switches(journal: Journal) -> dict[str, Journalled]:
    """The switches to Ignore that are not known to be taken back, by their turn."""
    effects = journal.step(PLACE).effects
    turns = [key.removeprefix("ignore-") for key in effects if key.startswith("ignore-")]
    back = {turn: effects.get(f"fail-{turn}") for turn in turns}
    return {turn: effects[f"ignore-{turn}"] for turn, one in back.items() if not (one and one.done)}


def _of(world: World) -> tuple[str, str]:
    return world.release.namespace, world.release.name


async def _owned(kube: KubeApi, world: World, webhook: str) -> str:
    """The name of the primary's configuration that has this webhook; empty where another's has."""
    for found in await kube.list(paths.apis(_API, _KIND)):
        names = [one["name"] for one in found.get("webhooks") or ()]
        if webhook in names and _release(found) == _of(world):
            return str(found["metadata"]["name"])
    return ""


def _release(found: Mapping[str, Any]) -> tuple[str, str]:
    annotations = found["metadata"].get("annotations") or {}
    return (
        annotations.get("meta.helm.sh/release-namespace", ""),
        annotations.get("meta.helm.sh/release-name", ""),
    )


def _example(world: World, run: str) -> dict[str, Any]:
    """An Ingress where the primary serves some, by a name and a host that nobody has."""
    spaces = [one.partition("/")[0] for host in world.hosts for one in host.ingresses]
    namespace = world.controller.watches or (spaces[0] if spaces else world.release.namespace)
    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": "blueshift-hold", "port": {"number": 80}}},
    }
    spec: dict[str, Any] = {"rules": [{"host": f"blueshift-{run}.invalid", "http": {"paths": [path]}}]}
    if world.controller.classes:
        spec["ingressClassName"] = world.controller.classes[0]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": f"blueshift-hold-{run}", "namespace": namespace},
        "spec": spec,
    }
