"""The lab's application in a cluster: echo backends, Services, Secrets, and an Ingress for each site."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from blueshift.lab.certificates import Authority
from blueshift.lab.sites import AUTH_SECRET, HTPASSWD, SERVICES, Site

NAMESPACE = "application"
NAME = "echo"
ADMIN_PORT = 9090
"""Where a pod tells its health and the ids that it served."""
SELECTOR = f"app.kubernetes.io/name={NAME}"
Manifest = dict[str, Any]


def manifests(
    sites: Sequence[Site],
    authority: Authority,
    *,
    image: str,
    replicas: int = 2,
    ingress_class: str = "nginx",
    dual_stack: bool = True,
) -> list[Manifest]:
    """Return every object, the namespace first and the Ingresses last."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _deployment(image, replicas),
        *(_service(name, port, dual_stack) for name, port in SERVICES.items()),
        _secret(AUTH_SECRET, "Opaque", {"auth": HTPASSWD.encode()}),
        *_certificates(sites, authority),
        *(_ingress(site, ingress_class) for site in sites),
    ]


def _object(kind: str, name: str, api: str = "v1", **rest: object) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": NAME}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def _deployment(image: str, replicas: int) -> Manifest:
    labels = {"app.kubernetes.io/name": NAME}
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "Never",
        "args": [f"--service={name}={port}" for name, port in SERVICES.items()]
        + [f"--admin-port={ADMIN_PORT}"],
        "ports": [{"name": name, "containerPort": port} for name, port in SERVICES.items()],
        # What a controller asks for: with nothing a backend weighs a fiftieth, and waits while one starts.
        "resources": {"requests": {"cpu": "100m"}},
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": ADMIN_PORT},
            "periodSeconds": 2,
            # A machine under load answers late; that is no reason to take every backend away at once.
            "timeoutSeconds": 5,
            "failureThreshold": 15,
        },
        # Endpoints must have forgotten a pod before it stops to listen.
        "lifecycle": {"preStop": {"exec": {"command": ["python3", "-c", "import time; time.sleep(10)"]}}},
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 90, "containers": [container]},
        },
    }
    return _object("Deployment", NAME, "apps/v1", spec=spec)


def _service(name: str, port: int, dual_stack: bool) -> Manifest:
    spec: Manifest = {
        "selector": {"app.kubernetes.io/name": NAME},
        "ports": [{"name": "http", "port": 80, "targetPort": port}],
    }
    if dual_stack:
        spec["ipFamilyPolicy"] = "PreferDualStack"
    return _object("Service", name, spec=spec)


def _secret(name: str, kind: str, data: dict[str, bytes]) -> Manifest:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return _object("Secret", name, type=kind, data=encoded)


def _certificates(sites: Sequence[Site], authority: Authority) -> Iterator[Manifest]:
    for site in sites:
        if site.tls:
            certificate, key = authority.issue(site.host)
            yield _secret(f"{site.name}-tls", "kubernetes.io/tls", {"tls.crt": certificate, "tls.key": key})


def _ingress(site: Site, ingress_class: str) -> Manifest:
    paths = [
        {"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}}
        for path, kind, service in site.rules
    ]
    spec: Manifest = {
        "ingressClassName": ingress_class,
        "rules": [{"host": site.host, "http": {"paths": paths}}],
    }
    if site.tls:
        spec["tls"] = [{"hosts": [site.host], "secretName": f"{site.name}-tls"}]
    made = _object("Ingress", site.name, "networking.k8s.io/v1", spec=spec)
    if site.annotations:
        made["metadata"]["annotations"] = dict(site.annotations)
    return made
