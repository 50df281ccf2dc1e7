"""What ingress-nginx does with a change: the table that the lab holds to the controller, and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blueshift.controllers.changes import Change, Explained, Explanation, Surroundings
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.controllers.ingress_nginx.reloads.rules import RULES
from blueshift.helm import manifests
from tests.contract.lab import change_rows
from tests.contract.lab.changes import (
    CONFIG,
    Object,
    Row,
    annotated,
    base,
    config_map,
    edited,
    path,
    service,
    slice_of,
)
from tests.contract.lab.edge import ingress, secret

PAIRS = {
    name: (f"{name}'s certificate".encode(), b"key")
    for name in ("cert", "renewed", "plain", "fallback", "ca")
}
FLAGS = (
    "--configmap=$(POD_NAMESPACE)/main-ingress-nginx-controller",
    "--tcp-services-configmap=$(POD_NAMESPACE)/main-ingress-nginx-tcp",
    "--controller-class=k8s.io/ingress-nginx",
    "--ingress-class=nginx",
    "--default-ssl-certificate=shop/fallback",
)


def controller(*flags: str, image: str = "controller:v1.11.3", **spec: Any) -> Object:
    """The Deployment of a controller."""
    container = {
        "name": "controller",
        "image": f"registry.k8s.io/ingress-nginx/{image}",
        "args": ["/nginx-ingress-controller", *(flags or FLAGS)],
        "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
    }
    labels = {"app": "controller"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "controller", "namespace": "edge"},
        "spec": {
            "replicas": 2,
            **spec,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def class_of(name: str = "nginx", controller_name: str = "k8s.io/ingress-nginx") -> Object:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass"}
    return {**kind, "metadata": {"name": name}, "spec": {"controller": controller_name}}


def there(**settings: str) -> dict[str, Object]:
    """What the lab's rows are about."""
    return {
        **base(PAIRS),
        "config": config_map(CONFIG, {"annotations-risk-level": "High", **settings}, "edge"),
        "headers": config_map("main-ingress-nginx-custom-add-headers", {"X-Added": "yes"}, "edge"),
        "tcp": config_map("main-ingress-nginx-tcp", {"9000": "shop/stream:80"}, "edge"),
        "class": class_of(),
    }


def explained(
    objects: dict[str, Object], *changes: tuple[Object | None, Object | None], **around: Any
) -> Explanation:
    """Changes as (before, after)."""
    by_key = {manifests.key(one, ""): one for one in objects.values()}
    given: dict[str, Any] = {"workload": controller(), "complete": True, **around}
    made = []
    for old, found in changes:
        named = old or found
        assert named is not None
        made.append(Change(manifests.key(named, ""), old, found))
    return IngressNginx().explain(Surroundings(by_key, **given), made)


def one(objects: dict[str, Object], old: Object | None, item: Object | None, **around: Any) -> Explained:
    (found,) = explained(objects, (old, item), **around).changes
    return found


def by_row(row: Row, objects: dict[str, Object], **around: Any) -> tuple[Explained, Explained]:
    """A row's change, and back."""
    item = row.change(objects)
    old = next(
        (have for have in objects.values() if manifests.key(have, "") == manifests.key(item, "")), None
    )
    made = None if row.delete else item
    forth, back = explained(objects, (old, made), (made, old), **around).changes
    return forth, back


OTHERWISE = {
    ("no class", "0.49.3"),  # before 1.0 the default class took what has none
    ("custom headers", "1.15.1"),
    ("headers for external auth", "1.15.1"),
}
"""What other versions than that of the lab reload for."""


@pytest.mark.parametrize("version", ["0.49.3", "1.3.1", "1.11.3", "1.15.1"])
@pytest.mark.parametrize("row", change_rows.ROWS, ids=lambda row: row.name)
def test_the_table(row: Row, version: str) -> None:
    """As the lab shows it of one version; what the others compare is the same in all of these."""
    forth, back = by_row(row, there(), version=version, classes=("nginx",))
    effect = "reload" if (row.name, version) in OTHERWISE else row.effect
    assert forth.effect == effect, forth.reasons
    assert back.effect == effect, back.reasons


