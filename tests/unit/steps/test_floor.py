"""Floors: the one count that decides how many pods a side has is raised, and put back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster.errors import Forbidden
from blueshift.engine.protocol import Absent, Done, Intent
from blueshift.errors import BlueshiftError
from blueshift.steps.context import Tools
from blueshift.steps.facts import FloorPrimary
from blueshift.steps.floor import Floor, FloorSettings, ReleaseFloors, ReleaseFloorsSettings
from blueshift.steps.scaled import Scaled, scaled
from tests.fake_kube import FakeKube

WORKLOAD = "/apis/apps/v1/namespaces/edge/deployments/web"
HPA = "/apis/autoscaling/v2/namespaces/edge/horizontalpodautoscalers/scales-web"
OBJECT = "/apis/keda.sh/v1alpha1/namespaces/edge/scaledobjects/web"
KEDAS = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web"}


class Cluster(FakeKube):
    """A primary of two pods, its workload in another namespace than its release; a temporary of four."""

    def __init__(self, kind: str = "Deployment", scaler: str = "", **least: int) -> None:
        super().__init__()
        self.kind = kind
        self.objects[WORKLOAD] = {"metadata": {"name": "web"}, "spec": {"replicas": 2}}
        if scaler:
            target = {"kind": "Deployment", "name": "web"}
            owners = [KEDAS] if scaler == "KEDA" else []
            self.objects[HPA] = {
                "metadata": {"name": "scales-web", "ownerReferences": owners},
                "spec": {"scaleTargetRef": target, "minReplicas": 1},
            }
        if scaler == "KEDA":
            self.objects[OBJECT] = {"metadata": {"name": "web"}, "spec": dict(least)}

    async def workload(self, _: str) -> dict[str, Any]:
        metadata = {"name": "web", "namespace": "edge"}
        return {"kind": self.kind, "metadata": metadata, "spec": self.objects[WORKLOAD]["spec"]}

    async def pods(self, side: str) -> Any:
        return SimpleNamespace(ready={"primary": 2, "temporary": 4}[side])

    def tools(self, learnt: FloorPrimary | None = None) -> Tools:
        record = SimpleNamespace(effect=lambda *_: None, learnt=lambda _: learnt)
        witness = SimpleNamespace(workload=self.workload, pods=self.pods, namespace=lambda _: "release")
        return cast(Tools, SimpleNamespace(kube=self, witness=witness, record=record))


@pytest.mark.parametrize(
    ("cluster", "found"),
    [
        (Cluster(), Scaled(WORKLOAD, "replicas", 2, 2)),
        (Cluster(scaler="HPA"), Scaled(HPA, "minReplicas", 1, 2, "HPA")),
        (Cluster(scaler="KEDA", minReplicaCount=3), Scaled(OBJECT, "minReplicaCount", 3, 2, "ScaledObject")),
        (Cluster(scaler="KEDA"), Scaled(OBJECT, "minReplicaCount", 0, 2, "ScaledObject")),
        (
            Cluster(kind="DaemonSet"),
            Scaled(WORKLOAD.replace("deployments", "daemonsets"), "replicas", 2, 2, fixed=True),
        ),
    ],
)
async def test_what_decides(cluster: Cluster, found: Scaled) -> None:
    assert await scaled(cluster.tools(), "primary") == found


@pytest.mark.parametrize(
    ("cluster", "path", "field", "before"),
    [
        (Cluster(), WORKLOAD, "replicas", {"hpa": None, "replicas": 2}),
        (Cluster(scaler="HPA"), HPA, "minReplicas", {"hpa": 1, "replicas": 2}),
        (Cluster(scaler="KEDA"), OBJECT, "minReplicaCount", {"hpa": 0, "replicas": 2}),
    ],
)
async def test_it_is_raised_to_the_other_sides_count_and_put_back(
    cluster: Cluster, path: str, field: str, before: dict[str, int | None]
) -> None:
    """KEDA puts back what is changed in its HPA: there its own minimum is raised, also from none."""
    start = cluster.objects[path]["spec"].get(field, 0)
    tools = cluster.tools()
    (raise_,) = await Floor("forward/floor", FloorSettings(side="primary"), tools).effects()
    intent: Intent = raise_.intent
    assert (intent.expected, intent.wanted) == (before, {"at least": 4})
    assert isinstance(await raise_.observe(None), Absent)
    await raise_.do()
    assert [one for verb, one in cluster.calls if verb == "patch"] == [path]
    assert cluster.objects[path]["spec"][field] == 4

    tools = cluster.tools(FloorPrimary(4, before["hpa"], before["replicas"]))
    (lower,) = await ReleaseFloors("forward/release", ReleaseFloorsSettings(), tools).effects()
    assert isinstance(await lower.observe(None), Absent)
    await lower.do()
    assert cluster.objects[path]["spec"][field] == start
    assert isinstance(await lower.observe(None), Done)


async def test_nothing_is_lowered_by_a_floor() -> None:
    cluster = Cluster(scaler="KEDA", minReplicaCount=7)
    settings = FloorSettings(side="primary")
    (raise_,) = await Floor("forward/floor", settings, cluster.tools()).effects()
    assert isinstance(await raise_.observe(None), Done)


async def test_an_hpa_gets_no_minimum_that_only_keda_may_have() -> None:
    cluster = Cluster(scaler="HPA")
    cluster.objects[HPA]["spec"]["minReplicas"] = 4
    tools = cluster.tools(FloorPrimary(4, 0, 2))
    (lower,) = await ReleaseFloors("forward/release", ReleaseFloorsSettings(), tools).effects()
    await lower.do()
    assert cluster.objects[HPA]["spec"]["minReplicas"] == 1


async def test_who_may_not_read_kedas_object_hears_how_he_may(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(scaler="KEDA", minReplicaCount=3)

    async def refused(path: str) -> Any:
        raise Forbidden(f"get {path} is forbidden")

    monkeypatch.setattr(cluster, "get", refused)
    with pytest.raises(BlueshiftError, match="is forbidden") as told:
        await scaled(cluster.tools(), "primary")
    assert "blueshift rbac" in (told.value.hint or "")
