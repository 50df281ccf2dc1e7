"""Each change under the rules: what differs between the configuration before it and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from blueshift.controllers.changes import Change, Effect, Explained, Explanation, Reason, Surroundings, worst
from blueshift.controllers.ingress_nginx.reloads import pods, table
from blueshift.controllers.ingress_nginx.reloads.behind import WORKLOADS
from blueshift.controllers.ingress_nginx.reloads.configuration import configuration
from blueshift.controllers.ingress_nginx.reloads.ingress import snippet_off
from blueshift.controllers.ingress_nginx.reloads.part import Part, differences
from blueshift.controllers.ingress_nginx.reloads.rules import RULES
from blueshift.controllers.ingress_nginx.reloads.scene import Scene, scene_of
from blueshift.discovery.raw import Raw, labels, mapped, pod_labels, ref, selects
from blueshift.discovery.settings import Settings

_READ = ("Ingress", "Service", "Endpoints", "EndpointSlice", "Secret", "ConfigMap", *WORKLOADS)
"""Kinds out of which the configuration is made; of workloads their pods, as endpoints."""

LAST = "1.15.1"
"""The last controller version of kubernetes/ingress-nginx (archived in March 2026)."""

_NAMED = ("Secret", "ConfigMap", "Service", "EndpointSlice", "Endpoints")
"""Kinds that matter only where something else names them."""

_KEPT = ("too-risky", "settings-kept")
"""Rules by which what was there stays in force."""
_WHOLE = ("server", "location", "upstream")
"""Rules of things that come and go with all that is in them."""
_SHOWN = 5
"""Hosts and paths that are named for one part."""

_OTHER = {
    "IngressClass": "class",
    "HorizontalPodAutoscaler": "scaler",
    "ScaledObject": "scaler",
    "PodDisruptionBudget": "eviction",
}


def explain(around: Surroundings, changes: Sequence[Change], assumed: Sequence[str]) -> Explanation:
    """What each change does, one after the other in this order. Pure."""
    scene, more = _begun(around, tuple(changes))
    settings = scene.settings
    found = []
    for step, change in enumerate(changes, start=1):
        after = scene.after(change, step)
        reasons = tuple(_reasons(scene, after, change))
        effect = worst(reason.effect for reason in reasons)
        said = connections(effect, settings)
        found.append(Explained(str(change.key), change.action, effect, said, reasons))
        if not any(reason.rule in _KEPT for reason in reasons):
            scene = after
    effect = worst(one.effect for one in found)
    return Explanation(
        controller="ingress-nginx",
        version=settings.version,
        assumed=(*assumed, *more),
        effect=effect,
        connections=connections(effect, settings),
        worker_shutdown_timeout=settings.worker_shutdown_timeout,
        grace=settings.grace,
        changes=tuple(found),
    )


def connections(effect: Effect, settings: Settings) -> str:
    """What an effect does to connections that are open. A report of how nginx does it, and no promise."""
    match effect:
        case "reload":
            return (
                "new connections go to new workers at once; the old workers finish what they have, and cut "
                "what is left (WebSockets, streams, long polls) after worker-shutdown-timeout, "
                f"{settings.worker_shutdown_timeout} s"
            )
        case "new pods":
            return (
                "connections end with the pods that go: what is left is cut after worker-shutdown-timeout, "
                f"{settings.worker_shutdown_timeout} s, or with the pod's grace period, {settings.grace} s"
            )
        case "dynamic":
            return "open connections stay; one to an endpoint that goes ends with that endpoint"
    return "open connections stay"


def _begun(around: Surroundings, changes: tuple[Change, ...]) -> tuple[Scene, tuple[str, ...]]:
    """The moment before the first change, and what of it is assumed."""
    scene, assumed = scene_of(around, changes), []
    if not scene.settings.version:
        scene = scene_of(msgspec.structs.replace(around, version=LAST), changes)
        assumed.append(f"the controller is {LAST}, the last one: `--controller-version` names another")
    if around.workload is None:
        assumed.append("the controller has no flags beside the chart's: its workload is not in the files")
        own = "/".join(scene.config_key).strip("/") or "not among these objects"
        assumed.append(f"its ConfigMap is {own}")
        assumed.append(f"it serves {', '.join(around.classes) or 'the IngressClasses in the files'}")
    if selector := scene.flags.get("watch-namespace-selector"):
        assumed.append(f"every namespace matches --watch-namespace-selector={selector}")
    return scene, tuple(assumed)


def _reasons(before: Scene, after: Scene, change: Change) -> Iterator[Reason]:
    if change.key.kind in _OTHER:
        yield _by(_OTHER[change.key.kind], change.key.kind)
    elif pods.is_controller(before.around.workload, change):
        yield from (_by(rule, what) for what, rule in pods.reasons(change))
    elif change.key.kind == "Namespace" and change.new is None:
        yield from _emptied(before, after, change)
    elif change.key.kind not in _READ:
        yield _by("not-watched", change.key.kind)
    elif change.new is None and _holds_settings(before, change):
        yield _by("settings-kept", str(change.key))
    elif change.key.kind == "Ingress" and (why := _unserved(before, after, change)):
        yield why
    else:
        yield from _compared(before, after, change)


def _emptied(before: Scene, after: Scene, change: Change) -> Iterator[Reason]:
    """A namespace that is deleted takes all that is in it along."""
    workload = before.around.workload or {}
    if mapped(workload, "metadata").get("namespace") == change.key.name:
        yield _by("workload", str(change.key))
    else:
        told = list(_told(differences(configuration(before), configuration(after))))
        yield from told or [_by("not-watched", change.key.kind)]


def _compared(before: Scene, after: Scene, change: Change) -> Iterator[Reason]:
    """By the two configurations; where they do not differ, why not."""
    differing = differences(configuration(before), configuration(after))
    shown = list(_told(differing))
    yield from shown
    match change.key.kind:
        case "Ingress":
            yield from _left_over(before, change, differing)
        case "ConfigMap" if _holds_settings(before, change):
            yield from _settings(before, after, differing)
        case "Service" if _in_front(before, change):
            yield from (_by("own-service", path) for path in _paths(change))
    own = _holds_settings(before, change) or _in_front(before, change)
    if not shown and not own and change.key.kind in _NAMED:
        yield _by("same" if _named(before, after, change) else "unreferenced", str(change.key))
    if not shown and change.key.kind in WORKLOADS:
        yield _by("not-watched", change.key.kind)


def _told(differing: Sequence[Part]) -> Iterator[Reason]:
    """One reason for each rule and name; of a host or path that came or went only that it did."""
    whole = {part.where for part in differing if part.rule in _WHOLE}
    places: dict[tuple[str, str], list[str]] = {}
    for part in differing:
        if part.rule in _WHOLE or part.where not in whole:
            places.setdefault((part.rule, part.name), []).append(part.where)
    for (rule, name), where in places.items():
        more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
        at = ", ".join(where[:_SHOWN]) + more
        yield _by(rule, f"{name} ({at})" if name else at)


def _unserved(before: Scene, after: Scene, change: Change) -> Reason | None:
    """Why an Ingress does not count, neither as it was nor as it will be."""
    old, new = ({ref(one): one for one in scene.taken} for scene in (before, after))
    place = f"{change.key.namespace}/{change.key.name}"
    if place not in old and place not in new:
        return _by("other-class", place)
    risky = after.risky(new[place]) if place in new else ()
    return _by("too-risky", ", ".join(risky)) if risky else None


def _left_over(before: Scene, change: Change, differing: Sequence[Part]) -> Iterator[Reason]:
    """Annotations that changed, and with them nothing."""
    settings = before.settings
    old, new = (dict(mapped(one or {}, "metadata", "annotations")) for one in (change.old, change.new))
    told = {part.name for part in differing}
    count = 0
    for key in sorted({*old, *new}):
        if change.action != "change" or old.get(key) == new.get(key):
            continue
        below = key.startswith(settings.prefix + "/")
        name = key.removeprefix(settings.prefix + "/")
        if below and name in told:
            continue
        count += 1
        if snippet_off(before, name) and below:
            yield _by("no-snippets", key)
        elif not below or not table.knows(settings.version, name):
            yield _by("unknown-annotation", key)
        else:
            yield _by("same", key)
    if not count and not differing:
        yield _by("same", "; ".join(_paths(change)) or str(change.key))


def _settings(before: Scene, after: Scene, differing: Sequence[Part]) -> Iterator[Reason]:
    told = {part.name for part in differing if part.rule == "setting"}
    keys = {*before.config, *after.config}
    changed = sorted(key for key in keys if before.config.get(key) != after.config.get(key))
    for key in changed:
        if key not in told:
            yield _by("same" if table.setting_known(before.settings.version, key) else "unknown-setting", key)
    if not changed:
        yield _by("same", "data")


def _holds_settings(scene: Scene, change: Change) -> bool:
    """Whether an object is the controller's own ConfigMap."""
    return change.key.kind == "ConfigMap" and scene.config_key == (change.key.namespace, change.key.name)


