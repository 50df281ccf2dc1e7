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
from tests.contract.lab.changes import CONFIG, Object, Row, base, new
from tests.contract.lab.command import BLUESHIFT
from tests.contract.lab.conftest import quiet
from tests.contract.lab.edge import NAMESPACE, VALUES, Edge, certificate, counter

pytestmark = pytest.mark.lab

BETWEEN = "---8<---"
SEEN = f"""curl -s http://127.0.0.1:10254/metrics; echo '{BETWEEN}'; /dbg backends all; echo '{BETWEEN}'
for host in tls.test a.test; do /dbg certs get $host 2>&1 || true; done"""
MARK = """pod=$1; shift
for address; do
  patch='[{"op": "replace", "path": "/endpoints/0/addresses/0", "value": "'$address'"}]'
  kubectl -n shop patch endpointslice marker-1 --type=json -p "$patch" >/dev/null
  until kubectl -n edge exec $pod -- /dbg backends get shop-marker-80 | grep -qF "\\"$address\\""; do :; done
done"""
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


ALL = [
    pytest.param(row, id=row.name, marks=() if row.name in change_rows.FIRST else pytest.mark.slow)
    for row in change_rows.ROWS
]


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

    def settle(self) -> None:
        """Until the controller has seen all that was changed: two marks, one after the other, went through.

        A mark is another address of an endpoint, which is dynamic. The second one is behind whatever the
        watches of other kinds brought while the first one was on its way.
        """
        marks = [f"198.18.201.{(self.marks + number) % 250 + 1}" for number in range(2)]
        self.marks += 2
        self.edge.run("timeout", "120", "sh", "-ec", MARK, "mark", self.pod(), *marks)

    def seen(self) -> tuple[float, str]:
        """(how often it has reloaded, what Lua was sent of upstreams and of the hosts that rows change).

        Without the marks; in one go, since each way into a pod takes a second.
        """
        page, _, sent = self.edge.inside(self.pod(), "sh", "-c", SEEN).partition(BETWEEN)
        backends, _, certificates = sent.partition(BETWEEN)
        told = [one for one in json.loads(backends) if one["name"] != "shop-marker-80"]
        reloads = counter(page, "nginx_ingress_controller_success")
        return reloads, json.dumps(
            sorted(told, key=lambda one: str(one["name"])), sort_keys=True
        ) + certificates

    def made(self, item: Object, *, delete: bool) -> tuple[str, str]:
        """(what `explain` said before, what the controller did)."""
        said = self.explained(item, delete=delete)["effect"]
        reloads, sent = self.seen()
        self.do(item, delete=delete)
        self.settle()
        after, now = self.seen()
        if after > reloads:
            return said, "reload"
        return said, "dynamic" if now != sent else "nothing"


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
    pod, (before, _) = bench.pod(), bench.seen()
    bench.edge.install("4.11.3", given)
    bench.settle()
    done = "new pods" if bench.pod() != pod else "reload" if bench.seen()[0] > before else "nothing"
    bench.edge.install("4.11.3", MEANT)
    bench.settle()
    assert (said, done) == (effect, effect)


@pytest.mark.parametrize("row", ALL)
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
