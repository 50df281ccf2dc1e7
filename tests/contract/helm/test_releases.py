"""A release's whole life with the real helm on a real API server."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.helm.charts import Chart, ChartRef, read_chart
from blueshift.helm.client import Helm
from blueshift.helm.command import Command
from blueshift.helm.errors import ChartError, HelmError, HelmLost, HelmUnreachable, ReleaseNotFound
from blueshift.helm.records import history, latest, write_chart
from blueshift.helm.values import digest
from tests.contract.apiserver import ApiServer, free_ports
from tests.contract.helm.conftest import write


async def test_install_upgrade_history_uninstall(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart, tmp_path: Path
) -> None:
    await helm.install("web", namespace, chart, {"colour": "blue"}, description="run 1")
    first = await latest(kube, namespace, "web")
    assert first is not None
    assert (first.revision, first.status, first.description) == (1, "deployed", "run 1")
    assert (first.chart_name, first.chart_version, first.app_version) == ("tiny", "1.0.0", "7")
    assert first.values == {"colour": "blue"}
    assert first.defaults["number"] == 10254
    assert 'colour: "blue"' in first.manifest
    assert first.created is not None

    newer = write(tmp_path / "newer", "1.1.0")
    await helm.upgrade("web", namespace, newer, {"number": 7}, description="run 2")
    second = await latest(kube, namespace, "web")
    assert second is not None
    assert (second.revision, second.chart_version, second.values) == (2, "1.1.0", {"number": 7})
    live = await kube.get(paths.core("configmaps", namespace, "web-plain"))
    assert (live["data"]["colour"], live["data"]["number"]) == ("red", "7")  # blue was not reused

    kept = await history(kube, namespace, "web")
    assert [(one.revision, one.status) for one in kept] == [(1, "superseded"), (2, "deployed")]

    await helm.uninstall("web", namespace)
    assert await latest(kube, namespace, "web") is None
    assert await kube.find(paths.core("configmaps", namespace, "web-plain")) is None
    await helm.uninstall("web", namespace)


async def test_none_takes_a_default_away(helm: Helm, kube: KubeApi, namespace: str, chart: Chart) -> None:
    await helm.install("web", namespace, chart, {"colour": None}, description="")
    live = await kube.get(paths.core("configmaps", namespace, "web-plain"))
    assert live["data"]["colour"] == ""
    record = await latest(kube, namespace, "web")
    assert record is not None
    assert record.values_hash == digest({"colour": None})


async def test_hashes_of_a_chart_and_of_its_record_agree(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart, tmp_path: Path
) -> None:
    await helm.install("web", namespace, chart, {}, description="")
    record = await latest(kube, namespace, "web")
    assert record is not None
    assert record.chart_hash == chart.digest
    assert record.chart_hash != write(tmp_path / "other", "1.0.1").digest


async def test_a_chart_from_the_record_renders_byte_for_byte(
    helm: Helm, kube: KubeApi, apiserver: ApiServer, namespace: str, chart: Chart, tmp_path: Path
) -> None:
    await helm.install("web", namespace, chart, {}, description="")
    record = await latest(kube, namespace, "web")
    assert record is not None
    again = read_chart(write_chart(record, tmp_path / "again"))
    assert again.path != chart.path
    assert again.digest == chart.digest
    command = Command(SystemClock(), executable=str(apiserver.helm), kubeconfig=None, context=None)
    values = b'{"colour": "gr\\u00fcn", "slow": true}'
    original, repeated = [
        await command.run(["template", "web", folder, "--values", "-", "--is-upgrade"], values)
        for folder in (chart.path, again.path)
    ]
    assert b"ein \xc3\x9cbel" in original
    assert b"Job" in original
    assert repeated == original


async def test_render_knows_the_cluster_and_the_hooks(helm: Helm, namespace: str, chart: Chart) -> None:
    values = {"slow": True}
    objects = await helm.render("web", namespace, chart, values, is_upgrade=True)
    assert {item["kind"] for item in objects} == {"ConfigMap", "Job"}
    data = next(item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert (data["upgrade"], data["deployments"], data["octal"]) == ("yes", "yes", "0644")
    installed = await helm.render("web", namespace, chart, values, is_upgrade=False, validate=True)
    assert "upgrade" not in next(item["data"] for item in installed if item["kind"] == "ConfigMap")


async def test_a_chart_that_does_not_render_changes_nothing(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    (chart.path / "templates" / "bad.yaml").write_text('{{ fail "not like this" }}')
    with pytest.raises(ChartError, match="not like this"):
        await helm.render("web", namespace, chart, {}, is_upgrade=False)
    with pytest.raises(ChartError, match="not like this"):
        await helm.install("web", namespace, chart, {}, description="")
    assert await latest(kube, namespace, "web") is None


async def test_upgrade_of_nothing_is_no_install(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    with pytest.raises(ReleaseNotFound):
        await helm.upgrade("web", namespace, chart, {}, description="")
    assert await latest(kube, namespace, "web") is None


async def test_fields_of_another_manager_conflict_until_forced(
    helm: Helm, kube: KubeApi, namespace: str, chart: Chart
) -> None:
    if helm.version.major < 4:
        pytest.skip("Helm 3 applies on the client, where fields have no owners")
    await helm.install("web", namespace, chart, {}, description="")
    path = paths.core("configmaps", namespace, "web-plain")
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"colour": "green"}}
    await kube.patch(path, theirs, "apply", fieldManager="somebody", force=True)
    with pytest.raises(HelmError, match="conflict") as caught:
        await helm.upgrade("web", namespace, chart, {"colour": "blue"}, description="")
    assert "--force-conflicts" in str(caught.value.hint)
    await helm.upgrade("web", namespace, chart, {"colour": "blue"}, description="", force_conflicts=True)
    assert (await kube.get(path))["data"]["colour"] == "blue"


async def test_charts_are_fetched_or_missed_clearly(helm: Helm, chart: Chart, tmp_path: Path) -> None:
    fetched = await helm.fetch(ChartRef(str(chart.path)), tmp_path / "into")
    assert fetched == chart
    with pytest.raises(ChartError, match="no Chart"):
        await helm.fetch(ChartRef(str(tmp_path)), tmp_path / "into")
    closed = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(HelmUnreachable, match="refused"):
        await helm.fetch(ChartRef("tiny", repo=closed, version="1.0.0"), tmp_path / "into")


async def test_a_missing_helm_says_how_to_get_it(kube: KubeApi) -> None:
    with pytest.raises(HelmError, match="no program no-such-helm") as caught:
        await Helm.open(kube, SystemClock(), executable="no-such-helm")
    assert "https://helm.sh" in str(caught.value.hint)


async def test_version_is_told(helm: Helm) -> None:
    assert helm.version.major in (3, 4)


async def test_a_lost_api_server_is_ambiguous_for_a_write(
    helm: Helm, apiserver: ApiServer, namespace: str, chart: Chart, kube: KubeApi, tmp_path: Path
) -> None:
    gone = apiserver.write_kubeconfig(tmp_path / "gone", token="x", port=free_ports(1)[0])
    kube.kubeconfig = gone
    lost = await Helm.open(kube, SystemClock(), executable=str(apiserver.helm))
    with pytest.raises(HelmLost):
        await lost.upgrade("web", namespace, chart, {}, description="")
