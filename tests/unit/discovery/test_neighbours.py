"""What looks find of policies, webhooks and meshes around the primary."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.mesh import mesh
from blueshift.discovery.policies import POLICIES, Side, policies
from blueshift.discovery.room import SERVICES
from blueshift.discovery.seen_neighbours import Mesh, Webhook
from blueshift.discovery.webhooks import CONFIGURATIONS, SLICES, webhooks
from tests.unit.discovery.fakes import FakeKube

NAME = "kubernetes.io/metadata.name"
PRIMARY = Side("ingress", {NAME: "ingress", "edge": "yes"}, [{"app": "nginx", "instance": "web"}])
TEMPORARY = Side("tmp", {NAME: "tmp"}, [{"app": "nginx", "instance": "tmp"}])
BESIDE = Side("ingress", PRIMARY.space, TEMPORARY.pods)
FROM_SPACE = {"namespaceSelector": {"matchLabels": {NAME: "ingress"}}}
FROM_ALL: dict[str, Any] = {"namespaceSelector": {}}


def policy(
    space: str, *rules: Any, name: str = "p", pods: Any = None, release: str = "", **spec: Any
) -> dict[str, Any]:
    marks = {"annotations": {RELEASE_NAME: release}} if release else {}
    return {
        "metadata": {"name": name, "namespace": space, **marks},
        "spec": {"podSelector": pods or {}, "ingress": list(rules), **spec},
    }


def rule(*peers: Any) -> dict[str, Any]:
    return {"from": list(peers)}


async def closed(*found: dict[str, Any], temporary: Side = TEMPORARY) -> list[str]:
    kube = FakeKube({POLICIES: list(found)})
    seen = await policies(kube.api, PRIMARY, temporary, "web")
    return [f"{one.policy} by {one.by}" for one in seen.closed]


async def test_a_policy_that_admits_only_the_primarys_namespace() -> None:
    (said,) = await closed(policy("shop", rule(FROM_SPACE)))
    assert said == 'shop/p by namespaceSelector {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}'


BACKEND = {"matchLabels": {"app": "shop"}}
EXPRESSION = {"matchExpressions": [{"key": "edge", "operator": "Exists"}]}
BY_INSTANCE = {**FROM_ALL, "podSelector": {"matchLabels": {"instance": "web"}}}
BY_APP = {**FROM_ALL, "podSelector": {"matchLabels": {"app": "nginx"}}}


@pytest.mark.parametrize(
    ("found", "number"),
    [
        ([policy("shop", rule({"namespaceSelector": EXPRESSION}))], 1),
        ([policy("shop", rule(BY_INSTANCE))], 1),
        ([policy("shop", rule(BY_APP))], 0),
        ([policy("shop", rule(FROM_ALL))], 0),
        ([policy("shop", {})], 0),
        ([policy("shop", rule({"podSelector": {}}))], 0),  # of its own namespace alone: neither is
        ([policy("ingress", rule({"podSelector": {}}))], 1),
        ([policy("shop", rule(FROM_SPACE), rule({"ipBlock": {"cidr": "0.0.0.0/0"}}))], 0),
        ([policy("shop", rule(FROM_SPACE), rule({"ipBlock": {"cidr": "10.0.0.0/8"}}))], 1),
        ([policy("shop", rule(FROM_SPACE), policyTypes=["Egress"])], 0),
        # Another policy that selects all of these pods opens them.
        ([policy("shop", rule(FROM_SPACE), pods=BACKEND), policy("shop", {}, name="q")], 0),
        ([policy("shop", rule(FROM_SPACE), pods=BACKEND), policy("shop", {}, name="q", pods=BACKEND)], 0),
        ([policy("shop", rule(FROM_SPACE)), policy("shop", {}, name="q", pods=BACKEND)], 1),
        ([policy("shop", rule(FROM_SPACE)), policy("far", {}, name="q")], 1),
    ],
)
async def test_whom_policies_admit(found: list[dict[str, Any]], number: int) -> None:
    assert len(await closed(*found)) == number


async def test_in_one_namespace_the_labels_of_pods_tell_them_apart() -> None:
    assert await closed(policy("shop", rule(FROM_SPACE)), temporary=BESIDE) == []
    assert len(await closed(policy("shop", rule(BY_INSTANCE)), temporary=BESIDE)) == 1


async def test_policies_of_the_pods_themselves() -> None:
    found = [
        policy("ingress", {}, name="by-hand"),
        policy("ingress", {}, name="of-the-chart", release="web"),
        policy("ingress", {}, name="of-others", pods=BACKEND),
        policy("tmp", name="deny"),
    ]
    seen = await policies(FakeKube({POLICIES: found}).api, PRIMARY, TEMPORARY, "web")
    assert (seen.own, seen.barred) == (("ingress/by-hand",), ("tmp/deny",))
    opened = [*found, policy("tmp", {}, name="admit")]
    seen = await policies(FakeKube({POLICIES: opened}).api, PRIMARY, TEMPORARY, "web")
    assert seen.barred == ()


SPACES = {"ingress": PRIMARY.space, "tmp": TEMPORARY.space}
RULE = {"operations": ["CREATE"], "apiGroups": ["networking.k8s.io"], "resources": ["ingresses"]}


def hook(**changes: Any) -> dict[str, Any]:
    config = {"service": {"namespace": "gone", "name": "admission"}}
    return {"name": "h", "clientConfig": config, "rules": [RULE], **changes}


def around(found: dict[str, Any], ready: bool | None = None, service: Any = None) -> FakeKube:
    marks = {RELEASE_NAME: "old", RELEASE_NAMESPACE: "gone"}
    configuration = {"metadata": {"name": "old-admission", "annotations": marks}, "webhooks": [found]}
    of_service = {"kubernetes.io/service-name": "admission"}
    slices = {
        "metadata": {"namespace": "gone", "labels": of_service},
        "endpoints": [] if ready is None else [{"conditions": {"ready": ready}}],
    }
    return FakeKube(
        {
            CONFIGURATIONS["ValidatingWebhookConfiguration"]: [configuration],
            SLICES: [slices],
            SERVICES: [service] if service else [],
        }
    )


SERVICE = {"metadata": {"name": "admission", "namespace": "gone"}, "spec": {"type": "ClusterIP"}}


async def test_a_webhook_whose_service_is_gone() -> None:
    seen = await webhooks(around(hook()).api, SPACES)
    assert seen.asked == 1
    assert seen.orphans == (
        Webhook(
            "ValidatingWebhookConfiguration",
            "old-admission",
            "gone/admission",
            "does not exist",
            "Fail",
            ("ingresses",),
            True,
            "gone/old",
        ),
    )


async def test_a_webhook_whose_service_has_no_ready_endpoint() -> None:
    seen = await webhooks(around(hook(failurePolicy="Ignore"), False, SERVICE).api, SPACES)
    assert [(one.why, one.policy) for one in seen.orphans] == [("has no ready endpoint", "Ignore")]


EVERYTHING = {"operations": ["*"], "apiGroups": ["*"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("changes", "certain"),
    [
        ({"rules": [EVERYTHING]}, True),
        ({"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}, True),
        ({"namespaceSelector": {"matchLabels": {"x": "y"}}}, False),
        ({"objectSelector": {"matchLabels": {"x": "y"}}}, False),
        ({"matchConditions": [{"name": "a", "expression": "false"}]}, False),
    ],
)
async def test_selectors_and_conditions_leave_a_doubt(changes: dict[str, Any], certain: bool) -> None:
    (found,) = (await webhooks(around(hook(**changes)).api, SPACES)).orphans
    assert found.certain is certain


QUIET: list[tuple[dict[str, Any], bool | None, Any]] = [
    (hook(), True, None),
    (hook(rules=[{**RULE, "operations": ["DELETE"]}]), None, None),
    (hook(rules=[{**RULE, "resources": ["networkpolicies"]}]), None, None),
    (hook(clientConfig={"url": "https://elsewhere"}), None, None),
    (hook(), None, {**SERVICE, "spec": {"type": "ExternalName"}}),
]


@pytest.mark.parametrize(("found", "ready", "service"), QUIET)
async def test_webhooks_that_stop_nothing(found: dict[str, Any], ready: bool | None, service: Any) -> None:
    assert not (await webhooks(around(found, ready, service).api, SPACES)).orphans


def space(**marks: Any) -> dict[str, Any]:
    return {"metadata": {"name": "ingress", **marks}}


def deployment(**marks: Any) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": marks}}}


def running(key: str, container: str) -> dict[str, Any]:
    return {"metadata": {"name": "web-1"}, "spec": {key: [{"name": "controller"}, {"name": container}]}}


@pytest.mark.parametrize(
    ("workload", "pods", "marks", "wanted"),
    [
        ({}, [running("containers", "istio-proxy")], {}, ("Istio", "container istio-proxy of pod web-1")),
        (
            {},
            [running("initContainers", "linkerd-proxy")],
            {},
            ("Linkerd", "container linkerd-proxy of pod web-1"),
        ),
        (
            {},
            [],
            {"labels": {"istio-injection": "enabled"}},
            ("Istio", "istio-injection=enabled of namespace ingress"),
        ),
        (
            {"annotations": {"linkerd.io/inject": "ingress"}},
            [],
            {},
            ("Linkerd", "linkerd.io/inject=ingress of the pods"),
        ),
        (
            {"labels": {"sidecar.istio.io/inject": "false"}},
            [],
            {"labels": {"istio-injection": "enabled"}},
            None,
        ),
        ({}, [], {"labels": {"istio-injection": "disabled"}}, None),
        ({}, [running("containers", "sidecar")], {}, None),
    ],
)
def test_signs_of_a_mesh(workload: Any, pods: Any, marks: Any, wanted: tuple[str, str] | None) -> None:
    found = mesh(deployment(**workload), pods, space(**marks))
    assert found == (Mesh(wanted[0], (wanted[1],)) if wanted else Mesh())
