"""Renders the lab's chart with the real helm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.lab.charts import chart
from blueshift.lab.paths import cache_folder

Objects = dict[tuple[str, str], dict[str, Any]]
"""Rendered objects by kind and name."""
Render = Callable[..., Objects]


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm on PATH, or the one that the lab built."""
    found = shutil.which("helm")
    built = sorted(cache_folder().glob("tools/kubernetes-*/helm"))
    if not found and not built:
        pytest.skip("no helm on PATH and none built: blueshift lab build")
    return Path(found) if found else built[-1]


@pytest.fixture
def render(helm: Path) -> Render:
    """render(values, version="4.11.3", release="demo") -> the objects of `helm template -n ingress`."""

    def rendered(
        values: Mapping[str, Any] | None = None, *, version: str = "4.11.3", release: str = "demo"
    ) -> Objects:
        done = subprocess.run(
            [helm, "template", release, chart(version), "-n", "ingress", "-f", "-"],
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = [item for item in yaml.safe_load_all(done.stdout) if item]
        objects = {(item["kind"], item["metadata"]["name"]): item for item in found}
        assert len(objects) == len(found), "two objects of one kind and name"
        return objects

    return rendered
