"""Asking the lab's API server from outside its network: only for the short questions of up and status.

Everything else talks to the cluster from inside the lab's network, by blueshift.cluster.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from typing import Any

import msgspec
import yaml

from blueshift.lab import namespaces
from blueshift.lab.addresses import API_PORT, IPV4
from blueshift.lab.paths import Lab

_TIMEOUT = 2.0
"""Seconds for one answer: the server is on this machine."""


def get(lab: Lab, path: str) -> tuple[int, bytes]:
    """Status and body of one GET with the admin's token; (0, b"") while nothing answers."""
    try:
        config: dict[str, Any] = yaml.safe_load(lab.kubeconfig.read_text())
        token = config["users"][0]["user"]["token"]
        ca = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        return namespaces.inside(lab.netns_path, lambda: _get(path, token, ca))
    except (OSError, http.client.HTTPException):
        return 0, b""


def ready(lab: Lab) -> bool:
    """Whether the API server serves."""
    return get(lab, "/readyz")[0] == http.client.OK


def node_ready(lab: Lab, name: str) -> bool:
    """Whether the node's Ready condition is True."""
    status, body = get(lab, f"/api/v1/nodes/{name}")
    if status != http.client.OK:
        return False
    conditions = msgspec.json.decode(body)["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def accounts_ready(lab: Lab) -> bool:
    """Whether pods may be made: each needs its namespace's service account, which a controller makes."""
    return get(lab, "/api/v1/namespaces/default/serviceaccounts/default")[0] == http.client.OK


def _get(path: str, token: str, ca: str) -> tuple[int, bytes]:
    context = ssl.create_default_context(cadata=ca)
    connection = http.client.HTTPSConnection(IPV4.node, API_PORT, timeout=_TIMEOUT, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
