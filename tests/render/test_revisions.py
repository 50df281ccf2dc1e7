"""A plain upgrade between the lab's charts, from the oldest to the newest, changes nothing that must stay."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from blueshift.controllers.ingress_nginx.quiesce import quiesce
from blueshift.controllers.overrides import apply
from blueshift.controllers.profile import QuiesceFacts
from blueshift.discovery.immutable import immutable, readdressed
from blueshift.helm import manifests
from tests.render.conftest import Render


def test_a_plain_upgrade_loses_no_address_no_class_and_changes_no_immutable_field(render: Render) -> None:
    old, new = (list(render(version=version).values()) for version in ("4.11.3", "4.12.1"))
    gone = {key.kind for key in manifests.diff(old, new, "ingress").deleted}
    assert not gone & {"Service", "IngressClass"}
    assert immutable(old, new, "ingress") == ()
    assert readdressed(old, new, "ingress") == ()


def test_another_name_of_the_release_does(render: Render) -> None:
    old, new = (list(render({"fullnameOverride": name}).values()) for name in ("old", "new"))
    gone = {key.kind for key in manifests.diff(old, new, "ingress").deleted}
    assert "Service" in gone


def test_helm_says_in_these_words_that_a_chart_does_not_allow_a_cluster(helm: Path, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text(
        "apiVersion: v2\nname: old\nversion: 1.0.0\nkubeVersion: '<1.30.0'\n"
    )
    argv = [str(helm), "template", "web", str(tmp_path), "--kube-version", "v1.37.2"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "chart requires kubeVersion" in done.stderr


@pytest.mark.parametrize("version", ["4.11.3", "4.12.1"])
def test_ending_connections_early_changes_one_config_map_and_no_pod(render: Render, version: str) -> None:
    own = {"controller": {"config": {"keep-alive": "20"}, "metrics": {"enabled": True}}}
    quiet = apply(own, quiesce(own, QuiesceFacts({})))
    old, new = (list(render(values, version=version).values()) for values in (own, quiet))
    difference = manifests.diff(old, new, "ingress")
    assert not difference.created
    assert not difference.deleted
    # Its webhook's certificate is made anew where helm sees no cluster.
    rest = [one for one in difference.changed if "admission" not in one.key.name]
    assert [str(one.key) for one in rest] == ["ConfigMap ingress/demo-ingress-nginx-controller"]
    assert "keep-alive-requests" in rest[0].diff
