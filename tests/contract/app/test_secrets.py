"""No secret leaves the places that may hold it: canaries in all of them, and a search everywhere else.

The argument lists of all processes are read meanwhile, since everybody on a machine may do so.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.lab.charts import chart
from tests.arguments import Arguments
from tests.contract import apiserver as server_of
from tests.contract.app.front import LOWERS, Front, install
from tests.contract.dns.bind import SECRET, WRITER, Bind

SET_SECRET = "canary-of-the-release"
TARGET_SECRET = "canary-of-the-target"
WEBHOOK_SECRET = "canary-of-the-webhook"
QUERY_SECRET = "canary-of-the-query"
VARIABLES = {
    "GRAFANA_TOKEN": "canary-of-a-variable",
    "MESSAGES": "amqp://app:canary-of-an-url@queue.test/",
}
CHATTY = """#!/bin/sh
# A hook of somebody who prints all he has, and fails the first time.
echo "token $GRAFANA_TOKEN at $MESSAGES and $BLUESHIFT_WEBHOOK_URL"
test "$BLUESHIFT_STEP" != forward/install-temporary -o -e again || { touch again; exit 1; }
"""
GIVEN = {"update.key", "target.yaml", "chatty"}
"""What a user wrote; the rest of the folder, which is HOME too, was left by commands."""


@pytest.fixture
def front(bind: Bind, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One of its own: its release holds secrets, and is left with a temporary beside it."""
    (tmp_path / "update.key").write_text(WRITER)
    with answering() as url, server_of.running(tmp_path_factory.mktemp("secrets")) as server:
        install(server, **with_secret(SET_SECRET))
        variables = VARIABLES | {"BLUESHIFT_WEBHOOK_URL": f"{url}/{WEBHOOK_SECRET}"}
        yield Front(server, bind, tmp_path, variables)


def with_secret(secret: str) -> dict[str, Any]:
    """Values of a controller as users write them."""
    return {
        "extraEnvs": [{"name": "UPSTREAM_PASSWORD", "value": secret}],
        "proxySetHeaders": {"Authorization": f"Basic {secret}"},
    }


async def test_secrets_stay_where_they_are(front: Front) -> None:
    canaries = {
        "the DNS key": SECRET,
        "the kubeconfig's token": front.server.admin,
        "the running values": SET_SECRET,
        "the target's values": TARGET_SECRET,
        "the webhook": WEBHOOK_SECRET,
        "a URL's query": QUERY_SECRET,
        "a variable": "canary-of-a-variable",
        "a URL's password": "canary-of-an-url",
    }
    prepare(front)
    with Arguments() as arguments:
        said = commands(front)
    assert arguments.of("helm", "upgrade", "--install"), "the witness has not seen helm at work"
    inputs, rest = await kept(front)
    rest |= files(front) | {"arguments": b"\n".join(sorted(arguments.seen)), "said": "\n".join(said).encode()}
    leaks = {
        what: found
        for what, canary in canaries.items()
        if (found := [place for place, content in rest.items() if holds(content, canary)])
    }
    assert leaks == {}
    # A resume elsewhere needs the target's values and the playbook; no other secret is kept for it.
    kept_on_purpose = {what for what, canary in canaries.items() if holds(inputs, canary)}
    assert kept_on_purpose == {"the target's values", "a URL's query"}


def prepare(front: Front) -> None:
    """The settings of a user with secrets in every place that may hold one."""
    target = {"controller": with_secret(TARGET_SECRET)}
    (front.folder / "target.yaml").write_text(json.dumps(target))
    chatty = front.folder / "chatty"
    chatty.write_text(CHATTY)
    chatty.chmod(0o755)
    events = ["start", "holding", "interrupted", "rolled-back", "end"]
    front.settings(
        chart={"path": str(chart("4.12.1"))},
        values={"files": ["target.yaml"]},
        temporary={"namespace": "same"},
        hooks=[{"on": events, "run": ["notify-webhook"]}, {"on": "before-step", "run": ["./chatty"]}],
    )


