"""The two chart versions differ as the official ones do, and both render what the official ones render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.errors import BlueshiftError
from blueshift.lab.charts import VERSIONS, app_version, chart
from blueshift.lab.image_specs import RELEASES
from tests.render.conftest import Render

NAME = "demo-ingress-nginx-controller"


def test_every_chart_version_has_its_image() -> None:
    assert {app_version(version) for version in VERSIONS} == RELEASES.keys()


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(BlueshiftError) as caught:
        chart("0.0.1")
    assert "4.11.3" in str(caught.value.hint)


@pytest.mark.parametrize("version", VERSIONS)
def test_pods_carry_the_version(render: Render, version: str) -> None:
    spec = render(version=version)[("Deployment", NAME)]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels["helm.sh/chart"] == f"ingress-nginx-{version}"
    assert labels["app.kubernetes.io/version"] == app_version(version)
    assert set(spec["selector"]["matchLabels"]) == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/component",
    }
    image = spec["template"]["spec"]["containers"][0]["image"]
    assert image == f"registry.lab.test/ingress-nginx/controller:v{app_version(version)}"


def test_the_defaults_that_1_12_changed(render: Render) -> None:
    old, new = (render(version=version) for version in VERSIONS)
    assert old[("ConfigMap", NAME)]["data"] == {"allow-snippet-annotations": "false"}
    assert new[("ConfigMap", NAME)]["data"] == {
        "annotations-risk-level": "High",
        "strict-validate-path-type": "true",
        "allow-cross-namespace-resources": "false",
    }

    def arguments(objects: Any) -> list[str]:
        found: list[str] = objects[("Deployment", NAME)]["spec"]["template"]["spec"]["containers"][0]["args"]
        return found

    assert "--enable-annotation-validation=true" in set(arguments(new)) - set(arguments(old))


def test_a_users_setting_wins_over_the_versions_default(render: Render) -> None:
    objects = render({"controller": {"config": {"annotations-risk-level": "Critical"}}}, version="4.12.1")
    assert objects[("ConfigMap", NAME)]["data"]["annotations-risk-level"] == "Critical"


@pytest.mark.parametrize("version", VERSIONS)
def test_it_renders_the_official_charts_objects(render: Render, samples: Path, version: str) -> None:
    documents = yaml.safe_load_all((samples / "rendered" / f"{version}.yaml").read_text())
    official = {
        (item["kind"], item["metadata"]["name"]): item
        for item in documents
        if item and "helm.sh/hook" not in (item["metadata"].get("annotations") or {})
    }
    ours = render(version=version)
    # The official chart makes the webhook's certificate in hook Jobs; this one has it as a Secret.
    assert ours.keys() - official.keys() == {("Secret", "demo-ingress-nginx-admission")}
    assert official.keys() - ours.keys() == set()
    for key, item in official.items():
        assert ours[key]["metadata"].get("labels") == item["metadata"].get("labels"), key
    deployment = ours[("Deployment", NAME)]["spec"]["template"]["spec"]["containers"][0]
    expected = official[("Deployment", NAME)]["spec"]["template"]["spec"]["containers"][0]
    assert set(expected["args"]) <= set(deployment["args"])
    assert deployment["securityContext"] == expected["securityContext"]
    for kind in ("ClusterRole", "Role"):
        key = (kind, "demo-ingress-nginx")
        assert _permissions(ours[key]) == _permissions(official[key])


def _permissions(role: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
