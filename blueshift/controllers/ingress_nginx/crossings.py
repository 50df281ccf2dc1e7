"""How another version, with the settings in force there, serves the Ingresses that exist.

By the code of controller 1.11 (internal/ingress: an Ingress whose annotations are too risky is left out of
the store; snippets that are not allowed are taken out of it; a Secret of another namespace denies the
location; paths are judged by the webhook alone) and the changelogs of 1.10.0 and 1.12.0. Issue and pull
request numbers are kubernetes/ingress-nginx's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from blueshift.controllers.ingress_nginx import annotations as table
from blueshift.controllers.ingress_nginx import template
from blueshift.controllers.ingress_nginx.version import (
    CHART_SNIPPETS_OFF,
    CONTROLLER_CLASS,
    NO_OPENTRACING,
    SECURE_DEFAULTS,
    at_least,
    numbers,
)
from blueshift.discovery.ingresses import LEGACY_CLASS, classes_of, served
from blueshift.discovery.raw import Raw, annotated, dig, listed, namespace, ref
from blueshift.discovery.seen_sides import Change, Comparison, Effect
from blueshift.discovery.settings import Settings, Side

_CROSSINGS = {"1.0": CONTROLLER_CLASS, "1.10": NO_OPENTRACING, "1.12": SECURE_DEFAULTS}
_ELSEWHERE: dict[str, Effect] = {
    "auth-secret": "denied",
    "auth-tls-secret": "denied",
    "proxy-ssl-secret": "denied",
    "auth-proxy-set-headers": "denied",
    "fastcgi-params-configmap": "lost",
}
"""Annotations that may name an object of another namespace (issue 10186), and what becomes of the place."""
_TRACING = re.compile(r"(enable-)?opentracing|(zipkin|jaeger|datadog)-|use-geoip$")
_NGINX_125 = (
    "an application that sends Transfer-Encoding twice is answered for by 502 (nginx 1.25, issue 11162): "
    "that cannot be seen from here"
)
_MATCHED = (
    "values of annotations must match patterns there, and an Ingress with one that does not is not served: "
    "the values were not tried; the routes of both sides are compared before traffic comes back"
)


def compare(running: Side, target: Side, ingresses: Sequence[Raw], classes: Sequence[Raw]) -> Comparison:
    """What the target would serve otherwise of the `ingresses` that the primary serves.

    `classes` are the IngressClasses that exist; those of the target's own objects come on top.
    """
    now, then = running.settings, target.settings
    if not (numbers(now.version) and numbers(then.version)):
        side = "target" if numbers(now.version) else "primary"
        return Comparison(unversioned=f"the version of the {side} cannot be told by its image or labels")
    crossed = [name for name, first in _CROSSINGS.items() if _between(now.version, first, then.version)]
    if _between(running.chart_version, CHART_SNIPPETS_OFF, target.chart_version):
        crossed.append("chart 4.8")
    kept = [one for one in ingresses if not _riskier(one, now, now.risk)]
    changes = [*_secure(now, then, kept, "chart 4.8" if "chart 4.8" in crossed else "1.12")]
    if "1.0" in crossed:
        changes += _classes(then, ingresses, {*classes_of(classes, then.controller), *target.classes})
    if "1.10" in crossed:
        changes += _tracing(now, then, ingresses)
    if "1.12" in crossed:
        changes += _limits(now, kept)
    changes += _own_parts(now, target)
    forgotten, foreign, untabled = _unknown(now, then, ingresses)
    return Comparison(tuple(crossed), tuple(changes), forgotten, foreign, untabled)


def _between(now: str, first: tuple[int, ...], then: str) -> bool:
    return bool(numbers(now)) and not at_least(now, first) and at_least(then, first)


def _secure(now: Settings, then: Settings, kept: Sequence[Raw], snippets: str) -> Iterator[Change]:
    """What 1.12 turned on, by the settings in force: also where values and not the version change them."""
    risky = [(name, one) for one in kept for name in _riskier(one, then, then.risk)]
    yield from _grouped("1.12", "gone", risky)
    there = [one for one in kept if not _riskier(one, then, then.risk)]
    if now.snippets and not then.snippets:
        found = ((name, one) for one in there for name in table.below(one, then.prefix) if _snippet(name))
        yield from _grouped(snippets, "lost", found)
    if now.cross_namespace and not then.cross_namespace:
        for name, effect in _ELSEWHERE.items():
            abroad = [one for one in there if _abroad(one, table.below(one, then.prefix).get(name, ""))]
            yield from _grouped("1.12", effect, ((f"{name} of another namespace", one) for one in abroad))
    judged = then.strict_paths and then.webhook and not (now.strict_paths and now.webhook)
    paths = [f"{ref(one)}: {path}" for one in there for path in _odd_paths(one, then.version)]
    if judged and paths:
        yield Change("1.12", "refused", "paths with other than letters, digits, -, _ and /", tuple(paths))
    if then.validates and not now.validates:
        yield Change("1.12", "named", _MATCHED)


def _riskier(ingress: Raw, side: Settings, accepted: str) -> tuple[str, ...]:
    names = table.below(ingress, side.prefix)
    found = [(name, table.risk(name)) for name in names if table.riskier(table.risk(name), accepted)]
    return tuple(f"{name} ({risk})" for name, risk in found)


def _snippet(name: str) -> bool:
    return name.endswith("-snippet") and table.risk(name) == "Critical"


def _abroad(ingress: Raw, value: str) -> bool:
    place, slash, _ = value.partition("/")
    return bool(slash) and place != namespace(ingress)


def _odd_paths(ingress: Raw, version: str) -> Iterator[str]:
    """Paths that `strict-validate-path-type` refuses; the dot is allowed since 1.12.6 and 1.13.2 (13798)."""
    found = numbers(version)
    dots = found >= (1, 13, 2) or (1, 12, 6) <= found < (1, 13)
    allowed = re.compile(r"/[A-Za-z0-9_./-]*" if dots else r"/[A-Za-z0-9_/-]*")
    for rule in listed(ingress, "spec", "rules"):
        for path in listed(rule, "http", "paths"):
            written = str(path.get("path") or "/")
            if path.get("pathType") != "ImplementationSpecific" and not allowed.fullmatch(written):
                yield written


def _classes(then: Settings, ingresses: Sequence[Raw], classes: Iterable[str]) -> Iterator[Change]:
    taken = {ref(one) for one in served(ingresses, tuple(classes), then)}
    lost = [one for one in ingresses if ref(one) not in taken]
    yield from _grouped("1.0", "gone", ((_why(one), one) for one in lost))


def _why(ingress: Raw) -> str:
    if old := annotated(ingress).get(LEGACY_CLASS):
        return f"the annotation {LEGACY_CLASS}: {old}"
    if named := dig(ingress, "spec", "ingressClassName"):
        return f"a class {named} that no IngressClass of the controller has"
    return "no class"


def _tracing(now: Settings, then: Settings, ingresses: Sequence[Raw]) -> Iterator[Change]:
    if numbers(then.version) == NO_OPENTRACING and "chroot" in then.image:
        yield Change("1.10", "broken", "there is no chroot image of 1.10.0 (its changelog)", (then.image,))
    names = (
        (name, one) for one in ingresses for name in table.below(one, now.prefix) if _TRACING.match(name)
    )
    yield from _grouped("1.10", "dropped", names)
    if keys := tuple(key for key in now.keys if _TRACING.match(key)):
        yield Change("1.10", "dropped", "settings of OpenTracing and legacy GeoIP", keys)
    yield Change("1.10", "named", _NGINX_125)


def _limits(now: Settings, kept: Sequence[Raw]) -> Iterator[Change]:
    """Global rate limits, which are in force only where memcached is named."""
    if "global-rate-limit-memcached-host" in now.keys:
        name = "global-rate-limit"
        limited = ((name, one) for one in kept if name in table.below(one, now.prefix))
        yield from _grouped("1.12", "lost", limited)


def _own_parts(now: Settings, target: Side) -> Iterator[Change]:
    """Plugins and templates that people put in themselves."""
    then = target.settings
    gone = at_least(then.version, SECURE_DEFAULTS)
    if lost := tuple(one for one in now.plugins if gone or one not in then.plugins):
        none = "no version from 1.12 on loads them" if gone else "the target does not load them"
        yield Change("plugins", "lost", none, lost)
    if then.template and (used := template.gone(target.template_uses, then.version)):
        yield Change("template", "broken", ", ".join(used), (then.template,))


def _unknown(
    now: Settings, then: Settings, ingresses: Sequence[Raw]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], str]:
    if not at_least(then.version, table.FIRST):
        first = ".".join(map(str, table.FIRST))
        return {}, {}, f"the target is controller {then.version}, and annotations are known from {first} on"
    by_name: dict[str, list[str]] = {}
    for one in ingresses:
        for name in table.below(one, now.prefix):
            if not table.knows(then.version, name) or now.prefix != then.prefix:
                by_name.setdefault(name, []).append(ref(one))
    forgotten = {name: tuple(refs) for name, refs in by_name.items() if table.knows(now.version, name)}
    foreign = {name: tuple(refs) for name, refs in by_name.items() if name not in forgotten}
    return forgotten, foreign, ""


def _grouped(rule: str, effect: Effect, found: Iterable[tuple[str, Raw]]) -> Iterator[Change]:
    by_what: dict[str, list[str]] = {}
    for what, ingress in found:
        by_what.setdefault(what, []).append(ref(ingress))
    for what, refs in sorted(by_what.items()):
        yield Change(rule, effect, what, tuple(refs))
