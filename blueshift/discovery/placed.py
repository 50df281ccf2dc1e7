"""Where an object is on the API server, by what that serves.

A manifest does not tell whether its kind has a namespace, and charts bring kinds of their own.
"""

from __future__ import annotations

from msgspec.structs import replace

from blueshift.cluster import paths
from blueshift.cluster.versions import Served
from blueshift.helm import manifests
from blueshift.helm.manifests import Key


def placed(key: Key, served: Served) -> Key:
    """The object as the API server has it: without a namespace where it says that the kind has none."""
    resource = served.resources.get((key.group, key.kind))
    return key if resource is None or resource.namespaced else replace(key, namespace="")


def plural(key: Key, served: Served) -> str:
    """The resource of its kind; one that is not served is named by Kubernetes' own guess."""
    resource = served.resources.get((key.group, key.kind))
    return resource.plural if resource else manifests.plural(key.kind)


def path_of(key: Key, version: str, served: Served) -> str:
    """Its path, for a key that is `placed`."""
    if "/" in version:
        return paths.apis(version, plural(key, served), key.namespace or None, key.name)
    return paths.core(plural(key, served), key.namespace or None, key.name)
