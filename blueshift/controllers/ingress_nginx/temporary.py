"""The values of the temporary release: the primary's, less all that only one release can have.

Issue numbers are kubernetes/ingress-nginx's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from blueshift.controllers.ingress_nginx.version import VERSION_LABELS_ON_PODS, at_least
from blueshift.controllers.overrides import DELETE, Absent, Override, Path, Values, dig, has, merge
from blueshift.controllers.profile import TemporaryFacts
from blueshift.discovery.identity import claims
from blueshift.discovery.raw import RUN_LABEL

OWN_NAMESPACE = "$(POD_NAMESPACE)"

SINGLE = "one release alone can have it"
OWN_NAMES = "the temporary release names its objects after itself: cluster-scoped names derive from it"
OWN_STATUS = "only the primary writes into the status of Ingresses (issues 6105, 9615)"

# What must not be set at all: each is a name, an address or a port that the primary holds.
_CLEAR: dict[Path, str] = {
    ("fullnameOverride",): OWN_NAMES,
    ("nameOverride",): OWN_NAMES,
    ("namespaceOverride",): "every object belongs into the temporary release's own namespace",
    ("releaseLabelOverride",): "its selectors would take the primary's pods (charts of stable/)",
    ("controller", "publishService", "pathOverride"): OWN_STATUS,
    ("controller", "configMapNamespace"): "it must read the ConfigMap of its own release",
    ("controller", "tcp", "configMapNamespace"): "it must read the ConfigMap of its own release",
    ("controller", "udp", "configMapNamespace"): "it must read the ConfigMap of its own release",
    ("controller", "extraArgs", "publish-status-address"): OWN_STATUS,
    ("controller", "extraArgs", "publish-service"): OWN_STATUS,
    ("controller", "extraArgs", "election-id"): "both releases would fight for one leader Lease",
    ("controller", "extraArgs", "enable-metrics"): "metrics are needed to verify it",
    ("serviceAccount", "name"): "the account is the primary's, in its namespace",
    ("defaultBackend", "serviceAccount", "name"): "the account is the primary's, in its namespace",
}

_SERVICES: tuple[Path, ...] = (
    ("controller", "service"),
    ("controller", "service", "internal"),
    ("controller", "metrics", "service"),
    ("controller", "stats", "service"),  # of stable/nginx-ingress
    ("defaultBackend", "service"),
)

_FAMILIES: Path = ("ipFamilyPolicy",)
"""Of the Service in front (`_front`)."""

_NOTED: tuple[Path, ...] = (("controller", "podAnnotations"), *((*path, "annotations") for path in _SERVICES))

_CLAIMED = {
    "loadBalancerIP": "the address is the primary's",
    "clusterIP": "the address is the primary's",
    "clusterIPs": "the addresses are the primary's",
    "externalIPs": "the addresses are the primary's",
    "healthCheckNodePort": "a node port is given once per cluster",
    "nodePort": "a node port is given once per cluster",
}

_TRUTHS: tuple[tuple[Path, Any, str], ...] = (
    (
        ("controller", "ingressClassResource", "enabled"),
        False,
        "the IngressClass is cluster-scoped and the primary's: the install would fail (helm issue 10736)",
    ),
    (
        ("controller", "admissionWebhooks", "enabled"),
        False,
        "a second webhook with failurePolicy Fail; an orphan of it would stop every Ingress write (6655)",
    ),
    (("controller", "hostPort", "enabled"), False, "a host port is taken once per node"),
    (("controller", "hostNetwork"), False, "the host's ports are taken by the primary"),
    (("controller", "metrics", "prometheusRule", "enabled"), False, "the primary's rules would fire twice"),
    (("serviceAccount", "create"), True, "an account made by hand exists only in the primary's namespace"),
    (("rbac", "create"), True, "rights made by hand name the primary's account"),
)


# What the chart would be asked for, and what it means where a version of it has no such value.
_ABSENT: dict[Path, str] = {
    ("commonLabels",): "not every object can carry the run's label: those are found by the release's own",
    ("namespaceOverride",): "objects always go into the release's namespace",
    _FAMILIES: "the Service gets the cluster's default family alone",
    ("controller", "ingressClassResource", "enabled"): "the chart makes no IngressClass",
    ("controller", "admissionWebhooks", "enabled"): "the chart has no admission webhook",
    ("controller", "hostPort", "enabled"): "host ports are those of a DaemonSet, which it is not made as",
    ("controller", "metrics", "prometheusRule"): "there is no rule to switch off",
    ("controller", "labels"): "the workload carries no label of the run where `commonLabels` is missing too",
    ("controller", "service", "labels"): "the Service carries no label of the run without `commonLabels`",
    ("serviceAccount", "create"): "the account is made where the rights are made",
}


def temporary_values(values: Values, facts: TemporaryFacts) -> tuple[Override, ...]:
    """The changes, in the order in which a person reads them. Only what differs is changed."""
    seen = merge(facts.defaults, values)
    return (
        *_names(values, seen, facts),
        *_truths(seen, facts),
        *_cleared(values, facts),
        *_scope(seen, facts),
        *_own_namespace(values, facts),
        *_service(values, seen, facts),
        *_replicas(seen, facts),
        *_monitoring(values, seen),
        *_labels(facts),
        *_placement(seen, facts),
    )


def absent(facts: TemporaryFacts) -> tuple[Absent, ...]:
    """What this chart version does not have, and what follows."""
    wanted = {(*_front(facts), *path) if path == _FAMILIES else path: why for path, why in _ABSENT.items()}
    return tuple(Absent(path, why) for path, why in wanted.items() if not has(facts.defaults, path))


def _clear(values: Values, defaults: Values, path: Path, reason: str) -> Iterator[Override]:
    """Take a value away, also one that a chart of the user's own has among its defaults."""
    if dig(defaults, path):
        yield Override(path, None, reason)
    elif has(values, path):
        yield Override(path, DELETE, reason)


