"""`explain`'s word beside the reload counter of the real controller, for each kind of change."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from blueshift.lab.image_set import build_images, import_images
from blueshift.lab.paths import Lab
from tests.contract.lab import change_rows
from tests.contract.lab.changes import CONFIG, Object, Row, base, new, slice_of
from tests.contract.lab.command import BLUESHIFT
from tests.contract.lab.conftest import quiet
from tests.contract.lab.edge import NAMESPACE, VALUES, Edge, certificate, counter, until

pytestmark = pytest.mark.lab

QUICK = {"sync-rate-limit": "10", "default-ssl-certificate": "shop/fallback"}
"""Ten syncs a second instead of one in three seconds."""
MEANT: dict[str, Any] = {
    **VALUES,
    "controller": {
        **VALUES["controller"],
        "replicaCount": 1,
        "extraArgs": QUICK,
        "addHeaders": {"X-Added": "yes"},
        "admissionWebhooks": {"enabled": False},
        "config": {"annotations-risk-level": "High", "global-allowed-response-headers": "X-One"},
    },
    "tcp": {"9000": "shop/stream:80"},
}


class Bench:
    """The controller, and what is there before each row."""

    def __init__(self, edge: Edge, there: dict[str, Object], folder: Path) -> None:
        self.edge = edge
        self.there = there
        self.folder = folder
        self.settings = folder / "blueshift.yaml"
        self.settings.write_text(
            f"release: {{name: main, namespace: {NAMESPACE}}}\ndns: {{backend: manual}}\n"
        )
        self.marks = 0

    def word(self, *arguments: str) -> dict[str, Any]:
        """What `explain` says."""
        said = self.edge.run(
            BLUESHIFT, "explain", *arguments, "--config", str(self.settings), "-o", "json",
            "--kubeconfig", str(self.edge.lab.kubeconfig),
        )  # fmt: skip
        found: dict[str, Any] = json.loads(said)
        return found

    def explained(self, item: Object, *, delete: bool) -> dict[str, Any]:
        """What `explain` says of an object that is to be applied or deleted."""
        file = self.folder / "change.yaml"
        file.write_text(json.dumps(item))
        return self.word("-f", str(file), *(["--delete"] if delete else []))

    def do(self, item: Object, *, delete: bool) -> None:
        """Make the change."""
        if not delete:
            self.edge.apply(item)
            return
        metadata = item["metadata"]
        space = ("-n", metadata["namespace"]) if "namespace" in metadata else ()
        self.edge.run("kubectl", *space, "delete", item["kind"].lower(), metadata["name"])

    def pod(self) -> str:
        """The controller's only one."""
        (pod,) = self.edge.pods()
        return pod

    def reloads(self) -> float:
        """How often the controller has reloaded since it began."""
        return counter(self.edge.metrics(self.pod()), "nginx_ingress_controller_success")

    def settle(self) -> None:
        """Until the controller has seen all that was changed: two marks, one after the other, went through.

        A mark is an endpoint more, which is dynamic. The second one is behind whatever the watches of other
        kinds brought while the first one was on its way.
        """
        for _ in range(2):
            self.marks += 1
            address = f"198.18.201.{self.marks % 250 + 1}"
            self.edge.apply(slice_of("marker", address))
            until(lambda address=address: address in self.backend("shop-marker-80"))  # type: ignore[misc]

    def backend(self, name: str) -> str:
        """What Lua was sent of an upstream."""
        return self.edge.inside(self.pod(), "/dbg", "backends", "get", name)

    def lua(self) -> str:
        """All that Lua was sent, the marks apart, and the certificates of the hosts that rows change."""
        sent = json.loads(self.edge.inside(self.pod(), "/dbg", "backends", "all"))
        told = sorted(json.dumps(one, sort_keys=True) for one in sent if one["name"] != "shop-marker-80")
        held = [self.edge.run(*self._certificate(host)) for host in ("tls.test", "a.test")]
        return json.dumps([told, held])

    def _certificate(self, host: str) -> tuple[str, ...]:
        argv = ("kubectl", "-n", NAMESPACE, "exec", self.pod(), "--")
        return (*argv, "sh", "-c", f"/dbg certs get {host} 2>&1 || true")

    def made(self, item: Object, *, delete: bool) -> tuple[str, str]:
        """(what `explain` said before, what the controller did)."""
        said = self.explained(item, delete=delete)["effect"]
        before = self.reloads()
        sent = self.lua() if said != "reload" else ""
        self.do(item, delete=delete)
        self.settle()
        if self.reloads() > before:
            return said, "reload"
        return said, "dynamic" if sent and self.lua() != sent else "nothing"


