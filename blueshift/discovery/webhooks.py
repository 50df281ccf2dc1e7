"""Admission webhooks that nothing answers: with failurePolicy Fail, what they are asked about is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.raw import Raw, annotated, dig, labels, listed, mapped, matches, name, namespace, ref
from blueshift.discovery.room import SERVICES
from blueshift.discovery.seen_neighbours import Webhook, Webhooks
from blueshift.together import together

_ADMISSION = "admissionregistration.k8s.io/v1"
CONFIGURATIONS = {
    "ValidatingWebhookConfiguration": paths.apis(_ADMISSION, "validatingwebhookconfigurations"),
    "MutatingWebhookConfiguration": paths.apis(_ADMISSION, "mutatingwebhookconfigurations"),
}
SLICES = paths.apis("discovery.k8s.io/v1", "endpointslices")
# What a run writes, and Ingresses, which its users write: (API group, resource).
WRITTEN = (
    ("networking.k8s.io", "ingresses"),
    ("", "pods"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("", "services"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("", "namespaces"),
    ("coordination.k8s.io", "leases"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
)
_NAME = "kubernetes.io/service-name"
"""Label of an EndpointSlice: its Service."""
_WRITES = {"*", "CREATE", "UPDATE"}


async def webhooks(kube: KubeApi, spaces: Mapping[str, Mapping[str, str]]) -> Webhooks:
    """Look at all webhooks that have a Service; `spaces` are labels of the run's namespaces.

    Raises Forbidden where configurations, EndpointSlices or, if one has no endpoint, Services may not be
    listed.
    """
    configured = await together(*(kube.list(path) for path in CONFIGURATIONS.values()))
    hooks = [
        (kind, configuration, hook)
        for kind, found in zip(CONFIGURATIONS, configured, strict=True)
        for configuration in found
        for hook in listed(configuration, "webhooks")
        if dig(hook, "clientConfig", "service")
    ]
    if not hooks:
        return Webhooks()
    names = ",".join(sorted({_place(hook).partition("/")[2] for _, _, hook in hooks}))
    slices = await kube.list(SLICES, labelSelector=f"{_NAME} in ({names})")
    ready = {_service_of(one) for one in slices if any(map(_is_ready, listed(one, "endpoints")))}
    dead = [(kind, of, hook) for kind, of, hook in hooks if _place(hook) not in ready]
    services = {ref(one): one for one in await kube.list(SERVICES)} if dead else {}
    return Webhooks(len(hooks), tuple(_orphans(dead, services, spaces)))


def _orphans(
    dead: Sequence[tuple[str, Raw, Raw]],
    services: Mapping[str, Raw],
    spaces: Mapping[str, Mapping[str, str]],
) -> Iterator[Webhook]:
    for kind, configuration, hook in dead:
        service = services.get(_place(hook))
        resources = tuple(dict.fromkeys(_asked(hook)))
        if not resources or (service and dig(service, "spec", "type") == "ExternalName"):
            continue
        marks = annotated(configuration)
        yield Webhook(
            kind=kind,
            configuration=name(configuration),
            service=_place(hook),
            why="has no ready endpoint" if service else "does not exist",
            policy=str(hook.get("failurePolicy") or "Fail"),
            resources=resources,
            certain=_certain(hook, spaces),
            release="/".join(filter(None, (marks.get(RELEASE_NAMESPACE), marks.get(RELEASE_NAME)))),
        )


def _place(hook: Raw) -> str:
    service = mapped(hook, "clientConfig", "service")
    return f"{service.get('namespace')}/{service.get('name')}"


def _service_of(found: Raw) -> str:
    return f"{namespace(found)}/{labels(found).get(_NAME, '')}"


def _is_ready(endpoint: Raw) -> bool:
    return dig(endpoint, "conditions", "ready") is not False  # absent means ready (discovery/v1)


def _asked(hook: Raw) -> Iterator[str]:
    for rule in listed(hook, "rules"):
        if not _WRITES & set(rule.get("operations") or ()):
            continue
        groups, resources = set(rule.get("apiGroups") or ()), set(rule.get("resources") or ())
        for group, resource in WRITTEN:
            if groups & {group, "*"} and resources & {resource, "*", "*/*"}:
                yield resource


def _certain(hook: Raw, spaces: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether its selectors leave no doubt: it selects every object, and a namespace of the run."""
    if any(mapped(hook, "objectSelector").values()) or listed(hook, "matchConditions"):
        return False
    selector = mapped(hook, "namespaceSelector")
    return any(matches(selector, marks) for marks in spaces.values())
