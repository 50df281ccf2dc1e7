"""The whole look, on a cluster of plain objects: what is found, and what a fault of one part leaves whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
import yaml

from blueshift.cluster import paths
from blueshift.cluster.errors import Forbidden
from blueshift.cluster.execute import ExecResult
from blueshift.cluster.identity import Cluster
from blueshift.discovery import traffic
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE, as_helm
from blueshift.discovery.controllers import controllers
from blueshift.discovery.look import Revised, Sources, look, look_again
from blueshift.discovery.pods import Container, Pods, RenderedService
from blueshift.discovery.primary import Primary, primary
from blueshift.discovery.profile import Knowledge
from blueshift.discovery.raw import Raw, annotated, name
from blueshift.discovery.releases import listing
from blueshift.discovery.seen_apply import Applied
from blueshift.discovery.seen_sides import Comparison
from blueshift.discovery.settings import Settings, Side
from blueshift.discovery.world import Rendered, World
from blueshift.dns.authority import Directory, Server, View
from blueshift.dns.records import RecordSet
from blueshift.errors import BlueshiftError
from blueshift.helm import records
from blueshift.playbook.config import Config, Dns, Hosts, Release
from blueshift.preflight.protocol import failed
from blueshift.preflight.run import run_all
from blueshift.traffic.metrics import MetricNames
from blueshift.traffic.probe import ProbeResult
from tests.fakes import ManualClock
from tests.unit.discovery.fakes import FakeDns, FakeKube
from tests.unit.discovery.test_objects import HTTP, HTTPS, ingress, service, workload

SECRETS = paths.core("secrets", "ingress")
NAMES = ("shop.example.test", "old.example.test")
SETTINGS = Settings(
    version="1.11.3",
    controller="k8s.io/ingress-nginx",
    ingress_class="nginx",
    watches="",
    classless=False,
    class_by_name=False,
    metrics=True,
    metrics_port=10254,
    metrics_per_host=True,
    access_log=True,
    proxy_protocol=False,
    image="controller:v1.11.3",
    grace=300,
    streams={"TCP": "ingress/web-tcp"},
    template="ingress/web-template",
)
TARGET = Side(
    msgspec.structs.replace(SETTINGS, version="1.12.1", template=""), streams={"TCP 9000": "shop/a:9"}
)
IMAGE = "registry.lab.test/ingress-nginx/controller:v1.12.1"
PODS = Pods("Deployment", "web", "ingress", 2, {"app": "web"}, (Container(IMAGE, "IfNotPresent"),), "1")
METRICS = b'nginx_ingress_controller_requests{host="shop.example.test",status="200"} 7\n'


class Profile:
    name = "ingress-nginx"
    metrics = MetricNames()

    def __init__(self) -> None:
        self.config: Mapping[str, str] = {}
        self.compared: list[Side] = []

    def container_name(self, _: Raw) -> str:
        return "controller"

    def prestop(self, _: Raw) -> tuple[str, ...]:
        return ("/wait-shutdown",)

    def config_map(self, _: Raw) -> tuple[str, str]:
        return ("ingress", "web")

    def settings(self, _: Raw, config: Mapping[str, str], version: str = "") -> Settings:
        self.config = config or self.config
        return msgspec.structs.replace(SETTINGS, version=version or SETTINGS.version)

    def aliases(self, _: Raw) -> tuple[str, ...]:
        return ()

    def unlogged(self, ingress: Raw, _: str) -> bool:
        return bool(annotated(ingress).get("quiet"))

    def default_image(self, _: Mapping[str, Any], app_version: str) -> str:
        return f"controller:v{app_version}"

    release_command = ("/controller", "--version")

    def release(self, said: str) -> str:
        return said.strip().lstrip("v")

    def template_uses(self, text: str) -> tuple[str, ...]:
        return (text,) if text else ()

    def compare(
        self, running: Side, target: Side, ingresses: Sequence[Raw], classes: Sequence[Raw]
    ) -> Comparison:
        self.compared = [running, target]
        return Comparison((f"{len(ingresses)} Ingresses", f"{len(classes)} classes"))


PROFILE = Profile()


def recognise(found: Raw) -> Knowledge | None:
    return PROFILE if name(found) == "web" else None


def deployment() -> dict[str, Any]:
    marks = {RELEASE_NAME: "web", RELEASE_NAMESPACE: "ingress"}
    found = workload(apiVersion="apps/v1")
    found["metadata"] = {**found["metadata"], "annotations": marks}
    template = {**found["spec"]["template"], "metadata": {"labels": {"app": "web"}}}
    return {**found, "spec": {**found["spec"], "template": template}}


def pod(called: str, ready: str) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": called, "namespace": "ingress"}, "status": status}


def node() -> dict[str, Any]:
    status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "images": [{"names": [IMAGE]}]}
    return {"metadata": {"name": "node-1"}, "spec": {}, "status": status}


def cluster(**without: Any) -> FakeKube:
    front = {"apiVersion": "v1", **service("web"), "kind": "Service"}
    manifest = yaml.safe_dump_all([deployment(), front])
    release = {
        "name": "web",
        "namespace": "ingress",
        "version": 3,
        "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "ingress-nginx", "version": "4.11.3", "appVersion": "1.11.3"}},
        "config": {"a": 1},
        "manifest": manifest,
    }
    labels = {"owner": "helm", "name": "web", "version": "3", "status": "deployed"}
    kube = FakeKube(
        {
            SECRETS: [{"metadata": {"namespace": "ingress", "labels": labels}}],
            f"{SECRETS}/sh.helm.release.v1.web.v3": {
                "metadata": {"name": "x"},
                "data": {"release": records.encode(release)},
            },
            "/apis/apps/v1/namespaces/ingress/deployments/web": as_helm(deployment(), ("web", "ingress")),
            "/api/v1/namespaces/ingress/services/web": as_helm(front, ("web", "ingress")),
            "/apis/apps/v1/deployments": [deployment()],
            "/api/v1/namespaces/ingress/services": [service("web", HTTP, HTTPS)],
            "/api/v1/services": [service("web", HTTP, HTTPS)],
            "/api/v1/namespaces/ingress/pods": [pod("web-0", "False"), pod("web-1", "True")],
            "/api/v1/namespaces/ingress/configmaps/web": {"data": {"k": "v"}},
            "/api/v1/nodes": [node()],
            "/api/v1/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": "uid"}},
            "/api/v1/namespaces/ingress": {"metadata": {"name": "ingress"}},
            "/api/v1/namespaces/ingress/configmaps/web-tcp": {"data": {"9000": "shop/a:9"}},
            "/api/v1/namespaces/ingress/configmaps/web-template": {"data": {"nginx.tmpl": "{{ .Old }}"}},
            paths.core("pods", "ingress", "web-1:10254", "proxy") + "/metrics": METRICS,
            "/apis/networking.k8s.io/v1/ingressclasses": [
                {"metadata": {"name": "public"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
            ],
            "/apis/networking.k8s.io/v1/ingresses": [
                ingress("a", NAMES[0], ingressClassName="public"),
                ingress("b", NAMES[1], annotations={"kubernetes.io/ingress.class": "nginx"}),
                ingress("c", "other.example.test", ingressClassName="traefik"),
            ],
            **without,
        }
    )
    kube.said = ExecResult(b"", b"", 0)
    return kube


class OneServer(Directory):
    async def zone_of(self, name: str) -> str:
        return "example.test"

    async def servers(self, zone: str) -> tuple[Server, ...]:
        return (Server(zone, "ns1", "192.0.2.53"),)


@pytest.fixture(autouse=True)
def _no_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe(_address: str, **_: Any) -> ProbeResult:
        return ProbeResult(True, 200, (), "", 0.01, "", "", "")

    async def views(*_: Any) -> tuple[View, ...]:
        return (View(Server("example.test", "ns1", "192.0.2.53"), 7),)

    monkeypatch.setattr(traffic, "probe", probe)
    monkeypatch.setattr(traffic, "has_route", lambda _: True)
    monkeypatch.setattr("blueshift.discovery.dns.look", views)


async def taken(kube: FakeKube, dns: FakeDns | None = None) -> World:
    backend = dns or FakeDns(
        RecordSet(NAMES[0], "A", 300, ("198.18.0.50",)), RecordSet(NAMES[1], "A", 300, ("192.0.2.9",))
    )
    sources = Sources(
        kube.api,
        Cluster("https://api", "lab", "uid", "v1.37.2"),
        backend,
        OneServer(),
        ManualClock(),
        recognise,
    )
    config = Config(Release("web", "ingress"), Dns(), hosts=Hosts((NAMES[1],)))

    async def render(found: Primary) -> Revised:
        await asyncio.sleep(0)
        same = Rendered(
            chart=found.record.chart_name,
            chart_version="4.12.1",
            source="record",
            pods=(PODS,),
            services=(RenderedService("web-blue", "web-blue", "LoadBalancer"),),
            side=TARGET,
            applied=Applied(),
            forgotten=(),
        )
        return Revised(same, same, same, helm="3.19.0")

    return await look(
        sources, config, recognise, render, temporary_release="web-blue", temporary_namespace="web-blue"
    )


async def test_what_a_look_brings() -> None:
    world = await taken(cluster())
    assert (world.release.revision, world.release.chart_version, world.release.owner) == (3, "4.11.3", "")
    assert (world.workload.name, world.workload.replicas, world.workload.image) == ("web", 3, "ctl:1")
    assert (world.controller.classes, world.controller.version) == (("nginx", "public"), "1.11.3")
    assert PROFILE.config == {"k": "v"}
    assert world.service().addresses == ("198.18.0.50", "2001:2::50")
    assert [host.host for host in world.hosts] == sorted(NAMES)
    assert {one.name: one.state for one in world.names} == {NAMES[0]: "move", NAMES[1]: "elsewhere"}
    assert world.dns.rights == {NAMES[0]: "granted"}
    assert world.dns.min_ttl == 30
    assert [server.serial for server in world.dns.servers] == [7]
    assert world.target.chart_version == "4.12.1"
    assert world.baseline == {NAMES[0]: 200}
    assert world.findings["dns-hosts"]["requests"] == {NAMES[0]: 7.0}
    assert list(world.findings["helm-history-max"]["revisions"]) == [3]
    assert world.findings["helm-values-drift"] == {"fields": (), "unread": {}}
    assert world.findings["helm-client"]["version"] == "3.19.0"


@pytest.mark.parametrize("plural", ["ingresses", "ingressclasses"])
async def test_whoever_needs_no_hosts_needs_no_right_to_list_what_tells_them(plural: str) -> None:
    kube = cluster()
    kube.forbidden = (f"/apis/networking.k8s.io/v1/{plural}",)
    found = await primary(kube.api, "web", "ingress", recognise, hosts=False)
    assert (found.workload.name, found.served, found.unserved) == ("web", (), "not yours")
    with pytest.raises(Forbidden):
        await primary(kube.api, "web", "ingress", recognise)
    kube.forbidden = ()
    assert (await primary(kube.api, "web", "ingress", recognise, hosts=False)).unserved == ""


async def test_the_primary_is_compared_with_the_target_by_what_its_program_says_that_it_is() -> None:
    kube = cluster()
    kube.said = ExecResult(b"v1.11.5\n", b"", 0)
    world = await taken(kube)
    running, target = PROFILE.compared
    assert (running.settings.version, target) == ("1.11.5", TARGET)
    assert running.streams == {"TCP 9000": "shop/a:9"}
    assert running.template_uses == ("{{ .Old }}",)
    assert running.chart_image == "controller:v1.11.3"
    assert world.findings["nginx-compared"]["crossed"] == ("2 Ingresses", "1 classes")
    assert world.controller.version == "1.11.3"


async def test_a_config_map_that_may_not_be_read_is_no_pass_of_the_check_that_needs_it() -> None:
    kube = cluster()
    kube.forbidden = ["/api/v1/namespaces/ingress/configmaps/web-tcp"]
    found = {one.check: one.outcome for one in run_all(await taken(kube))}
    assert (found["nginx-tcp-udp"], found["nginx-crossing-1.12"]) == ("not-looked", "pass")


async def test_a_target_that_cannot_be_compared_is_no_pass_of_the_crossings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compare(*_: Any) -> Comparison:
        raise BlueshiftError("no")

    monkeypatch.setattr(PROFILE, "compare", compare)
    found = {one.check: one.outcome for one in run_all(await taken(cluster()))}
    assert (found["nginx-crossing-1.12"], found["nginx-grace-arithmetic"]) == ("not-looked", "pass")


async def test_no_host_that_stays_is_probed_since_that_would_count_as_its_traffic() -> None:
    assert NAMES[1] not in (await taken(cluster())).baseline


async def test_an_address_without_a_route_from_here_is_kept_and_not_probed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def probe(address: str, **_: Any) -> ProbeResult:
        asked.append(address)
        return ProbeResult(True, 200, (), "", 0.01, "", "", "")

    monkeypatch.setattr(traffic, "probe", probe)
    monkeypatch.setattr(traffic, "has_route", lambda address: ":" not in address)
    world = await taken(cluster())
    assert list(world.findings["cluster-lb-address"]["unrouted"]) == ["2001:2::50"]
    assert (world.baseline, asked) == ({NAMES[0]: 200}, ["198.18.0.50"])


async def test_what_was_changed_beside_helm_is_found() -> None:
    path = "/apis/apps/v1/namespaces/ingress/deployments/web"
    live = as_helm(deployment(), ("web", "ingress"))
    world = await taken(cluster(**{path: {**live, "spec": {**live["spec"], "paused": True}}}))
    assert list(world.findings["helm-values-drift"]["fields"]) == ["Deployment ingress/web: spec.paused"]


async def test_checks_stand_on_it() -> None:
    unasked = ["cluster-replicas", "nginx-custom-image", "nginx-custom-template"]
    found = {one.check: one.outcome for one in run_all(await taken(cluster()), skip=unasked)}
    assert {found.pop(one) for one in unasked} == {"skipped"}
    assert set(found.values()) <= {"pass", "info"}


async def test_what_cannot_be_seen_is_told_and_leaves_the_rest() -> None:
    kube = cluster()
    kube.said = ExecResult(b"", b"no shell", 126)
    kube.forbidden = ["/apis/apps/v1/statefulsets"]
    world = await taken(kube)
    found = {one.check: one for one in run_all(world)}
    assert {check for check, one in found.items() if one.outcome == "not-looked"} == {
        "nginx-prestop-binary",
        "nginx-custom-image",
        "dns-external-dns",
    }
    assert world.moving()


async def test_who_may_not_raise_kedas_minimum_hears_of_it_before_the_run() -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web-scaled"}
    hpa = {
        "metadata": {"name": "keda-hpa-web-scaled", "ownerReferences": [owner]},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1},
    }
    kube = cluster(**{"/apis/autoscaling/v2/namespaces/ingress/horizontalpodautoscalers": [hpa]})
    kube.denied = {("patch", "scaledobjects")}
    kube.objects["/apis/keda.sh/v1alpha1/namespaces/ingress/scaledobjects/web-scaled"] = {
        "spec": {"minReplicaCount": 2, "idleReplicaCount": 0}
    }
    world = await taken(kube)
    assert (world.workload.scaled_object, world.workload.sleeps) == ("web-scaled", True)
    (finding,) = run_all(world, only=["cluster-rbac"])
    assert finding.stops
    assert "patch scaledobjects.keda.sh/web-scaled in ingress" in finding.sentence


async def test_what_only_checks_may_not_read_stops_no_upgrade() -> None:
    kube = cluster()
    kube.forbidden = ["/api/v1/nodes", "/apis/networking.k8s.io/v1/networkpolicies"]
    findings = run_all(await taken(kube), skip=["cluster-replicas", "nginx-custom-image"])
    assert {one.check for one in findings if one.outcome == "not-looked"} == {
        "cluster-headroom",
        "cluster-spread",
        "cluster-image-pull",
        "cluster-network-policy",
    }
    assert not failed(findings)
    assert all("blueshift rbac" in one.sentence for one in findings if one.outcome == "not-looked")


async def test_metrics_that_cannot_be_read_are_no_zero() -> None:
    class Silent(FakeKube):
        async def text(self, path: str) -> bytes:
            raise BlueshiftError("pods/proxy is forbidden")

    world = await taken(Silent(cluster().objects))
    assert world.findings["dns-hosts"]["unmeasured"] == "pods/proxy is forbidden"


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ({SECRETS: []}, "there is no Helm release web in namespace ingress"),
        ({"/apis/apps/v1/namespaces/ingress/deployments/web": None}, "no workload of the release web"),
    ],
)
async def test_nothing_to_upgrade_is_an_error_with_a_next_command(without: Any, says: str) -> None:
    with pytest.raises(BlueshiftError, match=says) as caught:
        await taken(cluster(**without))
    assert caught.value.hint


async def test_a_controller_that_is_not_known_is_told_with_its_image_and_how_a_profile_is_named() -> None:
    other = deployment()
    other["spec"]["template"]["spec"]["containers"] = [{"name": "c", "image": "corp/edge:7"}]
    there = {"/apis/apps/v1/namespaces/ingress/deployments/web": other}
    sources = Sources(
        cluster(**there).api, Cluster("", "", "", ""), FakeDns(), OneServer(), ManualClock(), recognise
    )
    with pytest.raises(BlueshiftError, match=r"knows \(images: corp/edge:7\)") as caught:
        await look_again(sources, Config(Release("web", "ingress"), Dns()), lambda _: None)
    assert "write a profile" in str(caught.value.hint)


async def test_a_flux_release_has_its_owner() -> None:
    flux = {"metadata": {"name": "web", "namespace": "ingress"}, "spec": {}}
    world = await taken(cluster(**{"/apis/helm.toolkit.fluxcd.io/v2/helmreleases": [flux]}))
    assert world.release.owner == "flux:ingress/web"


async def test_every_controller_of_a_cluster() -> None:
    (found,) = listing(await controllers(cluster().api, recognise))
    assert (found.release, found.release_namespace, found.workload) == ("web", "ingress", "web")
    assert [host.host for host in found.hosts] == sorted(NAMES)
    assert found.services[0].addresses == ("198.18.0.50", "2001:2::50")
