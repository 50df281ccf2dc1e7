"""What we patch for a while does not stand in the way of the user's next plain upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import NotFound
from blueshift.cluster.ownership import disown
from blueshift.helm.charts import Chart, read_chart
from blueshift.helm.client import Helm
from blueshift.helm.errors import HelmError

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCALED_OBJECT = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  minReplicaCount: {{ .Values.least }}
  scaleTargetRef: {name: web}
"""
AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: {{ .Values.least }}
  maxReplicas: 10
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"""


def scaled(folder: Path, template: str) -> Chart:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: scaled\nversion: 1.0.0\n")
    (folder / "templates" / "scaler.yaml").write_text(template)
    return read_chart(folder)


@pytest.fixture
async def keda(kube: KubeApi) -> AsyncIterator[None]:
    """KEDA's kind, without KEDA."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "scaledobjects", "singular": "scaledobject", "kind": "ScaledObject"}
    name = f"{names['plural']}.keda.sh"
    spec = {"group": "keda.sh", "scope": "Namespaced", "names": names, "versions": [version]}
    await kube.create(CRDS, {"metadata": {"name": name}, "spec": spec})
    for _ in range(200):
        if await served(kube):
            break
        await asyncio.sleep(0.1)
    yield
    await kube.delete(f"{CRDS}/{name}")


async def served(kube: KubeApi) -> bool:
    try:
        await kube.list(paths.apis("keda.sh/v1alpha1", "scaledobjects"))
    except NotFound:
        return False
    return True


async def set_there_and_back(helm: Helm, kube: KubeApi, path: str, chart: Chart, field: str) -> None:
    await helm.install("web", path.split("/")[-3], chart, {"least": 2}, description="")
    await kube.patch(path, {"spec": {field: 4}})
    await kube.patch(path, {"spec": {field: 2}})


async def given_up(helm: Helm, kube: KubeApi, path: str, chart: Chart, field: str) -> None:
    await set_there_and_back(helm, kube, path, chart, field)
    await disown(kube, path)
    assert (await kube.get(path))["spec"][field] == 2
    await helm.upgrade("web", path.split("/")[-3], chart, {"least": 3}, description="")
    assert (await kube.get(path))["spec"][field] == 3


async def test_a_field_set_there_and_back_is_free_once_it_is_given_up(
    helm: Helm, kube: KubeApi, namespace: str, tmp_path: Path
) -> None:
    path = paths.apis("autoscaling/v2", "horizontalpodautoscalers", namespace, "web")
    await given_up(helm, kube, path, scaled(tmp_path / "scaled", AUTOSCALER), "minReplicas")


async def test_so_is_one_of_keda(
    helm: Helm, kube: KubeApi, namespace: str, tmp_path: Path, keda: None
) -> None:
    path = paths.apis("keda.sh/v1alpha1", "scaledobjects", namespace, "web")
    await given_up(helm, kube, path, scaled(tmp_path / "scaled", SCALED_OBJECT), "minReplicaCount")


async def test_until_then_it_conflicts(helm: Helm, kube: KubeApi, namespace: str, tmp_path: Path) -> None:
    path = paths.apis("autoscaling/v2", "horizontalpodautoscalers", namespace, "web")
    chart = scaled(tmp_path / "scaled", AUTOSCALER)
    await set_there_and_back(helm, kube, path, chart, "minReplicas")
    if helm.version.major >= 4:
        with pytest.raises(HelmError, match='conflict with "blueshift"'):
            await helm.upgrade("web", namespace, chart, {"least": 3}, description="")


async def test_an_object_of_ours_alone_can_be_given_up_too(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "one")
    await kube.create(paths.core("configmaps", namespace), {"metadata": {"name": "one"}, "data": {"a": "1"}})
    await disown(kube, path)
    found = await kube.get(path)
    assert found["data"] == {"a": "1"}
    assert not [one for one in found["metadata"].get("managedFields") or () if one["manager"] == "blueshift"]
