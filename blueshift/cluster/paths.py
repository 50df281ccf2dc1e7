"""Paths of the Kubernetes API."""

from __future__ import annotations

from urllib.parse import quote


def core(plural: str, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
    """Path in the core group: a collection, or one object (and its subresource) when `name` is given.

    For namespaces themselves: `core("namespaces", None, "kube-system")`.
    """
    return _path("/api/v1", plural, namespace, name, sub)


def apis(
    version: str, plural: str, namespace: str | None = None, name: str | None = None, sub: str | None = None
) -> str:
    """Path in a named group; `version` as in an object's apiVersion, say `apps/v1`."""
    return _path(f"/apis/{version}", plural, namespace, name, sub)


def _path(root: str, plural: str, namespace: str | None, name: str | None, sub: str | None) -> str:
    parts = [root]
    if namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(plural)
    if name:
        parts.append(quote(name, safe=""))
    if sub:
        parts.append(sub)
    return "/".join(parts)