@pytest.mark.parametrize("row", change_rows.CANARIES, ids=lambda row: row.name)
def test_canaries(row: Row) -> None:
    forth, back = by_row(row, {**there(), "canary": change_rows.CANARY})
    assert (forth.effect, back.effect) == (row.effect, row.effect), forth.reasons


def rules(found: Explained) -> set[str]:
    return {reason.rule for reason in found.reasons}


def test_every_reason_names_its_rule_and_source() -> None:
    for row in change_rows.ROWS:
        for found in by_row(row, there()):
            assert found.reasons
            for reason in found.reasons:
                rule = RULES[reason.rule]
                assert (reason.effect, reason.source) == (rule.effect, rule.source)
                assert reason.what
                assert reason.why


def test_a_reload_tells_when_connections_end_by_the_setting_before_it() -> None:
    objects = there(**{"worker-shutdown-timeout": "30s"})
    changed = edited("config", lambda item: item["data"].update({"worker-shutdown-timeout": "300s"}))(objects)
    found = explained(objects, (objects["config"], changed))
    assert found.worker_shutdown_timeout == 30
    assert "worker-shutdown-timeout, 30 s" in found.connections


def test_changes_are_taken_one_after_the_other() -> None:
    """The second Ingress of a new host adds no server: the first one did."""
    objects = there()
    first = ingress("first", "new.test", paths=[("/a", "Prefix")], service="web")
    second = ingress("second", "new.test", paths=[("/a", "Prefix")], service="web")
    found = explained(objects, (None, first), (None, second))
    assert [change.effect for change in found.changes] == ["reload", "nothing"]
    assert found.effect == "reload"


def test_snippets_that_are_off_change_nothing_and_those_that_are_on_do() -> None:
    change = annotated("web", configuration_snippet="# x")
    off = there(**{"annotations-risk-level": "Critical"})
    assert rules(one(off, off["web"], change(off))) == {"no-snippets"}
    on = there(**{"annotations-risk-level": "Critical", "allow-snippet-annotations": "true"})
    assert one(on, on["web"], change(on)).effect == "reload"


def test_an_annotation_is_known_by_version() -> None:
    objects = there()
    newer = annotated("web", relative_redirects="true")(objects)
    assert rules(one(objects, objects["web"], newer, version="1.11.3")) == {"unknown-annotation"}
    assert one(objects, objects["web"], newer, version="1.12.1").effect == "reload"
    older = annotated("web", enable_influxdb="true")(objects)
    assert one(objects, objects["web"], older, version="1.1.3").effect == "reload"
    assert one(objects, objects["web"], older, version="1.12.1").effect == "nothing"


def test_a_setting_is_known_by_version() -> None:
    objects = there()
    traced = edited("config", lambda item: item["data"].update({"enable-opentracing": "true"}))(objects)
    assert one(objects, objects["config"], traced, version="1.9.4").effect == "reload"
    assert rules(one(objects, objects["config"], traced, version="1.10.0")) == {"unknown-setting"}


def test_what_an_annotation_inherits_is_no_change() -> None:
    objects = there(**{"proxy-body-size": "8m"})
    assert one(objects, objects["web"], annotated("web", proxy_body_size="8m")(objects)).effect == "nothing"
    assert one(objects, objects["web"], annotated("web", proxy_body_size="1m")(objects)).effect == "reload"


def test_a_default_backend_counts_when_endpoints_are_gone_and_for_error_pages() -> None:
    objects = there()
    pages = annotated("spare", custom_http_errors="503")(objects)
    assert "default-backend" in rules(one(objects, objects["spare"], pages))
    gone = one(objects, objects["slice second"], slice_of("second"))
    assert {"default-backend", "upstream-name"} <= rules(gone)