def _in_front(scene: Scene, change: Change) -> bool:
    """Whether a Service leads to the controller's pods."""
    if change.key.kind != "Service":
        return False
    found: Raw = change.new or change.old or {}
    selector = mapped(found, "spec", "selector")
    if scene.around.workload is not None:
        same = scene.around.workload.get("metadata", {}).get("namespace") == change.key.namespace
        return same and selects(selector, pod_labels(scene.around.workload))
    return labels(found).get("app.kubernetes.io/name") == "ingress-nginx"


def _named(before: Scene, after: Scene, change: Change) -> bool:
    """Whether anything that is served depends on an object: taking it away would tell."""
    for scene in (before, after):
        objects = {key: one for key, one in scene.objects.items() if key != change.key}
        without = Scene(scene.around, objects, scene.mentioned | {change.key}, scene.born)
        if differences(configuration(scene), configuration(without)):
            return True
    return False


def _paths(change: Change) -> list[str]:
    old, new = (
        {part: value for part, value in (one or {}).items() if part not in ("metadata", "status")}
        for one in (change.old, change.new)
    )
    return sorted(set(pods.paths(old, new))) or ["metadata"]


def _by(rule: str, what: str) -> Reason:
    found = RULES[rule]
    return Reason(what, found.effect, found.why, found.id, found.source)
