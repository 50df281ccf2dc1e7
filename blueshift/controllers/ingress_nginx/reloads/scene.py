"""All that the controller sees of the cluster, at one moment between two changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from blueshift.controllers.changes import Change, Surroundings
from blueshift.controllers.ingress_nginx import annotations as official
from blueshift.controllers.ingress_nginx import settings as in_force
from blueshift.controllers.ingress_nginx import workload as pods
from blueshift.discovery import ingresses as serving
from blueshift.discovery.raw import Raw, annotated, dig, labels, listed, mapped, name, pod_labels, selects
from blueshift.discovery.settings import Settings
from blueshift.helm.manifests import Key

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")
ABSENT, AS_IT_IS = "absent", "as it is"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_SERVICE_OF_SLICE = "kubernetes.io/service-name"


@dataclass(frozen=True)
class Scene:
    """The objects, and the controller that reads them."""

    around: Surroundings
    objects: Mapping[Key, Raw]
    mentioned: frozenset[Key]
    """What the changes are about: of these alone it is known that they are not there."""
    born: Mapping[Key, int] = field(default_factory=dict)
    """Which step made an object; none for what was there before."""

    @cached_property
    def flags(self) -> Mapping[str, str]:
        """The controller's. Pods that run keep them, whatever changes in their workload."""
        return pods.flags(self.around.workload) if self.around.workload else {}

    @cached_property
    def config_key(self) -> tuple[str, str]:
        """(namespace, name) of the ConfigMap with the settings; by its usual name where no flag is seen."""
        found = pods.config_map(self.around.workload) if self.around.workload else None
        if found or self.around.workload:
            return found or ("", "")
        named = sorted(
            (key.namespace, key.name)
            for key in {*self.objects, *self.mentioned}
            if key.kind == "ConfigMap" and key.name.endswith("nginx-controller")
        )
        return named[0] if named else ("", "")

    @cached_property
    def config(self) -> Mapping[str, str]:
        """The settings that people wrote."""
        found = self.one("ConfigMap", *self.config_key)
        return {key: str(value) for key, value in mapped(found, "data").items()}

    @cached_property
    def settings(self) -> Settings:
        """What is in force."""
        return in_force.settings(self.around.workload or {}, self.config, self.around.version)

    @cached_property
    def taken(self) -> tuple[Raw, ...]:
        """The Ingresses of its class."""
        own = [one for key, one in self.objects.items() if key.kind == "IngressClass"]
        classes = {*serving.classes_of(own, self.settings.controller), *self.around.classes}
        return serving.served(self.of("Ingress"), tuple(classes), self.settings)

    @cached_property
    def ingresses(self) -> tuple[Raw, ...]:
        """Those that it serves, in the order in which they count (`sortIngressSlice`: the oldest first)."""
        found = [one for one in self.taken if not self.risky(one)]
        by_name = sorted(found, key=lambda one: (_place(one), name(one)), reverse=True)
        return tuple(sorted(by_name, key=self._age))

    def risky(self, ingress: Raw) -> tuple[str, ...]:
        """Its annotations that are riskier than what is accepted."""
        written = official.below(ingress, self.settings.prefix)
        return tuple(
            sorted(one for one in written if official.riskier(official.risk(one), self.settings.risk))
        )

    def _age(self, ingress: Raw) -> tuple[str, int]:
        step = self.born.get(Key("Ingress", _place(ingress), name(ingress), "networking.k8s.io"), 0)
        return (str(dig(ingress, "metadata", "creationTimestamp") or ("~" if step else "")), step)

    def of(self, *kinds: str) -> Iterator[Raw]:
        """All objects of these kinds."""
        return (one for key, one in self.objects.items() if key.kind in kinds)

    def one(self, kind: str, namespace: str, called: str) -> Raw:
        """An object, or an empty one."""
        return next(
            (
                one
                for key, one in self.objects.items()
                if (key.kind, key.namespace, key.name) == (kind, namespace, called)
            ),
            {},
        )

    def content(self, kind: str, place: str) -> str:
        """A digest of an object's data; `place` is `namespace/name`."""
        namespace, _, called = place.partition("/")
        found = self.one(kind, namespace, called)
        if found:
            return digest({part: found.get(part) for part in ("data", "stringData", "binaryData")})
        return ABSENT if self._gone(kind, namespace, called) else AS_IT_IS

    def service_there(self, namespace: str, called: str) -> bool:
        """Whether a Service exists, as far as can be known."""
        if self.one("Service", namespace, called):
            return True
        return not (self.around.complete or self._gone("Service", namespace, called))

    def _gone(self, kind: str, namespace: str, called: str) -> bool:
        return any((key.kind, key.namespace, key.name) == (kind, namespace, called) for key in self.mentioned)

    def endpoints(self, namespace: str, called: str, port: str) -> str:
        """What a Service's endpoints follow from, as a digest; empty where there are none."""
        service = self.one("Service", namespace, called)
        if not self.service_there(namespace, called):
            return ""
        matched = self._port(service, port)
        if service and matched is None:
            return ""
        behind, counted = self._behind(service, namespace, called)
        if counted == 0:
            return ""
        how = {part: dig(service, "spec", part) for part in ("type", "externalName", "selector", "clusterIP")}
        return digest([how, matched, behind])

    def _port(self, service: Raw, port: str) -> Raw | None:
        """The Service's port that a backend names by number or name (`serviceEndpoints`)."""
        if dig(service, "spec", "type") == "ExternalName":
            return {"port": port}
        for one in listed(service, "spec", "ports"):
            if port in {str(one.get("port")), str(one.get("targetPort")), str(one.get("name"))}:
                return {part: one.get(part) for part in ("targetPort", "protocol")}
        return None

    def _behind(self, service: Raw, namespace: str, called: str) -> tuple[list[Any], int | None]:
        """What stands behind it, and how many; None where nothing of it is known."""
        slices = [
            [sorted(one.get("addresses") or ()), mapped(one, "conditions").get("ready", True)]
            for found in self.of("EndpointSlice")
            if _place(found) == namespace and labels(found).get(_SERVICE_OF_SLICE) == called
            for one in listed(found, "endpoints")
        ]
        slices += [
            [sorted(str(address.get("ip")) for address in listed(subset, "addresses")), True]
            for subset in listed(self.one("Endpoints", namespace, called), "subsets")
        ]
        there = any(
            _place(found) == namespace and labels(found).get(_SERVICE_OF_SLICE) == called
            for found in self.of("EndpointSlice")
        ) or bool(self.one("Endpoints", namespace, called))
        selector = mapped(service, "spec", "selector")
        runs = [
            [name(found), dig(found, "spec", "replicas"), digest(dig(found, "spec", "template"))]
            for found in self.of(*WORKLOADS)
            if _place(found) == namespace and selects(selector, pod_labels(found))
        ]
        counted = None
        if there:
            counted = sum(1 for addresses, ready in slices if ready is not False and addresses)
        if runs and not counted:
            counted = sum(1 if one[1] is None else int(one[1]) for one in runs)
        elif runs and all(one[1] == 0 for one in runs):
            counted = 0
        return [sorted(slices, key=str), runs], counted

    def after(self, change: Change, step: int) -> Scene:
        """The same once a change has been made."""
        objects = dict(self.objects)
        if change.new is None:
            objects.pop(change.key, None)
            if change.key.kind == "Namespace":
                objects = {key: one for key, one in objects.items() if key.namespace != change.key.name}
        elif change.key.kind == "Ingress" and change.old is None:
            objects[change.key] = self._classed(change.new)
        else:
            objects[change.key] = _aged(change.new, self.objects.get(change.key))
        born = self.born if change.old is not None else {**self.born, change.key: step}
        return replace(self, objects=objects, born=born)

    def _classed(self, ingress: Raw) -> Raw:
        """A new Ingress as the API server keeps it: without a class it gets the default one."""
        if dig(ingress, "spec", "ingressClassName") or serving.LEGACY_CLASS in annotated(ingress):
            return ingress
        defaults = [name(one) for one in self.of("IngressClass") if annotated(one).get(_DEFAULT) == "true"]
        if not defaults:
            return ingress
        return {**ingress, "spec": {**mapped(ingress, "spec"), "ingressClassName": max(defaults)}}


def scene_of(around: Surroundings, changes: tuple[Change, ...]) -> Scene:
    """The moment before the first change."""
    objects = dict(around.objects)
    for change in reversed(changes):  # of several to one object the first knows how it began
        if change.old is not None:
            objects[change.key] = change.old
        else:
            objects.pop(change.key, None)
    return Scene(around, objects, frozenset(change.key for change in changes))


def digest(value: Any) -> str:
    """The same for the same content. No secret can be read out of it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _place(found: Raw) -> str:
    return str(dig(found, "metadata", "namespace") or "")


def _aged(new: Raw, old: Raw | None) -> Raw:
    created = dig(old or {}, "metadata", "creationTimestamp")
    if not created or dig(new, "metadata", "creationTimestamp"):
        return new
    return {**new, "metadata": {**mapped(new, "metadata"), "creationTimestamp": created}}
