"""The shipped admission policy on a real API server: names are held to, and nothing but words is written."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiError, Forbidden
from blueshift.engine import control, policy, words
from blueshift.engine.entries import StoodStill
from blueshift.engine.journal import Approval, Journal
from blueshift.engine.store import Runs, Writer, ensure_namespace
from blueshift.engine.words import Speaker
from tests.contract.apiserver import ApiServer
from tests.contract.engine.test_fence import journal


@dataclass(frozen=True)
class Place:
    """A control namespace of the test's own, and a user who may only say words there."""

    namespace: str
    writer: Writer
    nobody: KubeApi

    @property
    def journal(self) -> Journal:
        return self.writer.journal


async def allow(kube: KubeApi, namespace: str, *verbs: str, resource: str = "configmaps") -> None:
    """Let the user `nobody` do it there."""
    name = f"nobody-{secrets.token_hex(3)}"
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    await kube.create(paths.apis(f"{rbac}/v1", "roles", namespace), role)
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": "nobody"}],
    }
    await kube.create(paths.apis(f"{rbac}/v1", "rolebindings", namespace), binding)


async def install(kube: KubeApi, control_namespace: str) -> None:
    """Apply the policy and wait until the API server goes by it."""
    for plural, body in zip(policy.KINDS, policy.manifests(control_namespace), strict=True):
        await kube.create(paths.apis(f"{policy.GROUP}/v1", plural), body)
    await asyncio.sleep(policy.SETTLES.total_seconds() + 1)


@pytest.fixture
async def place(kube: KubeApi, apiserver: ApiServer, tmp_path: Path) -> AsyncIterator[Place]:
    state = f"policy-{secrets.token_hex(3)}"
    namespace = f"{state}-control"
    await ensure_namespace(kube, namespace)
    await allow(kube, namespace, "create", "get", "list")
    writer = await Runs(kube, SystemClock(), state).create(journal("r1"), {})
    await writer.write(StoodStill("a", "really?", "purge"))
    config = apiserver.write_kubeconfig(tmp_path / "nobody", token=apiserver.nobody)
    nobody = await KubeApi.connect(SystemClock(), kubeconfig=config)
    yield Place(namespace, writer, nobody)
    await nobody.close()


async def approve(place: Place, name: str, gate: str | None = None) -> Approval:
    at = SystemClock().utc()
    return await control.approve(
        place.nobody, place.namespace, place.journal, gate, by=Speaker(name, "ann"), at=at
    )


async def heard(kube: KubeApi, place: Place) -> str:
    assert place.journal.standstill is not None
    found = await control.approval(kube, place.namespace, "r1", place.journal.standstill)
    assert found is not None
    return found.by


async def test_the_api_server_tells_the_name(kube: KubeApi, place: Place) -> None:
    assert await place.nobody.user() == "nobody"
    assert await kube.user() == "admin"


async def test_without_the_policy_a_name_is_a_claim(kube: KubeApi, place: Place) -> None:
    await approve(place, "somebody-else")
    assert await heard(kube, place) == "somebody-else (claims; login ann)"


async def test_with_the_policy_a_name_is_the_users_own(kube: KubeApi, place: Place) -> None:
    await install(kube, place.namespace)
    with pytest.raises(ApiError, match="must be the name of the user"):
        await approve(place, "somebody-else")
    await approve(place, "nobody")
    assert await heard(kube, place) == "nobody (login ann)"


async def test_a_policy_that_came_later_or_was_narrowed_proves_nothing(kube: KubeApi, place: Place) -> None:
    await approve(place, "nobody")
    await install(kube, place.namespace)
    assert await heard(kube, place) == "nobody (claims; login ann)"
    await control.pause(
        place.nobody, place.namespace, place.journal, by=Speaker("nobody"), at=SystemClock().utc()
    )
    said = (await control.heard(kube, place.namespace, place.journal)).pause
    assert said is not None
    assert said.by == "nobody"
    name = policy.policy_name(place.namespace)
    path = paths.apis(f"{policy.GROUP}/v1", policy.KINDS[0], None, name)
    never = {"matchConditions": [{"name": "nobody", "expression": "request.userInfo.username != 'nobody'"}]}
    await kube.patch(path, {"spec": never})
    said = (await control.heard(kube, place.namespace, place.journal)).pause
    assert said is not None
    assert said.by == "nobody (claims)"


async def test_who_may_not_look_at_the_policy_hears_a_claim(kube: KubeApi, place: Place) -> None:
    await install(kube, place.namespace)
    await approve(place, "nobody")
    assert await heard(place.nobody, place) == "nobody (claims; login ann)"


DATA = {"word": "back", "run": "r1", "number": "0", "by": "nobody", "login": "", "at": "2026-11-24T00:00:00Z"}


def body(**changes: Any) -> dict[str, Any]:
    """The object of a word, changed by hand."""
    metadata = {"name": words.name_of("r1", "back", 0), "labels": {"blueshift.dev/run": "r1"}}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": DATA}
    return made | changes


NO_WORDS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"metadata": {"name": "notes"}}, "only words to runs"),
    ({"data": None}, "must be the name"),
    ({"data": {"by": "nobody"}}, "no word that a run would hear"),
    ({"data": DATA | {"word": "cheer"}}, "no word that a run would hear"),
    ({"data": DATA | {"at": "yesterday"}}, "timestamp"),
    ({"data": DATA | {"and": "more"}}, "no word that a run would hear"),
    ({"immutable": False}, "no word that a run would hear"),
    ({"metadata": {"name": "notes", "labels": {"blueshift.dev/run": "r1"}}}, "no word"),
    ({"metadata": {"name": "blueshift-run-r1-back-0"}}, "no word"),
)


async def test_nothing_but_words_is_written(kube: KubeApi, place: Place) -> None:
    await install(kube, place.namespace)
    collection = paths.core("configmaps", place.namespace)
    for changes, message in NO_WORDS:
        with pytest.raises(ApiError, match=message):
            await place.nobody.create(collection, body(**changes))
    await place.nobody.create(collection, body())
    with pytest.raises(Forbidden):
        await place.nobody.patch(f"{collection}/{words.name_of('r1', 'back', 0)}", {"data": {"by": "x"}})


async def test_others_objects_stay_theirs_and_a_word_is_never_changed(kube: KubeApi, place: Place) -> None:
    await install(kube, place.namespace)
    collection = paths.core("configmaps", place.namespace)
    root_ca = body(metadata={"name": "kube-root-ca.crt"}, immutable=False, data={"ca.crt": "…"})
    await kube.create(collection, root_ca)
    await approve(place, "nobody")
    name = words.name_of("r1", "approve", 1)
    with pytest.raises(ApiError, match="is not changed"):
        await kube.patch(f"{collection}/{name}", {"metadata": {"labels": {"x": "y"}}})
    await kube.delete(f"{collection}/{name}")
