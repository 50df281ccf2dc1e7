"""A release of the lab's chart on an API server without kubelets, its names in a real BIND."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.dns.records import Change
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
LOWERS = "lower-ttl: {agree_every: 0.2s}"
"""A step that changes records, and then waits for minutes."""
_RUN = re.compile(r"\b\d{4}-\d{4}-[a-z0-9]{4}\b")
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
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment, beside those that every command gets."""

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
        with self.begun(*arguments, kubeconfig=kubeconfig, silent=silent, unrouted=unrouted) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def begun(
        self, *arguments: str, kubeconfig: str = "", silent: str = "", unrouted: str = ""
    ) -> subprocess.Popen[str]:
        """The same command line, at work."""
        return subprocess.Popen(
            self.argv(*arguments, silent=silent, unrouted=unrouted),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment(kubeconfig),
        )

    def argv(self, *arguments: str, silent: str = "", unrouted: str = "") -> list[str]:
        """The command line."""
        return [sys.executable, "-c", PROGRAM, silent, unrouted, *arguments]

    def environment(self, kubeconfig: str = "") -> dict[str, str]:
        """What it is run with."""
        return {
            **self.variables,
            "PATH": f"{self.server.helm.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "KUBECONFIG": kubeconfig or self.server.kubeconfig,
        }

    @contextmanager
    def waiting(self, *arguments: str, within: float = 60.0) -> Iterator[Waiting]:
        """A command that carries a run, from the moment in which it waits out the old TTL."""
        with self.begun(*arguments) as process:
            at = Waiting(process)
            try:
                at.until_it_waits(within)
                yield at
            finally:
                if process.poll() is None:
                    process.kill()

    def run_in(self, said: str) -> str:
        """The run that a command spoke of."""
        return str(_RUN.findall(said)[0])

    def bind_serial(self) -> int:
        """The zone's serial now."""
        return asyncio.run(self.bind.backend().serial(ZONE))

    async def set_ttl(self, host: str, ttl: int) -> None:
        """Somebody else gives the records of a host another TTL."""
        name = f"{host}.{ZONE}"
        backend = self.bind.backend()
        found = await backend.read([(name, "A"), (name, "AAAA")])
        await backend.swap(
            [
                Change(one.name, one.type, one, msgspec.structs.replace(one, ttl=ttl))
                for one in found
                if one is not None
            ]
        )

    def playbook(self, *steps: str) -> str:
        """Write a playbook of these steps (YAML), and return its name for `--playbook`."""
        name = f"./{'-'.join(step.partition(':')[0].strip('{') for step in steps)}.yaml"
        lines = ["name: test", "description: of a test", "steps:", *(f"  - {step}" for step in steps)]
        (self.folder / name).write_text("\n".join(lines))
        return name

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


class Waiting:
    """A process that carries a run and waits; all that it says is kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said: list[str] = []
        self._waits = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._said.append(line)
            if "the old TTL of" in line:
                self._waits.set()

    def until_it_waits(self, within: float) -> None:
        """Return when it does; fail when it ends, or does not in `within` seconds."""
        assert self._waits.wait(within), f"it does not wait ({self.process.poll()}):\n{self.said}"

    @property
    def said(self) -> str:
        """On stdout and stderr, line by line as it came."""
        return "".join(self._said)

    @property
    def run(self) -> str:
        """The run that it spoke of."""
        return str(_RUN.findall(self.said)[0])

    def ended(self, within: float = 30.0) -> int:
        """Its exit code, with all said."""
        code = self.process.wait(within)
        for reader in self._readers:
            reader.join(5)
        return code


def install(server: ApiServer, *, version: str = "4.11.3", **controller: Any) -> None:
    """Make the release, with more values of its controller, and what a cluster would have made around it."""
    values = {"controller": VALUES["controller"] | controller}
    asyncio.run(_around(server))
    helm(server, "install", version, values)


def helm(server: ApiServer, verb: str, version: str, values: Mapping[str, Any]) -> None:
    """A person's `helm install` or `helm upgrade` of the release, and what comes of it."""
    subprocess.run(
        [
            *(str(server.helm), "--kubeconfig", server.kubeconfig),
            *(verb, RELEASE, str(chart(version)), "-n", NAMESPACE, "-f", "-"),
        ],
        input=json.dumps(values),
        text=True,
        check=True,
        capture_output=True,
    )
    asyncio.run(_live(server))


async def _around(server: ApiServer) -> None:
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    try:
        await kube.create(paths.core("namespaces"), {"metadata": {"name": NAMESPACE}})
        await _node(kube)
        ingresses = paths.apis("networking.k8s.io/v1", "ingresses", NAMESPACE)
        await asyncio.gather(*(kube.create(ingresses, _ingress(host)) for host in HOSTS))
    finally:
        await kube.close()


async def _node(kube: KubeApi) -> None:
    """With room for pods that nothing will ever start."""
    labels = {"kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux"}
    await kube.create(paths.core("nodes"), {"metadata": {"name": "node-1", "labels": labels}})
    path = paths.core("nodes", None, "node-1")
    room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    await kube.patch(f"{path}/status", _status({"allocatable": room, "capacity": room}))
    await kube.patch(path, {"spec": {"taints": None}})  # admission gives a new node one, as it is not ready


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
        for service in await kube.list(paths.core("services", NAMESPACE)):
            if service["spec"]["type"] == "LoadBalancer":
                path = paths.core("services", NAMESPACE, service["metadata"]["name"], "status")
                await kube.patch(path, _status({"loadBalancer": {"ingress": list(POINT)}}))
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
