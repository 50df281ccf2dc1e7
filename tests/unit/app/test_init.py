"""What `init` chooses from and what it refuses, without a cluster."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app.init import Candidate, Survey, exists, fit, matching, see_chart, see_key, survey, write
from blueshift.app.target import rebuildable
from blueshift.cluster.identity import Cluster
from blueshift.dns.key import KeySource, SecretField
from blueshift.errors import BlueshiftError
from blueshift.helm import records
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.test_init_file import FOUND, ZONES

KEY = 'key "blueshift" { algorithm hmac-sha256; secret "c2VjcmV0"; };'


def candidate(namespace: str, release: str) -> Candidate:
    found = msgspec.structs.replace(FOUND, release=release, release_namespace=namespace)
    return Candidate(found, "ingress-nginx", "4.11.3", 1, "deployed")


SEEN = Survey(
    Cluster("https://198.18.0.1:6443", "lab", "uid", "v1.37.2"),
    (candidate("edge", "main"), candidate("edge", "internal"), candidate("team", "main")),
)


@pytest.mark.parametrize(
    ("release", "namespace", "left"),
    [
        (None, None, ["edge/main", "edge/internal", "team/main"]),
        ("main", None, ["edge/main", "team/main"]),
        (None, "edge", ["edge/main", "edge/internal"]),
        ("main", "team", ["team/main"]),
    ],
)
def test_releases_by_name(release: str | None, namespace: str | None, left: list[str]) -> None:
    assert [one.name for one in matching(SEEN, release, namespace)] == left


def test_what_was_found_in_a_line() -> None:
    assert SEEN.releases[0].said == "ingress-nginx 1.11.3, class nginx, 2 hosts, at 198.18.0.50, 2001:2::50"
    busy = msgspec.structs.replace(SEEN.releases[0], rate=9.04)
    assert "2 hosts (9.0 requests/s), at" in busy.said
    assert "(9.0 requests/s, 90% of all traffic)" in msgspec.structs.replace(busy, share=0.9).said
    owned = msgspec.structs.replace(FOUND, owner="flux:edge/main", services=())
    assert (
        "no address of a load balancer; ATTENTION: flux:edge/main owns it"
        in Candidate(owned, "ingress-nginx", "4.11.3", 1, "deployed").said
    )
    assert ZONES.said == (
        "9 point here from more.test (updates go to an unknown server), "
        "3 point here from shop.test (updates go to ns1.shop.test), 1 elsewhere"
    )


def test_a_release_that_no_command_would_take_is_refused_with_the_reason_and_marked_among_others() -> None:
    wrapped = msgspec.structs.replace(SEEN.releases[0], unfit="its chart wraps it", remedy="unwrap it")
    assert wrapped.said.endswith("2001:2::50; ATTENTION: its chart wraps it")
    with pytest.raises(BlueshiftError, match="edge/main: its chart wraps it") as caught:
        fit(wrapped)
    assert caught.value.hint == "unwrap it"
    fit(SEEN.releases[0])


@pytest.mark.parametrize(
    ("dependencies", "says", "do"),
    [
        ([("ingress-nginx", "")], "wraps ingress-nginx", "below `ingress-nginx:`, changes no object of it ("),
        ([("ingress-nginx", "public")], "wraps ingress-nginx", "stand below `public:`"),
        (
            [("redis", ""), ("ingress-nginx", "one"), ("ingress-nginx", "two")],
            "wraps ingress-nginx",
            "what else it holds (redis, two) needs a release of its own before",
        ),
        ([("common", "")], r"has subcharts \(common\)", "as a release of its own"),
    ],
)
def test_a_chart_that_helms_record_does_not_hold_whole(
    dependencies: list[tuple[str, str]], says: str, do: str
) -> None:
    named = [{"name": name, **({"alias": alias} if alias else {})} for name, alias in dependencies]
    metadata = {"name": "company", "version": "1.0.0", "dependencies": named}
    release = {"name": "main", "namespace": "edge", "version": 1, "chart": {"metadata": metadata}}
    record = records.decode_secret({"data": {"release": records.encode(release)}})
    with pytest.raises(BlueshiftError, match=says) as caught:
        rebuildable(record, "ingress-nginx")
    assert do in (caught.value.hint or "")


def test_a_release_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BlueshiftError, match="release mian in namespace edge") as caught:
        matching(SEEN, "mian", "edge")
    assert "edge/main, edge/internal, team/main" in (caught.value.hint or "")


class OneCluster(FakeKube):
    """A cluster with these workloads."""

    def __init__(self, *workloads: dict[str, Any]) -> None:
        super().__init__()
        self.objects |= {f"/apis/apps/v1/deployments/{item['metadata']['name']}": item for item in workloads}

    async def identity(self) -> Cluster:
        return SEEN.cluster


def controller(**annotations: str) -> dict[str, Any]:
    container = {
        "name": "controller",
        "image": "registry.k8s.io/ingress-nginx/controller:v1.11.3",
        "args": ["/nginx-ingress-controller", "--ingress-class=nginx"],
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "controller", "namespace": "edge", "annotations": annotations},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}},
        },
    }


async def test_a_cluster_without_a_controller_is_told() -> None:
    with pytest.raises(BlueshiftError, match="is an ingress controller that Blueshift knows") as caught:
        await survey(OneCluster(), ManualClock())  # type: ignore[arg-type]
    assert "blueshift lab demo" in (caught.value.hint or "")


async def test_a_controller_that_helm_did_not_install_is_told() -> None:
    with pytest.raises(BlueshiftError, match="no Helm release holds Deployment edge/controller"):
        await survey(OneCluster(controller()), ManualClock())  # type: ignore[arg-type]


async def test_a_controller_of_a_release_is_found() -> None:
    marks = {"meta.helm.sh/release-name": "main", "meta.helm.sh/release-namespace": "edge"}
    seen = await survey(OneCluster(controller(**marks)), ManualClock())  # type: ignore[arg-type]
    assert [one.name for one in seen.releases] == ["edge/main"]
    assert seen.releases[0].found.version == "1.11.3"
    assert seen.releases[0].status == "without a record"
    assert seen.releases[0].rate is None, "no pod is ready that would tell"


async def test_the_key_is_read_where_it_is_and_shown_nowhere(tmp_path: Path) -> None:
    kube = FakeKube()
    (tmp_path / "good").write_text(KEY)
    (tmp_path / "bad").write_text("c2VjcmV0")
    data = {"key": base64.b64encode(KEY.encode()).decode()}
    kube.objects["/api/v1/namespaces/dns/secrets/update"] = {"data": data}
    for source in (
        KeySource(file=str(tmp_path / "good")),
        KeySource(env="NOT_SET_HERE"),
        KeySource(secret=SecretField("dns", "update")),
    ):
        await see_key(kube, source)  # type: ignore[arg-type]
    for source, says in (
        (KeySource(file=str(tmp_path / "bad")), "the key has no name"),
        (KeySource(file=str(tmp_path / "none")), "cannot be read"),
        (KeySource(secret=SecretField("dns", "none")), "there is no Secret dns/none"),
        (KeySource(secret=SecretField("dns", "update", "tsig")), "no field 'tsig'"),
    ):
        with pytest.raises(BlueshiftError, match=says) as caught:
            await see_key(kube, source)  # type: ignore[arg-type]
        assert "c2VjcmV0" not in f"{caught.value} {caught.value.hint}"


def test_a_chart_on_this_machine_must_be_of_the_running_kind(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: ingress-nginx\nversion: 4.12.1\n")
    see_chart(str(tmp_path), "ingress-nginx")
    see_chart("oci://registry.example.org/charts/x", "ingress-nginx")
    with pytest.raises(
        BlueshiftError, match="this is the chart ingress-nginx, and the release was made from"
    ):
        see_chart(str(tmp_path), "traefik")
    for wrong, says in ((tmp_path / "none", "there is no such chart"), (tmp_path.parent, "no Chart.yaml")):
        with pytest.raises(BlueshiftError, match=says) as caught:
            see_chart(str(wrong), "ingress-nginx")
        assert caught.value.hint


def test_a_file_is_overwritten_only_by_force(tmp_path: Path) -> None:
    file = tmp_path / "blueshift.yaml"
    write("one", file, force=False)
    with pytest.raises(BlueshiftError) as caught:
        write("two", file, force=False)
    assert str(caught.value) == str(exists(file))
    assert file.read_text() == "one"
    write("two", file, force=True)
    assert file.read_text() == "two"
    with pytest.raises(BlueshiftError, match="cannot be written"):
        write("x", tmp_path / "none" / "f", force=False)
