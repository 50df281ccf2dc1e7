"""A company's own chart around the controller's: refused with the way out, and the way out is tried.

Helm, the API server and the charts are real; the umbrella is packaged from the lab's chart.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.lab.charts import chart
from tests.contract import apiserver as server_of
from tests.contract.app.front import NAMESPACE, RELEASE, VALUES, WORKLOAD, Front, install
from tests.contract.dns.bind import WRITER, Bind

DOCUMENT = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
VERSION = "4.11.3"
METADATA = """\
apiVersion: v2
name: company-ingress
version: 1.0.0
dependencies: [{name: ingress-nginx, version: %s, repository: ""}]
"""
DEFAULTS = {"ingress-nginx": {"controller": {"replicaCount": VALUES["controller"]["replicaCount"]}}}


@pytest.fixture
def own(bind: Bind, tmp_path: Path) -> Iterator[Front]:
    """A front with an API server of its own."""
    (tmp_path / "server").mkdir()
    (tmp_path / "update.key").write_text(WRITER)
    with server_of.running(tmp_path / "server") as server:
        install(server)
        yield Front(server, bind, tmp_path)


def packaged(front: Front) -> Path:
    """The umbrella, in an archive."""
    folder = front.folder / "company-ingress"
    (folder / "charts").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(METADATA % VERSION)
    (folder / "values.yaml").write_text(json.dumps(DEFAULTS))
    helm(front, "package", str(chart(VERSION)), "-d", str(folder / "charts"))
    helm(front, "package", str(folder), "-d", str(front.folder))
    return front.folder / "company-ingress-1.0.0.tgz"


def helm(front: Front, *arguments: str, values: Any = None) -> str:
    argv = [str(front.server.helm), "--kubeconfig", front.server.kubeconfig, *arguments]
    given = None if values is None else json.dumps(values)
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=True).stdout


async def generations(front: Front) -> dict[str, Any]:
    """What would be another if an object had been changed or made anew."""
    kube = await KubeApi.connect(SystemClock(), kubeconfig=front.server.kubeconfig)
    try:
        deployment = await kube.get(paths.apis("apps/v1", "deployments", NAMESPACE, WORKLOAD))
        services = await kube.list(paths.core("services", NAMESPACE))
    finally:
        await kube.close()
    kept = [deployment, *services]
    return {one["metadata"]["uid"]: (one["metadata"].get("generation"), one["spec"]) for one in kept}


def test_an_umbrella_is_refused_and_the_commands_that_are_named_lead_out_without_a_change(own: Front) -> None:
    inner = {key: value for key, value in VALUES["controller"].items() if key != "replicaCount"}
    values = {"ingress-nginx": {"controller": inner}}
    helm(own, "upgrade", RELEASE, str(packaged(own)), "-n", NAMESPACE, "-f", "-", values=values)
    before = asyncio.run(generations(own))
    own.settings()
    for command in (("check",), ("plan",), ("upgrade", "--yes"), ("temporary", "render")):
        done = own.blueshift(*command)
        error, hint = (line for line in done.stderr.splitlines() if not line.startswith("looking at "))
        assert done.returncode == 1
        assert f"the chart company-ingress of {RELEASE} wraps ingress-nginx, and Helm's record holds" in error
        assert "below `ingress-nginx:`" in hint
        assert "docs/troubleshooting.md" in hint
    resolver = f"{own.bind.address}:{own.bind.port}"
    options = ("--release", RELEASE, "--dns-server", resolver, "--key-file", "update.key", "-o", "new.yaml")
    done = own.blueshift("init", "--yes", *options)
    assert done.returncode == 1
    assert f"{NAMESPACE}/{RELEASE}: the chart company-ingress of {RELEASE} wraps ingress-nginx" in done.stderr
    assert "below `ingress-nginx:`" in done.stderr
    assert not own.has("new.yaml")
    (script,) = re.findall(r"```\n(inner\(\) .*?)```", DOCUMENT.read_text(), re.DOTALL)
    for name, value in {"RELEASE": RELEASE, "NAMESPACE": NAMESPACE, "CHART": str(chart(VERSION))}.items():
        script = re.sub(rf"\b{name}\b", value, script)
    subprocess.run(["bash", "-ec", script], check=True, cwd=own.folder, env=own.environment())
    assert asyncio.run(generations(own)) == before
    done = own.blueshift("init", "--yes", *options, "--resolver", resolver)
    assert done.returncode == 0, done.stderr
    assert own.has("new.yaml")
    done = own.blueshift("temporary", "render")
    assert done.returncode == 0, done.stderr
