"""What the running controller would do with a change: of files, of two files, or of the release's values."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from blueshift.app.session import Session
from blueshift.app.target import revisions_of
from blueshift.app.values_file import not_nested, values_of
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.cluster.versions import Served, served
from blueshift.controllers.changes import Change, Explanation, Surroundings
from blueshift.controllers.profile import Profile
from blueshift.controllers.registry import load, recognise
from blueshift.discovery.found import each
from blueshift.discovery.overlay import LAST_APPLIED, encoded, laid_over
from blueshift.discovery.placed import path_of, placed
from blueshift.discovery.primary import Primary, primary
from blueshift.discovery.raw import Raw, dig, mapped
from blueshift.discovery.shapes import wrong
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests
from blueshift.helm.manifests import Key
from blueshift.playbook import files
from blueshift.together import together

PROFILE = "ingress-nginx"
_INGRESSES = (
    paths.apis("networking.k8s.io/v1", "ingresses"),
    paths.apis("networking.k8s.io/v1", "ingressclasses"),
)
_ALL_SERVICES = paths.core("services")
_SERVICES = {
    _ALL_SERVICES: "every Service that an Ingress names is there",
    paths.apis("discovery.k8s.io/v1", "endpointslices"): "every Service has endpoints",
}
"""What Ingresses name, and what is assumed where it may not be listed."""
_MOST = 16_000_000
"""Bytes of a file of manifests: those of a whole cluster may be in one."""
_HINT = "manifests as `kubectl apply -f` takes them"


def objects_of(file: Path, namespace: str, *, other: Path | None = None) -> dict[Key, Raw]:
    """The objects in a file of manifests; `namespace` is for those that name none.

    Beside an `other` file it may be empty, as where a whole file is new or gone (`/dev/null`).

    Raises BlueshiftError with the place, also where an object stands twice or is none.
    """
    found: dict[Key, Raw] = {}
    for item in manifests.parse(files.text(files.read(file, most=_MOST, hint=_HINT), str(file)), str(file)):
        if not isinstance(item, Mapping):
            raise BlueshiftError("has a list with something that is no object", place=str(file), hint=_HINT)
        if why := wrong(item):
            named = " ".join(str(part) for part in (item.get("kind"), dig(item, "metadata", "name")) if part)
            said = (
                f"has in {named}: {why}" if named else f"has something that is no object of Kubernetes: {why}"
            )
            raise BlueshiftError(said, place=str(file), hint=_HINT)
        key = manifests.key(item, namespace)
        if key in found:
            raise BlueshiftError(f"has {key} twice", place=str(file), hint="keep one of them")
        found[key] = _placed(encoded(item), key)
    if not found and (other is None or not _some(other)):
        raise BlueshiftError("has no object in it", place=str(file), hint=_HINT)
    return found


def _some(file: Path) -> bool:
    return bool(files.read(file, most=_MOST, hint=_HINT).strip())


def of_two(old: Path, new: Path, *, namespace: str, version: str, classes: Sequence[str]) -> Explanation:
    """The change from one file to the other; no cluster is asked. Raises BlueshiftError for bad files."""
    before, after = (objects_of(file, namespace, other=other) for file, other in ((old, new), (new, old)))
    workload = next((item for item in (*before.values(), *after.values()) if recognise(item)), None)
    around = Surroundings(before, workload=workload, version=version, classes=tuple(classes))
    return load(PROFILE).explain(around, differing(before, after))


def differing(old: Mapping[Key, Raw], new: Mapping[Key, Raw]) -> tuple[Change, ...]:
    """What is changed, made, and taken away: in the order of the new file, the latter last."""
    made = [Change(key, old.get(key), item) for key, item in new.items() if old.get(key) != item]
    return (*made, *(Change(key, item, None) for key, item in old.items() if key not in new))


async def of_file(session: Session, file: Path, *, namespace: str, delete: bool) -> Explanation:
    """A file against what is live, to be applied or to be deleted. Changes nothing.

    Raises BlueshiftError for a bad file, and as a look does.
    """
    named = objects_of(file, namespace)
    found, around, assumed = await _around(session)
    there = await served(session.kube)
    wanted = {placed(key, there): item for key, item in named.items()}
    live = await _live(session.kube, there, wanted)
    after = {
        key: None if delete else laid_over(old, item) if (old := live[key]) else item
        for key, item in wanted.items()
    }
    changes = tuple(Change(key, live[key], item) for key, item in after.items() if _differs(live[key], item))
    return cast(Profile, found.known).explain(around, changes, assumed)


async def of_values(session: Session, file: Path) -> Explanation:
    """The release's chart with other values against the same chart with the running ones.

    `file` holds all values that a user supplies, as `helm upgrade -f` takes them. Changes nothing. Raises
    BlueshiftError for a bad file, ChartError where the chart does not render, and as a look does.
    """
    hint = "values as `helm upgrade -f` takes them"
    values = values_of(file, hint)
    found, around, assumed = await _around(session)
    release, profile = found.release, cast(Profile, found.known)
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        revisions = await revisions_of(session, found.record, profile, Path(scratch))
        not_nested(values, revisions.running, str(file))
        old, new = [
            await session.helm.render(
                release.name, release.namespace, revisions.running, given, is_upgrade=True
            )
            for given in (revisions.running_values, values)
        ]
    before, after = _rendered(old, release.namespace), _rendered(new, release.namespace)
    changes = differing(before, after)
    keys = {(change.key.kind, change.key.namespace, change.key.name) for change in changes}
    others = {
        key: item for key, item in around.objects.items() if (key.kind, key.namespace, key.name) not in keys
    }
    around = Surroundings(
        {**others, **before}, around.workload, around.version, around.classes, around.complete
    )
    return profile.explain(around, changes, assumed)


async def _around(session: Session) -> tuple[Primary, Surroundings, tuple[str, ...]]:
    """The running controller, all that its configuration is made of, and what of it could not be seen."""
    release, kube = session.config.release, session.kube
    found = await primary(kube, release.name, release.namespace, session.recognise)
    listed = [*await together(*map(kube.list, _INGRESSES))]
    assumed = []
    for path, taken in _SERVICES.items():
        try:
            listed.append(await kube.list(path))
        except Forbidden as error:
            assumed.append(f"{taken} ({error.message})")
    objects = {manifests.key(item, ""): item for items in listed for item in items}
    named = [cast(Profile, found.known).config_map(found.raw)]
    named += [_split(place) for place in found.settings.streams.values()]
    for place in filter(None, named):
        if item := await kube.find(paths.core("configmaps", *place)):
            item = {"apiVersion": "v1", "kind": "ConfigMap", **item}
            objects[manifests.key(item, "")] = item
    complete = not any(one.startswith(_SERVICES[_ALL_SERVICES]) for one in assumed)
    around = Surroundings(objects, workload=found.raw, version=found.settings.version, complete=complete)
    return found, around, tuple(assumed)


async def _live(kube: KubeApi, there: Served, wanted: Mapping[Key, Raw]) -> dict[Key, Raw | None]:
    async def one(key: Key) -> Raw | None:
        version = str(wanted[key].get("apiVersion") or "v1")
        found = await kube.find(path_of(key, version, there))
        return None if found is None else {"apiVersion": version, "kind": key.kind, **found}

    keys = list(wanted)
    return dict(zip(keys, await each(one, keys), strict=True))


def _differs(old: Raw | None, new: Raw | None) -> bool:
    """Whether anything but what Kubernetes keeps itself differs."""
    return _compared(old) != _compared(new)


def _compared(item: Raw | None) -> dict[str, Any] | None:
    if item is None:
        return None
    metadata = {part: dict(mapped(item, "metadata", part)) for part in ("labels", "annotations")}
    metadata["annotations"].pop(LAST_APPLIED, None)
    rest = {key: value for key, value in item.items() if key != "status"}
    return {**rest, "metadata": metadata}


def _rendered(items: Iterable[Raw], namespace: str) -> dict[Key, Raw]:
    """By key; hooks are no part of a revision."""
    kept = ((manifests.key(item, namespace), item) for item in items if not manifests.is_hook(item))
    return {key: _placed(encoded(item), key) for key, item in kept}


def _placed(item: Raw, key: Key) -> Raw:
    """With its namespace written out, as the API server does."""
    if not key.namespace:
        return item
    return {**item, "metadata": {**mapped(item, "metadata"), "namespace": key.namespace}}


def _split(place: str) -> tuple[str, str] | None:
    namespace, slash, name = place.partition("/")
    return (namespace, name) if slash else None
