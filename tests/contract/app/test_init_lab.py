"""`init` in a lab: with nothing but a kubeconfig and a key, what it writes works unedited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import application, lifecycle, nameservers
from blueshift.lab.certificates import Authority
from blueshift.lab.charts import chart
from blueshift.lab.demo import world
from blueshift.lab.demo.inside import apply, helm
from blueshift.lab.image_specs import REGISTRY
from blueshift.lab.paths import Lab
from blueshift.lab.sites import sites
from blueshift.lab.zone import SHARED, ZONE, records
from tests.contract.lab.command import BLUESHIFT, inside
from tests.contract.lab.conftest import named, quiet, state_folder, tools

__all__ = ["named", "state_folder", "tools"]

pytestmark = pytest.mark.lab


async def make(lab: Lab, programs: Path, folder: Path) -> None:
    """A release, its Ingresses and its names; no pod of it ever runs, which `init` does not need."""
    clock = SystemClock()
    settled = await lifecycle.up(lab, tools=programs, say=quiet, clock=clock)
    image = f"{REGISTRY}/echo:1"
    objects = application.manifests(
        sites(), Authority(folder / "ca.pem"), image=image, dual_stack=settled.ipv6
    )
    await apply(lab, objects)
    await helm(
        lab, "install", world.RELEASE, str(chart("4.11.3")), "-n", world.NAMESPACE, "--create-namespace",
        "-f", "-", stdin=json.dumps(world.values(dual_stack=settled.ipv6)),
    )  # fmt: skip
    addresses = await world.service_addresses(lab, clock)
    await nameservers.write_zone(lab, records(addresses), clock)


def test_what_init_writes_is_enough_for_check(
    named: Callable[[str], Lab], tools: Path, tmp_path: Path
) -> None:
    lab = named("init")
    asyncio.run(make(lab, tools, tmp_path))
    key = nameservers.zone(lab).key_file
    written = inside(lab.name, BLUESHIFT, "init", "--yes", "--key-file", str(key), cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    text = (tmp_path / "blueshift.yaml").read_text()
    assert f"server: ns1.{ZONE}" in text
    assert f"updates go to ns1.{ZONE}; name servers ns1.{ZONE}, ns2.{ZONE}." in text
    assert "ingress-nginx 1.11.3, revision 1 (deployed)" in text

    checked = inside(lab.name, BLUESHIFT, "check", "-o", "json", cwd=tmp_path)
    findings = {finding["check"]: finding for finding in json.loads(checked.stdout)}
    for check in ("dns-hosts", "dns-name-servers", "dns-update-rights", "helm-render", "cluster-rbac"):
        assert findings[check]["outcome"] in ("pass", "info"), findings[check]
    assert "lab.test" in findings["dns-hosts"]["sentence"]
    assert SHARED not in text, "the shared name is no host of its own"