def commands(front: Front) -> list[str]:
    """All that was printed by commands that look, begin, hold, go on, tell, and take back."""
    said: list[str] = []

    def ran(code: int, *arguments: str) -> str:
        done = front.blueshift(*arguments)
        said.append(done.stdout + done.stderr)
        assert done.returncode == code, said[-1]
        return said[-1]

    ran(0, "check", "-o", "json")
    ran(0, "plan", "--full", "-o", "plan.json", "--save-world", "world.json")
    ran(0, "plan", "-o", "json")
    lowers = front.playbook("preflight", "snapshot", LOWERS)
    run = front.run_in(ran(75, "upgrade", "--yes", "--park", "--playbook", lowers, "--output", "json"))
    ran(4, "rollback", run, "--yes", "--output", "plain")
    health = front.variables["BLUESHIFT_WEBHOOK_URL"].replace(WEBHOOK_SECRET, f"?token={QUERY_SECRET}")
    asks = f"check: {{url: '{health}'}}"
    installs = front.playbook("preflight", "snapshot", asks, "install-temporary: {ready_within: 0.5s}")
    run = front.run_in(ran(5, "upgrade", "--yes", "--playbook", installs, "--output", "plain"))
    assert "hook before-step/chatty ended with 1: token *** at amqp://app:***@queue.test/ and ***" in said[-1]
    ran(5, "resume", run, "--output", "json")
    assert "helm upgrade front-blueshift: " in said[-1], "what helm says is kept and shown"
    for output in ("table", "json"):
        ran(0, "status", run, "-o", output)
        ran(0, "show", run, "-o", output)
        ran(0, "status", "-o", output)
        ran(0, "history", "-o", output)
    shown = ran(0, "show", run)
    assert " install front-blueshift ingress-nginx --version 4.11.3 -n front --values -" in shown
    assert "held from" in shown
    return said


def files(front: Front) -> dict[str, bytes]:
    """What commands left on this machine; a playbook is the user's own, and a plan file holds it."""
    return {
        str(file.relative_to(front.folder)): file.read_bytes()
        for file in front.folder.rglob("*")
        if file.is_file() and file.name not in GIVEN and file.suffix != ".yaml"
    }


async def kept(front: Front) -> tuple[bytes, dict[str, bytes]]:
    """What is in the cluster: the inputs of runs, unpacked, and all other objects that are not Helm's own."""
    inputs, rest = bytearray(), {}
    kube = await KubeApi.connect(SystemClock(), kubeconfig=front.server.kubeconfig)
    try:
        for kind in ("configmaps", "secrets", "events", "namespaces"):
            for item in await kube.list(paths.core(kind)):
                name = f"{kind} {item['metadata'].get('namespace')}/{item['metadata']['name']}"
                kept_by_helm = (item["metadata"].get("labels") or {}).get("owner") == "helm"
                of_users = (item["metadata"].get("labels") or {}).get(
                    "app.kubernetes.io/managed-by"
                ) == "Helm"
                if name.endswith("-inputs"):
                    inputs += b"".join(
                        gzip.decompress(base64.b64decode(one)) for one in item["data"].values()
                    )
                elif not (kept_by_helm or of_users or item.get("type") == "blueshift.dev/copy"):
                    rest[name] = json.dumps(item).encode()
        for item in await kube.list(paths.apis("coordination.k8s.io/v1", "leases")):
            rest[f"lease {item['metadata']['name']}"] = json.dumps(item).encode()
    finally:
        await kube.close()
    return bytes(inputs), rest


def holds(content: bytes, canary: str) -> bool:
    """Whether it is there, as it is or in base64."""
    plain = canary.encode()
    return plain in content or base64.b64encode(plain) in content


@contextmanager
def answering() -> Iterator[str]:
    """A server that says yes to everything, for the webhook and for the check."""

    class Yes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815  # the base's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