def test_pods_behind_a_service_are_endpoints() -> None:
    """By the Deployment alone, as a file has it: replicas, and none at all."""
    objects = {name: item for name, item in there().items() if not name.startswith("slice")}
    objects["service web"]["spec"]["selector"] = {"app": "web"}
    pods = {"metadata": {"labels": {"app": "web"}}}

    def of(count: int) -> Object:
        spec = {"replicas": count, "template": pods}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": spec,
        }

    objects["pods"] = of(2)
    assert rules(one(objects, of(2), of(5))) == {"endpoints"}
    assert one(objects, of(2), of(0)).effect == "dynamic"
    other = {**of(2), "metadata": {"name": "web", "namespace": "elsewhere"}}
    assert rules(one(objects, None, other)) == {"not-watched"}


def container(item: Object) -> Object:
    """The controller's."""
    found: Object = item["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (lambda item: container(item).update(image="x/controller:v1.12.1"), "pod-template"),
        (lambda item: container(item)["args"].append("--v=3"), "pod-template"),
        (lambda item: container(item)["env"].append({"name": "A", "value": "b"}), "pod-template"),
        (
            lambda item: item["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=300),
            "pod-template",
        ),
        (lambda item: item["spec"].update(replicas=3), "replicas"),
        (lambda item: item["spec"].update(replicas=0), "replicas"),
        (lambda item: item["spec"].update(minReadySeconds=10), "rollout"),
    ],
)
def test_the_controllers_own_workload(edit: Any, rule: str) -> None:
    after = edited("own", edit)({"own": controller()})
    found = one(there(), controller(), after)
    assert rules(found) == {rule}
    assert found.effect == RULES[rule].effect


def test_amounts_are_compared_and_not_their_spelling() -> None:
    def with_cpu(text: str) -> Object:
        item = controller()
        item["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": text}}
        return item

    assert rules(one(there(), with_cpu("1000m"), with_cpu("1"))) == {"rollout"}
    (reason,) = one(there(), with_cpu("1000m"), with_cpu("2")).reasons
    assert reason.what == "spec.containers[controller].resources.requests.cpu"


def test_the_service_in_front_is_told_apart() -> None:
    front = {**service("front"), "metadata": {"name": "front", "namespace": "edge"}}
    front["spec"]["selector"] = {"app": "controller"}
    after = edited("f", lambda item: item["spec"].update(externalTrafficPolicy="Local"))({"f": front})
    found = one({**there(), "front": front}, front, after)
    assert (found.effect, rules(found)) == ("nothing", {"own-service"})
    assert found.reasons[0].what == "spec.externalTrafficPolicy"


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("HorizontalPodAutoscaler", "scaler"),
        ("PodDisruptionBudget", "eviction"),
        ("IngressClass", "class"),
        ("NetworkPolicy", "not-watched"),
        ("Secret", "unreferenced"),
        ("Service", "unreferenced"),
    ],
)
def test_kinds_that_change_nothing(kind: str, rule: str) -> None:
    item = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "shop"}, "spec": {}}
    found = one(there(), None, item)
    assert (found.effect, rules(found)) == ("nothing", {rule})


