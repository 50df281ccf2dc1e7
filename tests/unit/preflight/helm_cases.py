"""Worlds that are spoilt in the release, its chart, or what the revisions of a run would do."""

from __future__ import annotations

from typing import Any

from blueshift.discovery.seen_apply import Applied, Drift, Owned
from blueshift.discovery.seen_helm import Client, Kept
from blueshift.discovery.world import ObjectChange, Rendered
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import HARDENED, RELEASE, but, seen

OWNED = Owned("Deployment ingress/web", ".spec.replicas", "kubectl-edit")
OLD_CHART = "chart requires kubeVersion: <1.30 which is incompatible with Kubernetes v1.37.2"


def release(**changes: Any) -> dict[str, Any]:
    return {"release": but(RELEASE, **changes)}


def quiesced(*objects: ObjectChange, error: str = "") -> dict[str, Any]:
    return {"quiesced": {"primary": Rendered(objects=objects, error=error)}}


SETTINGS = ObjectChange("change", "ConfigMap ingress/web-controller")
POD_TEMPLATE = ObjectChange("change", "Deployment ingress/web-controller")

CASES = [
    Case(
        "helm-quiesce",
        "changes more than settings: change Deployment ingress/web-controller",
        quiesced(SETTINGS, POD_TEMPLATE),
    ),
    Case("helm-quiesce", "does not render: boom", quiesced(error="boom")),
    Case("helm-quiesce", "its quiesced revision changes nothing", quiesced(), "warn", stops=False),
    Case(
        "helm-quiesce",
        "create ConfigMap ingress/new",
        quiesced(ObjectChange("create", "ConfigMap ingress/new")),
    ),
    Case(
        "helm-quiesce",
        "change Service ingress/web-controller",
        quiesced(SETTINGS, ObjectChange("change", "Service ingress/web-controller")),
    ),
    Case(
        "helm-quiesce",
        "takes back what was changed beside Helm: Deployment ingress/web: spec.replicas",
        quiesced(SETTINGS)
        | {"findings": seen(helm_values_drift=Drift(("Deployment ingress/web: spec.replicas",)))},
    ),
    Case(
        "helm-quiesce",
        "connections to the primary are ended by settings alone",
        quiesced(SETTINGS, ObjectChange("change", "Secret ingress/web-admission")),
        "pass",
        stops=False,
    ),
    Case("helm-release-exists", "is uninstalled", release(status="uninstalled")),
    Case("helm-release-exists", "revision 3 failed", release(status="failed"), "warn", stops=False),
    Case("helm-release-pending", "is pending-upgrade", release(status="pending-upgrade")),
    Case("helm-gitops-owner", "the Argo CD application shop", release(owner="argocd:shop")),
    Case("helm-gitops-owner", "the Flux HelmRelease flux/web", release(owner="flux:flux/web")),
    Case("helm-render", "the target revision does not render", {"target": Rendered(error="boom")}),
    Case("helm-render", "the temporary revision does not render", {"temporary": Rendered(error="boom")}),
    Case(
        "helm-name-collision",
        "IngressClass nginx belongs to release a/b",
        {"temporary": Rendered(collisions=("IngressClass nginx belongs to release a/b",))},
    ),
    Case(
        "helm-name-collision",
        "asks for what one release alone can have: Service t/web: loadBalancerIP 192.0.2.1",
        {"temporary": Rendered(fixed=("Service t/web: loadBalancerIP 192.0.2.1",))},
    ),
    Case(
        "helm-service-recreated",
        "the target revision deletes Service ingress/web-controller",
        {"target": Rendered(objects=(ObjectChange("delete", "Service ingress/web-controller"),))},
    ),
    Case(
        "helm-service-recreated",
        "the hardened revision takes the load balancer from Service ingress/web-controller",
        {"harden": Rendered(readdressed=("Service ingress/web-controller",))},
    ),
    Case(
        "helm-service-recreated",
        "the target revision does not render (see helm-render)",
        {"target": Rendered(error="boom")},
        "not-looked",
    ),
    Case(
        "helm-ingressclass-deleted",
        "the target revision deletes IngressClass nginx",
        {"target": Rendered(objects=(ObjectChange("delete", "IngressClass nginx"),))},
    ),
    Case(
        "helm-immutable-field",
        "lets nobody change: Deployment ingress/web: spec.selector",
        {"target": Rendered(immutable=("Deployment ingress/web: spec.selector",))},
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not allow Kubernetes v1.37.2: it asks for <1.30",
        {"target": Rendered("c", "2", kube_version="<1.30", error=OLD_CHART)},
    ),
    Case(
        "helm-render",
        "do not allow this cluster (see helm-kube-version): target",
        {"target": Rendered("c", "2", kube_version="<1.30", error=OLD_CHART)},
        "not-looked",
    ),
    Case(
        "helm-service-recreated",
        "does not render (see helm-kube-version)",
        {"target": Rendered("c", "2", error=OLD_CHART)},
        "not-looked",
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not allow",
        {"harden": Rendered("c", "1", error="boom"), "target": Rendered("c", "2", error=OLD_CHART)},
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not render",
        {"target": Rendered("c", "2", error="boom")},
        "not-looked",
    ),
    Case(
        "helm-chart-source",
        "is rebuilt from Helm's record of revision 3",
        {"target": Rendered(source="record")},
        "info",
        stops=False,
    ),
    Case(
        "helm-chart-source",
        "is read from ./charts on this machine",
        {"target": Rendered(source="path ./charts")},
        "info",
        stops=False,
    ),
    Case("helm-chart-source", "without keeping", {"target": Rendered()}, "not-looked", stops=False),
    Case(
        "helm-history-max",
        "Helm has 2 of 3 revisions of web left, as with --history-max 2",
        {"findings": seen(helm_history_max=Kept((2, 3)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-client",
        "Helm 4 made the running revision, applied on the server, and helm 3.19.0",
        {"findings": seen(helm_client=Client("3.19.0", "ssa", ("Apply",)))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-client",
        "Helm 3 made the running revision, and helm 4.1.0",
        {"findings": seen(helm_client=Client("4.1.0", "", ("Update",)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-client",
        "owns fields of the workload both ways",
        {"findings": seen(helm_client=Client("3.19.0", "", ("Apply", "Update")))},
        "info",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "Helm would fail: Deployment ingress/web: .spec.replicas (kubectl-edit)",
        {
            "target": Rendered(applied=Applied((OWNED,))),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
    ),
    Case(
        "helm-ssa-conflict",
        "takes fields that others own, as Helm applies by the client",
        {"target": Rendered(applied=Applied((OWNED,)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "would not take all of the target revision: Service a/b: clusterIP is immutable",
        {
            "target": Rendered(applied=Applied(refused={"Service a/b": "clusterIP is immutable"})),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
    ),
    Case(
        "helm-ssa-conflict",
        "would not take all of the target revision: Service a/b: duplicate port",
        {"target": Rendered(applied=Applied(refused={"Service a/b": "duplicate port"}))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "1 objects of the target revision could not be tried, Service a/b first: forbidden",
        {
            "target": Rendered(applied=Applied(untried={"Service a/b": "forbidden"})),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
        "not-looked",
    ),
    Case("helm-ssa-conflict", "taken without trying", {"target": Rendered()}, "not-looked"),
    Case(
        "helm-api-deprecated",
        "or of the one before it: PodDisruptionBudget a/b (policy/v1beta1)",
        {"target": Rendered(applied=Applied(unserved=("PodDisruptionBudget a/b (policy/v1beta1)",)))},
    ),
    Case(
        "helm-api-deprecated",
        "warns of objects of the hardened revision: X a/b: v1beta1 is deprecated",
        {"harden": Rendered(applied=Applied(deprecated={"X a/b": "v1beta1 is deprecated"}))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-api-deprecated",
        "1 objects of the target revision could not be tried",
        {"target": Rendered(applied=Applied(untried={"Service a/b": "forbidden"}))},
        "not-looked",
        stops=False,
    ),
    Case(
        "helm-values-drift",
        "1 fields differ from what Helm believes, and a revision takes them back: Service a/b: spec.type",
        {"findings": seen(helm_values_drift=Drift(("Service a/b: spec.type",)))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-values-drift",
        "1 objects could not be compared, Service a/b first: forbidden",
        {"findings": seen(helm_values_drift=Drift((), {"Service a/b": "forbidden"}))},
        "not-looked",
        stops=False,
    ),
    Case(
        "helm-reuse-values",
        "values are set that c 2 knows no more, and the running chart does: controller.old",
        {"target": Rendered("c", "2", forgotten=("controller.old",))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-reuse-values",
        "values stand at the top that c 2 does not know: controler",
        {"target": Rendered("c", "2", forgotten=(), strange=("controler",))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-reuse-values",
        "revision 3 looks as if it was made with --reuse-values",
        {"harden": but(HARDENED, reused=True)},
        "info",
        stops=False,
    ),
    Case("helm-reuse-values", "without comparing", {"target": Rendered()}, "not-looked", stops=False),
]
