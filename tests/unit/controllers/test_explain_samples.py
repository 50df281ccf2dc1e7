"""The servers and locations that `explain` compares are those that the official controller wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.controllers.changes import Surroundings
from blueshift.controllers.ingress_nginx.reloads.ingress import read
from blueshift.controllers.ingress_nginx.reloads.scene import Scene, scene_of
from blueshift.controllers.ingress_nginx.reloads.servers import EXACT, servers
from blueshift.controllers.ingress_nginx.routes import parse
from blueshift.helm import manifests
from tests.unit.controllers.test_explain import class_of

OWN = {"/served-by-snippet"}
"""Locations that a snippet adds, which no controller knows of."""


def scene(folder: Path) -> Scene:
    listed: dict[str, Any] = yaml.safe_load((folder / "ingresses.yaml").read_text())
    config = {"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "ingress-nginx-controller", "namespace": "ingress"},
        "data": config,
    }
    objects = {manifests.key(one, ""): one for one in (*listed["items"], class_of(), settings)}
    return scene_of(Surroundings(objects, version=folder.name.rpartition("-")[2]), ())


@pytest.mark.parametrize("version", ["1.11.3", "1.15.1"])
def test_locations_of_the_official_controller(samples: Path, version: str) -> None:
    folder = samples / f"ingress-nginx-{version}"
    written = [
        one
        for one in parse((folder / "nginx-T.conf").read_text()).routes
        if one.path not in OWN and one.ingress
    ]
    made = servers(read(scene(folder)), None, version)
    expected = {
        (server.host, location.path, location.kind == EXACT, location.of.ref)
        for server in made.values()
        for location in server.locations
        if location.of is not None
    }
    found = {
        (one.host, one.path.removeprefix("^"), one.kind == "exact", f"{one.namespace}/{one.ingress}")
        for one in written
        if one.host in made
    }
    assert len(found) > 30
    assert found == expected
    backends = {
        (server.host, location.path, location.backend.service.partition("/")[2], location.backend.port)
        for server in made.values()
        for location in server.locations
        if location.backend is not None and not location.default
    }
    told = {(one.host, one.path.removeprefix("^"), one.service, one.port) for one in written}
    assert backends <= told
