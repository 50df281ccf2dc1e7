"""Who else would write the release's objects: a GitOps controller takes back what Blueshift changes."""

from __future__ import annotations

from collections.abc import Iterable

from blueshift.discovery.raw import Raw, annotated, labels

ARGO_TRACKING = (
    "argocd.argoproj.io/tracking-id"  # `app:group/Kind:namespace/name` (Argo CD, resource tracking)
)
ARGO_INSTANCE = "argocd.argoproj.io/instance"
FLUX_NAME = "helm.toolkit.fluxcd.io/name"  # set on every object by helm-controller's post-renderer
FLUX_NAMESPACE = "helm.toolkit.fluxcd.io/namespace"


def owner(objects: Iterable[Raw]) -> str:
    """`argocd:<app>` or `flux:<namespace>/<helmrelease>` of the live objects of a release, or empty.

    `app.kubernetes.io/instance` says nothing by itself: Helm charts set it too.
    """
    for found in objects:
        noted, labelled = annotated(found), labels(found)
        if FLUX_NAME in labelled:
            return "flux:" + "/".join(
                part for part in (labelled.get(FLUX_NAMESPACE, ""), labelled[FLUX_NAME]) if part
            )
        if ARGO_TRACKING in noted:
            return f"argocd:{noted[ARGO_TRACKING].partition(':')[0]}"
        if instance := labelled.get(ARGO_INSTANCE) or noted.get(ARGO_INSTANCE):
            return f"argocd:{instance}"
    return ""


def flux_release(helm_releases: Iterable[Raw], release: str, namespace: str) -> str:
    """`flux:<namespace>/<helmrelease>` of the HelmRelease object that makes this Helm release, or empty.

    Flux names the release `spec.releaseName`, else the object's name, prefixed by the target namespace
    where one is set (fluxcd.io/flux/components/helm/api/v2).
    """
    for found in helm_releases:
        spec = found.get("spec") or {}
        meta = found.get("metadata") or {}
        target = spec.get("targetNamespace") or ""
        named = spec.get("releaseName") or "-".join(part for part in (target, meta.get("name", "")) if part)
        if (named, target or meta.get("namespace")) == (release, namespace):
            return f"flux:{meta.get('namespace', '')}/{meta.get('name', '')}"
    return ""
