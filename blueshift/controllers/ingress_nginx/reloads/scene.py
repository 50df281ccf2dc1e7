"""All that the controller sees of the cluster, at one moment between two changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from blueshift.controllers.changes import Change, Surroundings
from blueshift.controllers.ingress_nginx import annotations as official
from blueshift.controllers.ingress_nginx import settings as in_force
from blueshift.controllers.ingress_nginx import workload as pods
from blueshift.controllers.ingress_nginx.reloads.behind import Behind
from blueshift.controllers.ingress_nginx.reloads.digest import digest
from blueshift.discovery import ingresses as serving
from blueshift.discovery.raw import Raw, annotated, dig, mapped, name
from blueshift.discovery.settings import Settings
from blueshift.helm.manifests import Key

ABSENT, AS_IT_IS = "absent", "as it is"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, eq=False)
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
        return self._index.get((kind, namespace, called), {})

    @cached_property
    def _index(self) -> Mapping[tuple[str, str, str], Raw]:
        return {(key.kind, key.namespace, key.name): one for key, one in self.objects.items()}

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
        if not self.service_there(namespace, called):
            return ""
        return self._behind.endpoints(self.one("Service", namespace, called), (namespace, called), port)

    @cached_property
    def _behind(self) -> Behind:
        return Behind(self.objects)

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


def _place(found: Raw) -> str:
    return str(dig(found, "metadata", "namespace") or "")


def _aged(new: Raw, old: Raw | None) -> Raw:
    created = dig(old or {}, "metadata", "creationTimestamp")
    if not created or dig(new, "metadata", "creationTimestamp"):
        return new
    return {**new, "metadata": {**mapped(new, "metadata"), "creationTimestamp": created}}