def test_a_template_of_ones_own_waits_for_a_reload() -> None:
    own = controller()
    pod = own["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "t", "configMap": {"name": "template"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "t", "mountPath": "/etc/nginx/template"}]
    old, after = (config_map("template", {"nginx.tmpl": text}, "edge") for text in ("one", "two"))
    assert rules(one({**there(), "template": old}, old, after, workload=own)) == {"template"}


def test_without_a_workload_it_is_said_what_was_assumed() -> None:
    objects = there()
    found = explained(
        objects, (None, ingress("x", "x.test")), workload=None, complete=False, classes=("nginx",)
    )
    assert found.version == "1.15.1"
    assert any("--controller-version" in one for one in found.assumed)
    assert any("edge/main-ingress-nginx-controller" in one for one in found.assumed)
    assert found.effect == "reload"


def test_before_1_0_the_class_is_a_name_and_the_api_another() -> None:
    backend = {"serviceName": "web", "servicePort": 80}
    item = {
        "apiVersion": "extensions/v1beta1",
        "kind": "Ingress",
        "metadata": {
            "name": "old",
            "namespace": "shop",
            "annotations": {"kubernetes.io/ingress.class": "nginx"},
        },
        "spec": {"rules": [{"host": "old.test", "http": {"paths": [{"path": "/", "backend": backend}]}}]},
    }
    found = one(there(), None, item, version="0.49.3")
    assert found.effect == "reload"
    assert any("host old.test" in reason.what for reason in found.reasons)


def test_no_secret_is_told() -> None:
    objects = there()
    changed = secret("users", {"auth": b"very secret"})
    found = explained(objects, (objects["users"], changed))
    assert "secret-file" in rules(found.changes[0])
    assert "very secret" not in str(found)


def test_a_regular_expression_stays_one_location() -> None:
    """A prefix that is rewritten is not widened: as Exact it is the same location to the controller."""
    objects = there()
    objects["web"] = annotated("web", use_regex="true")(objects)
    after = edited("web", lambda item: path(item).update(pathType="Exact"))(objects)
    assert rules(one(objects, objects["web"], after)) == {"waits-for-reload"}


def names(found: Sequence[Explained]) -> list[str]:
    return [one.object for one in found]


def test_hundreds_of_ingresses_are_explained_in_order() -> None:
    objects = there()
    made = [(None, ingress(f"i{number}", f"i{number}.test", service="web")) for number in range(40)]
    found = explained(objects, *made)
    assert names(found.changes) == [f"Ingress shop/i{number}" for number in range(40)]
    assert {change.effect for change in found.changes} == {"reload"}


def test_a_port_of_nobody_is_not_opened() -> None:
    objects = there()
    after = edited("tcp", lambda item: item["data"].update({"9002": "shop/web:http"}))(objects)
    assert one(objects, objects["tcp"], after).effect == "reload"
    wrong = edited("tcp", lambda item: item["data"].update({"9002": "shop/web:nobody"}))(objects)
    assert one(objects, objects["tcp"], wrong).effect == "nothing"


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


@pytest.mark.parametrize(("name", "effect"), [("shop", "reload"), ("edge", "new pods"), ("other", "nothing")])
def test_a_namespace_takes_along_what_is_in_it(name: str, effect: str) -> None:
    assert one(there(), namespace(name), None).effect == effect


def test_settings_outlive_their_config_map() -> None:
    objects = there(**{"keep-alive": "60"})
    gone, back = explained(objects, (objects["config"], None), (None, objects["config"])).changes
    assert (gone.effect, rules(gone)) == ("nothing", {"settings-kept"})
    assert back.effect == "nothing"


def test_a_new_ingress_without_class_gets_the_default_one() -> None:
    objects = there()
    bare = {**change_rows.PLAIN, "spec": {"rules": change_rows.PLAIN["spec"]["rules"]}}
    assert one(objects, None, bare).effect == "nothing"
    objects["class"]["metadata"]["annotations"] = {"ingressclass.kubernetes.io/is-default-class": "true"}
    assert one(objects, None, bare).effect == "reload"


def test_a_workload_of_another_kind_in_place_of_the_controllers() -> None:
    daemons = {**controller(), "kind": "DaemonSet"}
    gone, come = explained(there(), (controller(), None), (None, daemons)).changes
    assert (rules(gone), rules(come)) == ({"workload"}, {"workload"})


@pytest.mark.parametrize(
    ("version", "effect"),
    [
        ("1.11.4", "nothing"),
        ("1.11.5", "reload"),
        ("1.12.0", "nothing"),
        ("1.12.1", "reload"),
        ("2026.5.3", "reload"),
    ],
)
def test_custom_headers_are_compared_since_they_were_mended(version: str, effect: str) -> None:
    objects = there()
    after = annotated("web", custom_headers="shop/extra")(objects)
    assert one(objects, objects["web"], after, version=version).effect == effect
