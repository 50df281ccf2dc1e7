"""What we patch for a while does not stand in the way of the user's next plain upgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.ownership import disown
from blueshift.helm.charts import Chart, read_chart
from blueshift.helm.client import Helm
from blueshift.helm.errors import HelmError

AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: {{ .Values.least }}
  maxReplicas: 10
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"""


@pytest.fixture
def scaled(tmp_path: Path) -> Chart:
    folder = tmp_path / "scaled"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: scaled\nversion: 1.0.0\n")
    (folder / "templates" / "hpa.yaml").write_text(AUTOSCALER)
    return read_chart(folder)


@pytest.mark.parametrize("ours_given_up", [True, False])
async def test_a_field_set_there_and_back_conflicts_until_it_is_given_up(
    helm: Helm, kube: KubeApi, namespace: str, scaled: Chart, ours_given_up: bool
) -> None:
    await helm.install("web", namespace, scaled, {"least": 2}, description="")
    path = paths.apis("autoscaling/v2", "horizontalpodautoscalers", namespace, "web")
    await kube.patch(path, {"spec": {"minReplicas": 4}})
    await kube.patch(path, {"spec": {"minReplicas": 2}})
    if ours_given_up:
        await disown(kube, path)
        assert (await kube.get(path))["spec"]["minReplicas"] == 2
        await helm.upgrade("web", namespace, scaled, {"least": 3}, description="")
        assert (await kube.get(path))["spec"]["minReplicas"] == 3
    elif helm.version.major >= 4:
        with pytest.raises(HelmError, match='conflict with "blueshift"'):
            await helm.upgrade("web", namespace, scaled, {"least": 3}, description="")


async def test_an_object_of_ours_alone_can_be_given_up_too(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "one")
    await kube.create(paths.core("configmaps", namespace), {"metadata": {"name": "one"}, "data": {"a": "1"}})
    await disown(kube, path)
    found = await kube.get(path)
    assert found["data"] == {"a": "1"}
    assert not [one for one in found["metadata"].get("managedFields") or () if one["manager"] == "blueshift"]