def _set(seen: Values, path: Path, value: Any, reason: str) -> Iterator[Override]:
    if dig(seen, path) != value:
        yield Override(path, value, reason)


def _names(values: Values, seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    for path, reason in _CLEAR.items():
        yield from _clear(values, facts.defaults, path, reason)
    # Charts up to 4.2 have one fixed id for every release: no clash in a namespace of its own.
    election: Path = ("controller", "electionID")
    if dig(seen, election) and (facts.shared or has(values, election)):
        yield Override(election, f"{facts.release}-leader", "both releases would fight for one leader Lease")


def _truths(seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    for path, value, reason in _TRUTHS:
        # A key that neither chart nor user has means nothing to this chart, or is false already.
        if has(seen, path) and bool(dig(seen, path)) is not value:
            yield Override(path, value, reason)
    yield from _set(seen, ("controller", "metrics", "enabled"), True, "its counters are needed to verify it")
    for name in ("validating-webhook", "validating-webhook-certificate", "validating-webhook-key"):
        yield from _clear(seen, {}, ("controller", "extraArgs", name), "its webhook is off")
    yield from _set(
        seen,
        ("controller", "extraArgs", "update-status"),
        "false",
        f"{OWN_STATUS}; its last pod would blank them, and external-dns would then delete the records. "
        "A string, as the chart compares strings",
    )
    if dig(seen, ("controller", "kind")) in {"DaemonSet", "Both"}:
        yield Override(("controller", "kind"), "Deployment", "its replicas follow the primary's ready count")
        if dig(seen, ("controller", "updateStrategy", "type")) == "OnDelete":
            yield Override(("controller", "updateStrategy"), {}, "a Deployment has no such strategy")
    if dig(seen, ("rbac", "scope")) and not facts.shared:
        reason = "a Role of its own namespace would not let it read the primary's Ingresses"
        yield Override(("rbac", "scope"), False, reason)


def _cleared(values: Values, facts: TemporaryFacts) -> Iterator[Override]:
    for service in _SERVICES:
        for key, reason in _CLAIMED.items():
            yield from _clear(values, facts.defaults, (*service, key), reason)
        for key in ("http", "https", "tcp", "udp"):
            path = (*service, "nodePorts", key)
            yield from _clear(values, facts.defaults, path, "a node port is given once per cluster")


def _scope(seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    enabled = bool(dig(seen, ("controller", "scope", "enabled")))
    if not (enabled or facts.watches):
        return
    watches = facts.watches or dig(seen, ("controller", "scope", "namespace")) or facts.primary_namespace
    reason = "the default is the release's own namespace; it must watch what the primary watches"
    yield from _set(seen, ("controller", "scope", "enabled"), True, reason)
    yield from _set(seen, ("controller", "scope", "namespace"), watches, reason)


def _own_namespace(values: Values, facts: TemporaryFacts) -> Iterator[Override]:
    """References to the primary's namespace by the pod's variable would lead into the temporary's."""
    if facts.shared:
        return
    flags = dig(values, ("controller", "extraArgs")) or {}
    paths: list[Path] = [("controller", "extraArgs", name) for name in flags]
    for path in (*paths, ("controller", "defaultBackendService")):
        value = dig(values, path)
        if isinstance(value, str) and OWN_NAMESPACE in value and path not in _CLEAR:
            meant = value.replace(OWN_NAMESPACE, facts.primary_namespace)
            yield Override(
                path, meant, f"{OWN_NAMESPACE} would be the temporary's: what it names is not there"
            )


def _service(values: Values, seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    for path in _NOTED:
        for name, reason in claims(dig(seen, path) or {}).items():
            yield from _clear(values, facts.defaults, (*path, name), reason)
    front = _front(facts)
    annotations = dig(seen, (*front, "annotations")) or {}
    if facts.internal and not annotations.keys() - claims(annotations).keys():
        reason = "the chart makes no internal Service without an annotation"
        yield Override((*front, "annotations", RUN_LABEL), facts.run, reason)
    policy: Path = (*front, *_FAMILIES)
    if len(facts.families) > 1 and has(facts.defaults, policy):
        reason = (
            "the primary has addresses of both families: a temporary without one must fail and not serve half"
        )
        yield from _set(seen, policy, "RequireDualStack", reason)
        yield from _set(seen, (*front, "ipFamilies"), list(facts.families), reason)


def _front(facts: TemporaryFacts) -> Path:
    """The values of the Service of which names are moved."""
    return ("controller", "service", "internal") if facts.internal else ("controller", "service")


def _replicas(seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    count = max(2, facts.ready)
    reason = f"as many as the primary has ready now ({facts.ready}), and never one alone"
    keda: Path = ("controller", "keda")
    yield from _set(seen, ("controller", "replicaCount"), count, reason)
    if dig(seen, (*keda, "enabled")):
        if foreign := "" if facts.shared else _foreign(dig(seen, (*keda, "triggers"))):
            yield from _instead_of_keda(seen, count, reason, foreign)
            return
        yield from _unpaused(seen)
    for scaler in ("autoscaling", "keda"):
        path: Path = ("controller", scaler)
        if dig(seen, (*path, "enabled")):
            yield from _set(seen, (*path, "minReplicas"), count, reason)
            if _number(dig(seen, (*path, "maxReplicas"))) < count:
                yield Override((*path, "maxReplicas"), count, reason)


def _number(value: Any) -> int:
    """Also one in quotes, which a chart renders as it stands; 0 for what is none."""
    return int(value) if str(value).isdecimal() else 0


def _foreign(triggers: Any) -> str:
    """The TriggerAuthentication of the primary's namespace that a trigger of KEDA goes by."""
    for trigger in triggers if isinstance(triggers, list) else ():
        ref = dig(trigger, ("authenticationRef",)) or {}
        if ref.get("name") and ref.get("kind", "TriggerAuthentication") == "TriggerAuthentication":
            return str(ref["name"])
    return ""


def _instead_of_keda(seen: Values, count: int, floor: str, foreign: str) -> Iterator[Override]:
    """KEDA takes no ScaledObject whose authentication is missing: the temporary would stay at one pod."""
    reason = (
        f"KEDA's triggers go by the TriggerAuthentication {foreign}, which is in the primary's namespace "
        "alone: an HPA scales the temporary instead"
    )
    most = max(_number(dig(seen, ("controller", "keda", "maxReplicas"))), count)
    yield Override(("controller", "keda", "enabled"), False, reason)
    scaler: Path = ("controller", "autoscaling")
    yield from _set(seen, (*scaler, "enabled"), True, reason)
    yield from _set(seen, (*scaler, "minReplicas"), count, floor)
    yield from _set(seen, (*scaler, "maxReplicas"), most, "as many as KEDA may give the primary")


def _unpaused(seen: Values) -> Iterator[Override]:
    """What holds KEDA at a number of pods would hold it at another than the floor."""
    path: Path = ("controller", "keda", "scaledObject", "annotations")
    for name in dig(seen, path) or {}:
        if name.startswith("autoscaling.keda.sh/paused"):
            yield from _clear(seen, {}, (*path, name), "paused, KEDA would not keep the floor of replicas")


def _monitoring(values: Values, seen: Values) -> Iterator[Override]:
    path: Path = ("controller", "metrics", "serviceMonitor", "namespaceSelector")
    if dig(seen, (*path, "matchNames")):
        yield from _clear(
            values, {}, path, "it names the primary's namespace: the temporary would not be scraped"
        )


def _labels(facts: TemporaryFacts) -> Iterator[Override]:
    reason = "everything that this run made is found by it"
    if has(facts.defaults, ("commonLabels",)):
        yield Override(("commonLabels", RUN_LABEL), facts.run, reason)
    else:
        for path in (("controller", "labels"), ("controller", "service", "labels")):
            if has(facts.defaults, path):
                yield Override((*path, RUN_LABEL), facts.run, reason)
    if not at_least(facts.chart_version, VERSION_LABELS_ON_PODS):
        yield Override(("controller", "podLabels", RUN_LABEL), facts.run, reason)


def _placement(seen: Values, facts: TemporaryFacts) -> Iterator[Override]:
    """Literal labels of the primary in affinity and spread rules would keep apart what is not there."""
    # The second of each pair is of stable/nginx-ingress.
    renamed = dict.fromkeys(("app.kubernetes.io/instance", "release"), (facts.primary_release, facts.release))
    if called := dig(seen, ("nameOverride",)):
        renamed |= dict.fromkeys(("app.kubernetes.io/name", "app"), (str(called), facts.chart_name))
    for key in ("affinity", "topologySpreadConstraints"):
        path: Path = ("controller", key)
        rules = dig(seen, path)
        rewritten = _relabel(copy.deepcopy(rules), renamed)
        if rewritten != rules:
            yield Override(path, rewritten, "its rules name the primary's pods by their labels")


def _relabel(rules: Any, renamed: Mapping[str, tuple[str, str]]) -> Any:
    if isinstance(rules, list):
        return [_relabel(rule, renamed) for rule in rules]
    if not isinstance(rules, dict):
        return rules
    known = renamed.get(str(rules.get("key")))
    if known and isinstance(rules.get("values"), list):  # a matchExpression
        rules["values"] = [known[1] if value == known[0] else value for value in rules["values"]]
    return {
        key: renamed[key][1] if key in renamed and value == renamed[key][0] else _relabel(value, renamed)
        for key, value in rules.items()
    }
