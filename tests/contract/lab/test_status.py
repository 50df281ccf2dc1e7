"""Status safety proves its worth: two real controllers beside each other, and who writes into Ingresses.

external-dns and others publish what stands there: the temporary's address in it, or none, moves or deletes
records behind a run's back.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blueshift.controllers.ingress_nginx.temporary import temporary_values
from blueshift.controllers.overrides import apply
from blueshift.controllers.profile import TemporaryFacts
from blueshift.helm.charts import read_chart
from blueshift.lab import lifecycle
from blueshift.lab.charts import chart
from blueshift.lab.image_set import build_images, import_images
from blueshift.lab.paths import Lab, lab_named
from tests.contract.lab.command import BLUESHIFT
from tests.contract.lab.conftest import quiet
from tests.contract.lab.edge import NAMESPACE, VALUES, Edge, ingress, service, until

pytestmark = [pytest.mark.lab, pytest.mark.slow]  # a minute, and a lab of its own

NAMES = ("one", "two", "three")
UPDATE_STATUS = "controller.extraArgs.update-status"
_ADDRESSES = "{.status.loadBalancer.ingress[*].ip}"
_EACH = rf'jsonpath={{.metadata.annotations.seen}}={_ADDRESSES}{{"\n"}}'
_ALL = f"jsonpath={{range .items[*]}}{_ADDRESSES} {{end}}"


@contextmanager
def watched(lab: Lab, file: Path) -> Iterator[None]:
    """Note `mark=addresses` of every Ingress, and again at each change: nothing passes between two looks."""
    argv = [BLUESHIFT, "lab", "exec", "--name", lab.name, "--", "kubectl", "-n", "shop", "get", "ingress"]
    with file.open("wb") as out, subprocess.Popen([*argv, "--watch", "-o", _EACH], stdout=out) as process:
        try:
            yield
        finally:
            process.terminate()


def told(file: Path) -> set[str]:
    """All that stood in the status of any Ingress so far."""
    return {line.partition("=")[2] for line in file.read_text().splitlines()}


def listed(edge: Edge, namespace: str, kind: str) -> list[dict[str, Any]]:
    """What there is of a kind."""
    found = json.loads(edge.run("kubectl", "-n", namespace, "get", kind, "-o", "json"))
    return list(found["items"])


def leads(edge: Edge, namespace: str) -> bool:
    """Whether one of its pods leads. Only then it writes statuses, and it begins at once."""
    return any(lease["spec"].get("holderIdentity") for lease in listed(edge, namespace, "leases"))


def beside(edge: Edge, namespace: str, *, protected: bool) -> None:
    """Install the temporary, let it lead, and take it away; returns when its pods have gone."""
    package = read_chart(chart("4.11.3"))
    facts = TemporaryFacts(
        run="r1",
        release="temporary",
        namespace=namespace,
        primary_release="main",
        primary_namespace=NAMESPACE,
        chart_version=package.version,
        defaults=package.defaults,
        ready=2,
        families=("IPv4",),
    )
    overrides = temporary_values(VALUES, facts)
    if not protected:
        kept = tuple(one for one in overrides if one.name != UPDATE_STATUS)
        assert len(kept) == len(overrides) - 1
        overrides = kept
    edge.run(
        "helm", "install", facts.release, str(chart("4.11.3")), "-n", namespace, "--create-namespace",
        "--wait", "--timeout", "300s", "-f", "-", input=json.dumps(apply(VALUES, overrides)),
    )  # fmt: skip
    until(lambda: leads(edge, namespace))
    edge.run("helm", "uninstall", facts.release, "-n", namespace)
    until(lambda: not listed(edge, namespace, "pods"))


@pytest.fixture(scope="module")
def edge(state_folder: None, tools: Path) -> Iterator[Edge]:
    """The primary, and Ingresses that have its address. No delay of the balancer, so at once."""
    lab = lab_named(f"t{os.getpid()}-status")
    try:
        asyncio.run(lifecycle.up(lab, tools=tools, say=quiet))
        asyncio.run(import_images(lab, asyncio.run(build_images(print, quiet))))
        edge = Edge(lab)
        edge.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        edge.apply(service("echo-a", 8080), *(ingress(name, f"{name}.test") for name in NAMES))
        edge.install("4.11.3", VALUES)
        yield edge
    finally:
        asyncio.run(lifecycle.down(lab))


@pytest.mark.parametrize("protected", [True, False], ids=["silent", "without"])
def test_the_temporary_writes_no_status(
    edge: Edge, tmp_path: Path, protected: bool, record_property: Callable[[str, object], None]
) -> None:
    """From its install to its end; what a controller writes, it writes as soon as it leads."""
    statuses = ("kubectl", "-n", "shop", "get", "ingress", "-o", _ALL)
    until(lambda: edge.run(*statuses).split() == [edge.address] * len(NAMES))
    file = tmp_path / "statuses"
    with watched(edge.lab, file):
        until(lambda: len(file.read_text().splitlines()) == len(NAMES))
        beside(edge, f"beside-{'with' if protected else 'without'}", protected=protected)
        # A change of our own, which comes after all that was written before: the watch has told everything.
        mark = f"seen={tmp_path.name}"
        edge.run("kubectl", "-n", "shop", "annotate", "ingress", "--all", "--overwrite", mark)
        until(lambda: file.read_text().count(f"{tmp_path.name}=") >= len(NAMES))
    seen = told(file)
    record_property("statuses", sorted(seen))
    if protected:
        assert seen == {edge.address}
    else:
        assert seen - {edge.address}, "nothing shows that it is needed"
