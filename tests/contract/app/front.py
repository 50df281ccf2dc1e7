"""A release of the lab's chart on an API server without kubelets, its names in a real BIND."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.lab.charts import chart
from tests.contract.apiserver import ApiServer
from tests.contract.dns.bind import ZONE, Bind

RELEASE, NAMESPACE = "front", "front"
WORKLOAD = f"{RELEASE}-ingress-nginx-controller"
HOSTS = ("www", "h1", "alias", "a.wild", "gone")
"""Of the zone: two names, an alias, a wildcard's, and one without a record."""
POINT = ({"ip": "192.0.2.1"}, {"ip": "2001:db8::1"})
VALUES = {
    "controller": {
        "replicaCount": 2,
        "admissionWebhooks": {"enabled": False},
        "lifecycle": {"preStop": None},  # nothing runs here in which its program could be looked for
        "service": {"ipFamilyPolicy": "PreferDualStack"},
    }
}
CHANGING = ("secrets", "configmaps", "services", "namespaces")
# No controller runs here: whoever asks one of its addresses has an answer all the same.
PROGRAM = """
import sys
from blueshift.discovery import traffic
from blueshift.traffic.probe import ProbeResult

silent, unrouted = sys.argv[1:3]
sys.argv[1:] = sys.argv[3:]

async def probe(address, **_):
    answers = address != silent
    return ProbeResult(answers, 200 if answers else 0, (), "", 0.01, "", "", "")

traffic.probe, traffic.has_route = probe, lambda address: address != unrouted
from blueshift.cli.main import main
main()
"""


@dataclass(frozen=True)
class Front:
    """Where it is, and the command on it."""

    server: ApiServer
    bind: Bind
    folder: Path

    def settings(self, *, key: str = "update.key", name: str = "blueshift.yaml", **changes: Any) -> Path:
        """Write settings as `init` would; `changes` replace top-level keys."""
        dns: dict[str, Any] = {"settings": {"server": self.bind.address, "port": self.bind.port}}
        if key:
            dns["settings"]["key"] = {"file": key}
        dns |= {"zones": [ZONE], "authorities": [f"{self.bind.address}:{self.bind.port}"]}
        content = {"release": {"name": RELEASE, "namespace": NAMESPACE}, "dns": dns} | changes
        file = self.folder / name
        file.write_text(json.dumps(content, indent=2))
        return file

    def has(self, name: str) -> bool:
        """Whether a command left this file."""
        return (self.folder / name).exists()

    def blueshift(
        self, *arguments: str, kubeconfig: str = "", silent: str = "", unrouted: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """One command line to its end, without a terminal.

        `silent` is an address at which nothing answers, `unrouted` one to which this machine has no route.
        """
        environment = {
            "PATH": f"{self.server.helm.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "KUBECONFIG": kubeconfig or self.server.kubeconfig,
        }
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, silent, unrouted, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            env=environment,
        )

    async def state(self) -> dict[str, Any]:
        """All that a command might have changed: objects with their versions, and the zone's serial."""
        kube = await KubeApi.connect(SystemClock(), kubeconfig=self.server.kubeconfig)
        try:
            lists = await asyncio.gather(
                *(kube.list(paths.core(kind)) for kind in CHANGING),
                kube.list(paths.apis("apps/v1", "deployments")),
                kube.list(paths.apis("networking.k8s.io/v1", "ingresses")),
            )
        finally:
            await kube.close()
        objects = {
            f"{item['kind']} {item['metadata'].get('namespace')}/{item['metadata']['name']}": item[
                "metadata"
            ]["resourceVersion"]
            for items in lists
            for item in items
        }
        return objects | {"serial": await self.bind.backend().serial(ZONE)}


def install(server: ApiServer) -> None:
    """Make the release and what a cluster would have made around it."""
    asyncio.run(_around(server))
    helm = [str(server.helm), "--kubeconfig", server.kubeconfig]
    subprocess.run(
        [*helm, "install", RELEASE, str(chart("4.11.3")), "-n", NAMESPACE, "-f", "-"],
        input=json.dumps(VALUES),
        text=True,
        check=True,
        capture_output=True,
    )
    asyncio.run(_live(server))


async def _around(server: ApiServer) -> None:
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    try:
        await kube.create(paths.core("namespaces"), {"metadata": {"name": NAMESPACE}})
        ingresses = paths.apis("networking.k8s.io/v1", "ingresses", NAMESPACE)
        await asyncio.gather(*(kube.create(ingresses, _ingress(host)) for host in HOSTS))
    finally:
        await kube.close()


def _ingress(host: str) -> dict[str, Any]:
    backend = {"service": {"name": "echo", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"host": f"{host}.{ZONE}", "http": {"paths": [path]}}
    return {
        "metadata": {"name": host},
        "spec": {"ingressClassName": "nginx", "rules": [rule]},
    }


async def _live(server: ApiServer) -> None:
    """What kubelets, controllers and a load balancer would write."""
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    try:
        service = f"{paths.core('services', NAMESPACE, WORKLOAD)}/status"
        await kube.patch(service, _status({"loadBalancer": {"ingress": list(POINT)}}))
        workload = f"{paths.apis('apps/v1', 'deployments', NAMESPACE, WORKLOAD)}/status"
        ready = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
        await kube.patch(workload, _status(ready))
        for host in HOSTS:
            path = f"{paths.apis('networking.k8s.io/v1', 'ingresses', NAMESPACE, host)}/status"
            await kube.patch(path, _status({"loadBalancer": {"ingress": list(POINT)}}))
    finally:
        await kube.close()


def _status(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": dict(content)}
