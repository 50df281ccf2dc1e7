"""Checks of ingress-nginx: what the target's version and settings would serve otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_sides import Change, Comparison
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_SNIPPETS = (
    "`controller.allowSnippetAnnotations: true` and `controller.config.annotations-risk-level: Critical`"
)
_REMEDIES = {
    ("1.12", "gone"): (
        f"take the annotations out, or set {_SNIPPETS} in the target's values (what is in such an annotation "
        "then reaches the configuration of all)"
    ),
    ("1.12", "denied"): (
        "copy what is named into the Ingress's namespace, or set "
        '`controller.config.allow-cross-namespace-resources: "true"` in the target\'s values'
    ),
    ("1.12", "lost"): "find another way for what these say, or allow it in the target's `controller.config`",
    ("1.12", "refused"): (
        "give them the pathType ImplementationSpecific, or set "
        '`controller.config.strict-validate-path-type: "false"` in the target\'s values'
    ),
    ("1.0", "gone"): (
        "let the target have an IngressClass (`controller.ingressClassResource`) and name it in these "
        "Ingresses, or set `controller.watchIngressWithoutClass: true` for those without a class"
    ),
    ("1.10", "broken"): "choose 1.10.1 or later, or the image without chroot",
    ("1.10", "dropped"): "take them out; OpenTelemetry (`enable-opentelemetry`) and GeoIP2 take their place",
    ("chart 4.8", "lost"): "set `controller.allowSnippetAnnotations: true` in the target, or take them out",
}
_SAYS = {
    "gone": "{what}: {count} Ingresses are not served by the target, and their hosts answer 404: {some}",
    "denied": "{what}: {count} Ingresses are denied by the target, and their paths answer 503: {some}",
    "lost": "{what}: {count} Ingresses are served by the target without it: {some}",
    "broken": "{what}: {some}",
    "refused": "{what}: {count} are served, and their next write is refused by the target's webhook: {some}",
    "dropped": "the target ignores {what}: {some}",
}


def crossing_1_0(world: World) -> Iterator[Seen]:
    """IngressClasses, which controller 1.0 asks for."""
    return _crossing(world, "1.0")


def crossing_1_10(world: World) -> Iterator[Seen]:
    """What controller 1.10 took away."""
    return _crossing(world, "1.10")


def crossing_1_12(world: World) -> Iterator[Seen]:
    """What controller 1.12 refuses unless told otherwise."""
    return _crossing(world, "1.12")


def chart_4_8(world: World) -> Iterator[Seen]:
    """Snippets in annotations, which chart 4.8 switched off."""
    return _crossing(world, "chart 4.8")


def compared(world: World) -> Comparison:
    """The target beside the primary. Raises NotLooked where nothing could be compared."""
    seen = found(world, "nginx-compared", Comparison)
    if seen.unversioned:
        raise NotLooked(seen.unversioned)
    return seen


def _crossing(world: World, rule: str) -> Iterator[Seen]:
    seen = compared(world)
    changes = [change for change in seen.changes if change.rule == rule]
    for change in changes:
        yield _told(change)
    if not any(change.effect != "named" for change in changes):
        crosses = (
            f"the target crosses {rule}" if rule in seen.crossed else f"the target does not cross {rule}"
        )
        yield passed(f"{crosses}, and every Ingress is served as before")


def _told(change: Change) -> Seen:
    if change.effect == "named":
        return tells(change.what, change.objects)
    sentence = _SAYS[change.effect].format(
        what=change.what, count=len(change.objects), some=brief(change.objects)
    )
    says = warns if change.effect in ("refused", "dropped") else fails
    return says(sentence, _REMEDIES.get((change.rule, change.effect), ""), change.objects)
