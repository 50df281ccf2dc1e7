"""The temporary release as YAML: what is set and why, and no secret in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from blueshift.app.temporary import TemporaryRelease, shown
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.world import ServiceFact
from blueshift.helm.charts import Chart
from blueshift.report.temporary import temporary_text
from blueshift.steps.revisions import Revisions, temporary_facts

VALUES: dict[str, Any] = {
    "fullnameOverride": "edge",
    "controller": {
        "replicaCount": 2,
        "electionID": "own",
        "config": {"use-gzip": "true"},
        "extraEnvs": [{"name": "API_TOKEN", "value": "hunter22"}],
        "service": {
            "annotations": {
                "metallb.io/loadBalancerIPs": "192.0.2.1",
                "metallb.io/address-pool": "public",
            }
        },
    },
}
DEFAULTS = {"controller": {"metrics": {"enabled": False}, "service": {"annotations": {}}}}
OBJECTS = [
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"tls.key": "aHVudGVyMjI="}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"type": "LoadBalancer"}},
]


def made() -> TemporaryRelease:
    chart = Chart(Path("/nowhere"), "ingress-nginx", "4.12.1", "1.12.1", "", DEFAULTS, "digest")
    profile = IngressNginx()
    revisions = Revisions(profile, running=chart, running_values=VALUES, target=chart, target_values=VALUES)
    service = ServiceFact(name="web", namespace="ns", uid="u", role="external", type="LoadBalancer")
    facts = temporary_facts("plan", ("web-t", "web-t"), ("web", "ns"), chart, service, ready=4, watches="")
    revision = revisions.temporary(facts)
    return shown(("web-t", "web-t"), revision, profile.absent(facts), OBJECTS)


def test_the_values_are_those_that_helm_is_given_and_the_objects_follow() -> None:
    values, *objects = yaml.safe_load_all(temporary_text(made()))
    assert values["controller"]["replicaCount"] == 4
    assert values["controller"]["extraArgs"] == {"update-status": "false"}
    assert values["controller"]["service"]["annotations"] == {"metallb.io/address-pool": "public"}
    assert "fullnameOverride" not in values
    assert [item["kind"] for item in objects] == ["Secret", "Service"]


def test_every_override_is_told_with_its_reason() -> None:
    found = made()
    comments = [line.strip() for line in temporary_text(found).splitlines() if line.strip().startswith("#")]
    for change in found.overrides:
        assert [line for line in comments if line.endswith(change.reason) and change.old in line], change
    lines = temporary_text(found).splitlines()
    replicas = next(place for place, line in enumerate(lines) if "replicaCount: 4" in line)
    assert lines[replicas - 1].strip().startswith("# was 2: as many as the primary has ready")
    assert any(line.startswith("# Taken away: fullnameOverride, was edge: ") for line in comments)
    assert any(line.startswith("# Not in this chart version: commonLabels: ") for line in comments)


def test_secrets_are_masked_in_values_and_objects() -> None:
    text = temporary_text(made())
    assert "hunter22" not in text
    assert "aHVudGVyMjI=" not in text
    assert "tls.key: '***'" in text


def test_a_value_on_many_lines_and_a_chart_without_overrides_are_yaml_too() -> None:
    values = {"a.b": {"empty": {}, "list": [{"x": 1}], "text": "one\n\n  two\n"}}
    found = TemporaryRelease("t", "t", "c", "1", "1", (), (), values, ())
    assert yaml.safe_load(temporary_text(found)) == values
    assert yaml.safe_load(temporary_text(TemporaryRelease("t", "t", "c", "1", "1", (), (), {}, ()))) == {}