@pytest.fixture(scope="module")
def bench(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A controller with one pod, and every object that rows change."""
    asyncio.run(import_images(lab, asyncio.run(build_images(print, quiet))))
    edge, folder = Edge(lab), tmp_path_factory.mktemp("explain")
    hosts = {
        "cert": "tls.test",
        "renewed": "tls.test",
        "plain": "a.test",
        "fallback": "b.test",
        "ca": "ca.test",
    }
    pairs = {name: certificate(tmp_path_factory.mktemp(name), host) for name, host in hosts.items()}
    there = base(pairs)
    edge.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    edge.apply(*there.values())
    edge.install("4.11.3", MEANT)
    for name, called in (
        ("config", CONFIG),
        ("headers", "main-ingress-nginx-custom-add-headers"),
        ("tcp", "main-ingress-nginx-tcp"),
    ):
        live = json.loads(edge.run("kubectl", "-n", NAMESPACE, "get", "configmap", called, "-o", "json"))
        there[name] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": called, "namespace": NAMESPACE},
            "data": live["data"],
        }
        # So that a key which a row adds goes again: apply knows what an earlier apply wrote.
        edge.apply(there[name])
    bench = Bench(edge, there, folder)
    bench.settle()
    return bench


@pytest.mark.parametrize(
    ("changed", "effect"),
    [
        ({"config": {**MEANT["controller"]["config"], "keep-alive": "60"}}, "reload"),
        ({"extraEnvs": [{"name": "A", "value": "b"}]}, "new pods"),
        ({"terminationGracePeriodSeconds": 360}, "new pods"),
        ({"minReadySeconds": 2}, "nothing"),
        ({"service": {"externalTrafficPolicy": "Local", "annotations": {"example.com/a": "b"}}}, "nothing"),
    ],
)
def test_values(bench: Bench, changed: dict[str, Any], effect: str) -> None:
    """By a revision of the release; the pod is another one, or the counter grows, or neither."""
    given = {**MEANT, "controller": {**MEANT["controller"], **changed}}
    file = bench.folder / "values.yaml"
    file.write_text(json.dumps(given))
    said = bench.word("--values", str(file))["effect"]
    pod, before = bench.pod(), bench.reloads()
    bench.edge.install("4.11.3", given)
    bench.settle()
    done = "new pods" if bench.pod() != pod else "reload" if bench.reloads() > before else "nothing"
    bench.edge.install("4.11.3", MEANT)
    bench.settle()
    assert (said, done) == (effect, effect)


@pytest.mark.parametrize("row", change_rows.ROWS, ids=lambda row: row.name)
def test_the_word_is_what_the_controller_does(bench: Bench, row: Row) -> None:
    """There, and back again: the way back is a change of its own."""
    held(bench, row)


def test_canaries(bench: Bench) -> None:
    """Of a canary that is there already."""
    canary = new(change_rows.CANARY)(bench.there)
    bench.do(canary, delete=False)
    bench.there["canary"] = canary
    bench.settle()
    try:
        for row in change_rows.CANARIES:
            held(bench, row)
    finally:
        bench.do(canary, delete=True)
        bench.settle()


def held(bench: Bench, row: Row) -> None:
    """Make a row's change and take it back; each time the word must be what the controller does."""
    item = row.change(bench.there)
    back = before(bench, item)
    said, done = bench.made(item, delete=row.delete)
    said_back, undone = bench.made(back or item, delete=back is None)
    assert (said, seen(row, done)) == (row.effect, row.effect)
    if row.back:
        assert said_back == seen(row, undone), "on the way back"


def seen(row: Row, done: str) -> str:
    """What the controller did, of rows that the marks or this test's own blindness would tell wrong."""
    if row.waits and done == "dynamic":
        return "nothing"  # it waits for any other change, and the marks are some
    return "dynamic" if row.unseen and done == "nothing" else done


def before(bench: Bench, item: Object) -> Object | None:
    """The object as it was, or None."""

    def names(one: Object) -> tuple[str, ...]:
        return (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])

    return next((one for one in bench.there.values() if names(one) == names(item)), None)
