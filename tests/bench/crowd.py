"""A cluster with many Ingresses, made of what a look reads: an API server, BIND and a site, and no node.

Its release is the lab's chart; each Ingress has a host of its own that leads to it, a Service and two pods.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.found import each
from blueshift.dns.backend import batches
from blueshift.dns.records import Change, RecordSet
from tests.bench import site
from tests.contract import apiserver
from tests.contract.apiserver import ApiServer, free_ports
from tests.contract.app import front
from tests.contract.app.front import Front
from tests.contract.app.test_rbac import apply
from tests.contract.dns import bind
from tests.contract.dns.bind import WRITER, ZONE

PRIMARY = "127.0.0.1"
_SPACE = "shops"


@dataclass(frozen=True)
class Crowd:
    """Where commands are given, and by whom."""

    front: Front
    runner: str
    """Kubeconfig of a user who has the printed role of a runner and nothing else."""

    def server_cpu(self) -> float:
        """CPU seconds that the API server has worked."""
        port = f"--secure-port={self.front.server.port}".encode()
        (pid,) = (
            entry.name
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and port in _read(entry / "cmdline").split(b"\0")
        )
        fields = _read(Path("/proc") / pid / "stat").rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


@contextmanager
def made(folder: Path, count: int) -> Iterator[Crowd]:
    """The whole of it while the block lasts."""
    for name in ("api", "bind", "work"):
        (folder / name).mkdir()
    http, https = free_ports(2)
    with (
        apiserver.running(folder / "api") as server,
        bind.both(folder / "bind") as names,
        site.running(folder, http, https, PRIMARY),
    ):
        front.install(server, service={"ports": {"http": http, "https": https}})
        commands = Front(server, names, folder / "work")
        (folder / "work" / "update.key").write_text(WRITER)
        commands.settings()
        hosts = [f"shop-{number:04d}.{ZONE}" for number in range(count)]
        asyncio.run(_names(names, hosts))
        asyncio.run(_objects(server, hosts))
        yield Crowd(commands, _runner(commands, folder / "runner"))


async def _names(names: bind.Bind, hosts: Sequence[str]) -> None:
    backend = names.backend(zones=(ZONE,))
    new = [Change(host, "A", None, RecordSet(host, "A", 300, (PRIMARY,))) for host in hosts]
    for batch in await batches(backend, new):
        await backend.swap(batch)


async def _objects(server: ApiServer, hosts: Sequence[str]) -> None:
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    service = f"{paths.core('services', front.NAMESPACE, front.WORKLOAD)}/status"
    try:
        await kube.patch(service, {"status": {"loadBalancer": {"ingress": [{"ip": PRIMARY}]}}})
        await kube.create(paths.core("namespaces"), {"metadata": {"name": _SPACE}})
        await each(lambda host: _shop(kube, host), hosts)
    finally:
        await kube.close()


async def _shop(kube: KubeApi, host: str) -> None:
    name = host.partition(".")[0]
    labels = {"app": name}
    backend = {"service": {"name": name, "port": {"number": 80}}}
    routes = [{"path": path, "pathType": "Prefix", "backend": backend} for path in ("/", "/api")]
    marks = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "20m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "120",
        "cert-manager.io/cluster-issuer": "letsencrypt",
    }
    made: dict[str, dict[str, Any]] = {
        paths.apis("networking.k8s.io/v1", "ingresses", _SPACE): {
            "metadata": {"name": name, "annotations": marks},
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{"hosts": [host], "secretName": name}],
                "rules": [{"host": host, "http": {"paths": routes}}],
            },
        },
        paths.core("services", _SPACE): {
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"port": 80}]},
        },
    }
    limits = {"requests": {"cpu": "1m", "memory": "1Mi"}}
    pod = {"containers": [{"name": "shop", "image": "registry.test/shop:1", "resources": limits}]}
    create: Callable[..., Awaitable[Any]] = kube.create
    for path, body in made.items():
        await create(path, body)
    for number in range(2):
        meta = {"name": f"{name}-{number}", "labels": labels}
        await create(paths.core("pods", _SPACE), {"metadata": meta, "spec": pod})


def _runner(commands: Front, kubeconfig: Path) -> str:
    done = commands.blueshift("rbac", "--role", "runner", "--user", "nobody", "-o", "json")
    assert done.returncode == 0, done.stderr

    async def bound() -> None:
        kube = await KubeApi.connect(SystemClock(), kubeconfig=commands.server.kubeconfig)
        try:
            await apply(kube, json.loads(done.stdout)["items"])
        finally:
            await kube.close()

    asyncio.run(bound())
    return commands.server.write_kubeconfig(kubeconfig, token=commands.server.nobody)
