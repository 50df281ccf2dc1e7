"""Reads of one look: made once, whoever asks, and never longer than the look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiUnreachable, Conflict, Forbidden
from blueshift.cluster.one_look import OneLook
from blueshift.cluster.rules import NOWHERE
from blueshift.cluster.transport import Transport
from tests.fakes import ManualClock

PODS, MAP = paths.core("pods"), paths.core("configmaps", "shop", "settings")


class Wire:
    """Answers in turn what it was given for a path, the last one again and again."""

    def __init__(self) -> None:
        self.access = SimpleNamespace(server="https://api", context="lab")
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, method: str, path: str, params: Mapping[str, Any], *_: Any, **__: Any) -> Any:
        return await self._answer(f"{method} {path}")

    async def dry_run(self, method: str, path: str, params: Mapping[str, Any], *_: Any, **__: Any) -> Any:
        return await self._answer(f"{'force' if params['force'] else 'try'} {path}"), ()

    async def write(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("written")

    async def _answer(self, what: str) -> Any:
        self.asked.append(what)
        await self.open.wait()
        left = self.answers[what.partition(" ")[2]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def look() -> tuple[OneLook, Wire]:
    wire = Wire()
    return OneLook(KubeApi(cast(Transport, wire), ManualClock())), wire


def page(*names: str) -> dict[str, Any]:
    items = [{"metadata": {"name": name}} for name in names]
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}


async def test_what_two_ask_at_once_is_read_once_and_each_has_a_list_of_its_own() -> None:
    kube, wire = look()
    wire.answers[PODS] = [page("a"), page("b")]
    first, second = await asyncio.gather(kube.list(PODS), kube.list(PODS))
    first.clear()
    assert [one["metadata"]["name"] for one in second] == ["a"]
    assert [one["metadata"]["name"] for one in await kube.list(PODS)] == ["a"]
    assert wire.asked == [f"GET {PODS}"]


async def test_another_question_about_the_same_path_is_another_read() -> None:
    kube, wire = look()
    wire.answers[PODS] = [page("a"), page("b"), page("c")]
    found = [
        await kube.list(PODS),
        await kube.list(PODS, labelSelector="app"),
        await kube.list(PODS, metadata_only=True),
    ]
    assert [one[0]["metadata"]["name"] for one in found] == ["a", "b", "c"]


async def test_objects_of_a_list_weigh_no_more_than_what_is_looked_at() -> None:
    kube, wire = look()
    managed = page("a")
    managed["items"][0]["metadata"]["managedFields"] = [{"manager": "kubelet"}]
    wire.answers[PODS] = [managed]
    assert (await kube.list(PODS))[0]["metadata"] == {"name": "a"}


async def test_the_next_look_reads_anew() -> None:
    kube, wire = look()
    wire.answers[MAP] = [{"data": "old"}, {"data": "new"}]
    assert [await kube.get(MAP), await kube.find(MAP)] == [{"data": "old"}] * 2
    assert await OneLook(kube).get(MAP) == {"data": "new"}


async def test_a_refusal_holds_and_what_may_go_through_later_is_asked_again() -> None:
    kube, wire = look()
    wire.answers[PODS] = [Forbidden("no"), page("a")]
    for _ in range(2):
        with pytest.raises(Forbidden):
            await kube.list(PODS)
    wire.answers[MAP] = [ApiUnreachable("gone"), {"data": "there"}]
    with pytest.raises(ApiUnreachable):
        await kube.get(MAP)
    assert await kube.get(MAP) == {"data": "there"}


async def test_whoever_waits_asks_itself_when_the_first_is_stopped() -> None:
    kube, wire = look()
    wire.open.clear()
    wire.answers[MAP] = [{"data": "there"}]
    first, second = (asyncio.create_task(kube.get(MAP)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    wire.open.set()
    assert await second == {"data": "there"}
    assert len(wire.asked) == 2


async def test_the_same_object_is_tried_once_and_force_is_another_try() -> None:
    kube, wire = look()
    wire.answers[MAP] = [Conflict("helm"), {"data": "forced"}, {"data": "other"}]
    body, same = (
        {"kind": "ConfigMap", "data": {"a": "1", "b": "2"}},
        {"data": {"b": "2", "a": "1"}, "kind": "ConfigMap"},
    )
    for one in (body, same):
        with pytest.raises(Conflict):
            await kube.try_apply(MAP, one, manager="helm")
        assert (await kube.try_apply(MAP, one, manager="helm", force=True))[0] == {"data": "forced"}
    assert (await kube.try_apply(MAP, {**body, "data": {}}, manager="helm"))[0] == {"data": "other"}
    assert [one.partition(" ")[0] for one in wire.asked] == ["try", "force", "try"]


async def test_it_changes_nothing() -> None:
    kube, _ = look()
    with pytest.raises(AssertionError, match="a look changes nothing: POST"):
        await kube.create(PODS, {})


RULES = [
    {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]},
    {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*/scale"]},
    {"verbs": ["patch"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["mine"]},
]


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        (("get", "", "pods"), True),
        (("get", "", "pods/log"), True),
        (("get", "", "pods/exec"), False),
        (("delete", "", "pods"), False),
        (("get", "apps", "pods"), False),
        (("update", "apps", "deployments/scale"), True),
        (("update", "apps", "deployments"), False),
        (("patch", "", "secrets", "mine"), True),
        (("patch", "", "secrets", "other"), False),
        (("patch", "", "secrets"), False),
    ],
)
async def test_rules_allow_as_rbac_matches_them(question: tuple[str, ...], allowed: bool) -> None:
    kube, wire = look()
    review = paths.apis("authorization.k8s.io/v1", "selfsubjectrulesreviews")
    wire.answers[review] = [{"status": {"incomplete": False, "resourceRules": RULES}}]
    assert (await kube.rules(NOWHERE)).allow(*question) == allowed


async def test_rules_that_another_authorizer_does_not_tell_allow_nothing() -> None:
    kube, wire = look()
    review = paths.apis("authorization.k8s.io/v1", "selfsubjectrulesreviews")
    wire.answers[review] = [{"status": {"incomplete": True, "resourceRules": RULES}}, Forbidden("no")]
    assert not (await kube.rules(NOWHERE)).allow("get", "", "pods")
    assert not (await kube.rules("shop")).allow("get", "", "pods")
