"""A real kube-apiserver and etcd on loopback, without kubelet or controllers, stopped by their handles."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import create_default_context

import trustme
import yaml


@dataclass(frozen=True)
class ApiServer:
    """Where it listens, and who may ask it."""

    folder: Path
    port: int
    helm: Path
    """A helm binary of the version that the lab uses."""
    admin: str
    """Bearer token of a cluster-admin."""
    nobody: str
    """Bearer token of a user who is known and may do nothing."""

    @property
    def kubeconfig(self) -> str:
        return str(self.folder / "kubeconfig")

    def write_kubeconfig(self, path: Path, *, token: str, port: int | None = None) -> str:
        """A kubeconfig for another user, or for a proxy in front of the server."""
        cluster = {
            "server": f"https://127.0.0.1:{port or self.port}",
            "certificate-authority": str(self.folder / "ca.crt"),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "contract", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "contract", "context": {"cluster": "contract", "user": "user"}}],
            "current-context": "contract",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return str(path)


def tools() -> Path:
    """The folder of the lab's Kubernetes programs; $BLUESHIFT_TOOLS names one that is built already."""
    given = os.environ.get("BLUESHIFT_TOOLS")
    if given:
        return Path(given)
    from blueshift.lab.build import cluster_tools

    return asyncio.run(cluster_tools(lambda _: None, lambda _: None))


@contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """Start etcd and the API server in `folder`; yields when it is ready."""
    programs = tools()
    ports = free_ports(3)
    server = ApiServer(
        folder, ports[0], programs / "helm", admin=secrets.token_urlsafe(24), nobody=secrets.token_urlsafe(24)
    )
    _keys(server)
    etcd = programs / "etcd"
    with (
        _process(folder, "etcd", [etcd if etcd.exists() else programs / "server", *_etcd(folder, ports)]),
        _process(folder, "apiserver", [programs / "kube-apiserver", *_apiserver(folder, ports)]) as process,
    ):
        _until_ready(server, process)
        yield server


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _keys(server: ApiServer) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(server.folder / "ca.crt"))
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(str(server.folder / "tls.key"))
    issued.cert_chain_pems[0].write_to_path(str(server.folder / "tls.crt"))
    tokens = server.folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f'{server.admin},admin,1,"system:masters"\n{server.nobody},nobody,2\n')
    server.write_kubeconfig(Path(server.kubeconfig), token=server.admin)


def _etcd(folder: Path, ports: Sequence[int]) -> list[str]:
    return [
        f"--data-dir={folder}/etcd",
        f"--listen-client-urls=http://127.0.0.1:{ports[1]}",
        f"--advertise-client-urls=http://127.0.0.1:{ports[1]}",
        f"--listen-peer-urls=http://127.0.0.1:{ports[2]}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(folder: Path, ports: Sequence[int]) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{ports[1]}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={ports[0]}",
        f"--tls-cert-file={folder}/tls.crt",
        f"--tls-private-key-file={folder}/tls.key",
        f"--token-auth-file={folder}/tokens.csv",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=198.19.0.0/20",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder}/tls.key",
        f"--service-account-signing-key-file={folder}/tls.key",
        # Nothing makes service accounts here, and tests make pods.
        "--disable-admission-plugins=ServiceAccount",
    ]


@contextmanager
def _process(folder: Path, name: str, argv: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(server: ApiServer, process: subprocess.Popen[bytes]) -> None:
    tls = create_default_context(cafile=str(server.folder / "ca.crt"))
    request = urllib.request.Request(
        f"https://127.0.0.1:{server.port}/readyz",
        headers={"Authorization": f"Bearer {server.admin}"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError, urllib.error.URLError), opener.open(request, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError((server.folder / "apiserver.log").read_text()[-2000:])
