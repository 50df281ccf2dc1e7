"""A controller release in a lab, and how the tests talk to it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from blueshift.lab.charts import chart
from blueshift.lab.paths import Lab
from tests.contract.lab.command import blueshift

NAMESPACE = "edge"
CONTROLLER = "main-ingress-nginx-controller"
VALUES: dict[str, Any] = {
    "controller": {
        "replicaCount": 2,
        "allowSnippetAnnotations": True,
        "metrics": {"enabled": True},
        # A busy machine: a slow answer must not take a pod out of service, and each validation runs nginx.
        "readinessProbe": {
            "initialDelaySeconds": 3,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 10,
        },
        "updateStrategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "service": {"externalTrafficPolicy": "Local"},
        "resources": None,
        "admissionWebhooks": {"timeoutSeconds": 30},
    },
    "tcp": {"9000": "shop/echo-a:80"},
}
APPLICATION = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: shop}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: echo
          image: registry.lab.test/echo:1
          imagePullPolicy: Never
          readinessProbe: {httpGet: {path: /healthz, port: 9090}, periodSeconds: 1}
"""


class Answer(msgspec.Struct, frozen=True):
    """What curl got."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def seen(self) -> dict[str, Any]:
        """What the echo application saw of the request."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Edge:
    """The release `main` in the namespace `edge`, and the application in `shop`."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.address = ""

    def run(self, *argv: str, clients: bool = False, **more: Any) -> str:
        """A command inside the lab; its output, or a failed test."""
        where = ("--clients",) if clients else ()
        done = blueshift("lab", "exec", "--name", self.lab.name, *where, "--", *argv, **more)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Create or change objects."""
        self.run(
            "kubectl",
            "apply",
            "-f",
            "-",
            input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        )

    def install(self, version: str, values: Mapping[str, Any]) -> None:
        """Install or upgrade to this chart version; returns when it is ready and the old pods have gone.

        Helm does not wait for those, and the node's rules name a pod for a moment after it has stopped.
        """
        self.run(
            "helm", "upgrade", "--install", "main", str(chart(version)), "-n", NAMESPACE,
            "--create-namespace", "--wait", "--timeout", "300s", "-f", "-", input=json.dumps(values),
        )  # fmt: skip
        path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
        self.address = until(
            lambda: self.run("kubectl", "-n", NAMESPACE, "get", "service", CONTROLLER, "-o", path)
        )
        until(lambda: all("deletionTimestamp" not in pod["metadata"] for pod in self._listed()), seconds=330)

    def pods(self) -> list[str]:
        """Names of the controller's pods that are not ending."""
        return [
            pod["metadata"]["name"] for pod in self._listed() if "deletionTimestamp" not in pod["metadata"]
        ]

    def _listed(self) -> list[dict[str, Any]]:
        selector = "app.kubernetes.io/component=controller"
        listed = json.loads(self.run("kubectl", "-n", NAMESPACE, "get", "pods", "-l", selector, "-o", "json"))
        return list(listed["items"])

    def inside(self, pod: str, *argv: str) -> str:
        """A command in a controller's container."""
        return self.run("kubectl", "-n", NAMESPACE, "exec", pod, "--", *argv)

    def dump(self, pod: str) -> str:
        """Its configuration; "" while that is being written, when nginx cannot read it.

        Never by way of a shell: that has no capability to hand on, and nginx could not try port 80.
        """
        argv = ("kubectl", "-n", NAMESPACE, "exec", pod, "--", "nginx", "-T")
        done = blueshift("lab", "exec", "--name", self.lab.name, "--", *argv)
        return done.stdout if done.returncode == 0 else ""

    def metrics(self, pod: str) -> str:
        """Its metrics page."""
        return self.inside(pod, "curl", "-s", "http://127.0.0.1:10254/metrics")

    def logs(self, pod: str, *options: str) -> str:
        """What it wrote."""
        return self.run("kubectl", "-n", NAMESPACE, "logs", pod, *options)

    def curl(self, host: str, path: str = "/", *options: str, scheme: str = "http", port: int = 0) -> Answer:
        """One request from a client's address, by the LoadBalancer's address."""
        port = port or {"http": 80, "https": 443}[scheme]
        text = self.run(
            "curl", "-sS", "--max-time", "60", "-D", "-", "--resolve", f"{host}:{port}:{self.address}",
            *options, f"{scheme}://{host}:{port}{path}", clients=True,
        )  # fmt: skip
        while True:  # a 100 Continue, or the answer to a PROXY line, comes first
            head, _, body = text.replace("\r\n", "\n").partition("\n\n")
            status, *lines = head.split("\n")
            if not status.split()[1].startswith("1"):
                break
            text = body
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(status.split()[1]), headers, body)


def until(look: Callable[[], Any], *, seconds: float = 120.0) -> Any:
    """What `look` returns once that is true; a failed test if it does not become so."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)
    return found


def ingress(
    name: str,
    host: str,
    annotations: Mapping[str, str] | None = None,
    *,
    paths: Sequence[tuple[str, str]] = (("/", "Prefix"),),
    service: str = "echo-a",
    secret: str = "",
) -> dict[str, Any]:
    """An Ingress of the application; annotation names without their prefix."""
    backend = {"service": {"name": service, "port": {"number": 80}}}
    rules = [
        {
            "host": host,
            "http": {"paths": [{"path": path, "pathType": kind, "backend": backend} for path, kind in paths]},
        }
    ]
    spec: dict[str, Any] = {"ingressClassName": "nginx", "rules": rules}
    if secret:
        spec["tls"] = [{"hosts": [host], "secretName": secret}]
    prefix = "nginx.ingress.kubernetes.io/"
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "annotations": {prefix + key: value for key, value in (annotations or {}).items()},
        },
        "spec": spec,
    }


def service(name: str, port: int, address: str = "") -> dict[str, Any]:
    """One of the application's Services, at an address of its own choice if it has one."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"app": "echo"}, "ports": [{"port": 80, "targetPort": port}]}
        | ({"clusterIP": address} if address else {}),
    }


def secret(name: str, data: Mapping[str, bytes], kind: str = "Opaque") -> dict[str, Any]:
    """A Secret in the application's namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def counter(page: str, name: str, **labels: str) -> float:
    """The sum of a metric's series that have these labels."""
    total = 0.0
    for line in page.splitlines():
        if line.startswith(f"{name}{{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
            total += float(re.split(r"[}] ", line)[-1])
    return total


def certificate(folder: Path, host: str) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, PEM."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2"]
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run([*argv, *files, *names], check=True, capture_output=True)
    return (folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes()
