"""Checks of traffic groups: where what one is asked reaches another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_groups import Group, Groups
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, passed, tells, warns

_CLASS = (
    "give each group a class of its own, with its own `--controller-class` and `--ingress-class`, or a "
    "namespace (`--watch-namespace`)"
)


def isolated(world: World) -> Iterator[Seen]:
    """Each class, address and Ingress is of one traffic group."""
    seen = found(world, "class-groups", Groups)
    told = list(leaks(seen))
    yield from told
    if not any(one.outcome == "warn" for one in told):
        count = len(_lasting(seen))
        yield passed(
            f"{count} traffic groups are apart: no class, address or Ingress is of two"
            if count > 1
            else f"{world.release.name} is the only ingress controller that Blueshift knows in this cluster"
        )
    if seen.unseen:
        raise NotLooked(f"whether two groups have one address: {seen.unseen}", stops=False)


def leaks(seen: Groups) -> Iterator[Seen]:
    """Where isolation leaks, or would; temporary releases serve what their primary serves, and count not."""
    groups = _lasting(seen)
    yield from _classes(groups)
    yield from _annotations(groups)
    yield from _unclassed(groups)
    yield from _addresses(groups)
    yield from _unserved(seen)


def _lasting(seen: Groups) -> tuple[Group, ...]:
    return tuple(one for one in seen.groups if not one.run)


def _classes(groups: Sequence[Group]) -> Iterator[Seen]:
    for name in sorted({name for one in groups for name in one.classes}):
        both = _meeting(one for one in groups if name in one.classes)
        if both:
            yield warns(
                f"class {name} is served by {_and(both)}: each answers for the other's hosts, and both write "
                "the status of its Ingresses",
                _CLASS,
                (f"IngressClass {name}", *_workloads(both)),
            )


def _annotations(groups: Sequence[Group]) -> Iterator[Seen]:
    for value in sorted({one.annotation for one in groups if one.annotation}):
        both = _meeting(one for one in groups if one.annotation == value)
        shared = _of_two(one.noted for one in both)
        if shared:
            yield warns(
                f"Ingresses with the annotation kubernetes.io/ingress.class: {value} are served by "
                f"{_and(both)}: {brief(shared)}",
                "name the class in `spec.ingressClassName` instead, or give each group its own "
                "`--ingress-class`",
                shared,
            )


def _unclassed(groups: Sequence[Group]) -> Iterator[Seen]:
    both = _meeting(one for one in groups if one.classless)
    shared = _of_two(one.unclassed for one in both)
    remedy = (
        "give every Ingress a class (`spec.ingressClassName`), and leave `--watch-ingress-without-class` to "
        "one group at most"
    )
    if shared:
        yield warns(
            f"Ingresses without a class are served by {_and(both)}: {brief(shared)}",
            remedy,
            shared,
        )
    elif both:
        yield tells(
            f"{_and(both)} take Ingresses without a class; none is served by two now: {remedy}",
            _workloads(both),
        )


def _addresses(groups: Sequence[Group]) -> Iterator[Seen]:
    for address in sorted({address for one in groups for address in one.addresses}):
        both = [one for one in groups if address in one.addresses]
        if len(both) > 1:
            yield warns(
                f"{address} is the address of {_and(both)}: who may reach one reaches the other, and names "
                "that point at it cannot be told apart",
                "give each group a LoadBalancer Service of its own, with its own address and its pods alone",
                (address, *_workloads(both)),
            )


def _unserved(seen: Groups) -> Iterator[Seen]:
    """A controller that no profile knows is not looked at, and whether it keeps to its class is not known."""
    for name, controller in sorted(seen.unserved.items()):
        yield tells(
            f"class {name} is of {controller}, and no controller that Blueshift knows is that: whoever "
            "serves it is not among the groups",
            (f"IngressClass {name}",),
        )


def _meeting(groups: Iterable[Group]) -> list[Group]:
    """Those of which another one watches the same namespaces."""
    given = list(groups)
    return [one for one in given if any(_overlap(one, other) for other in given if other is not one)]


def _overlap(one: Group, other: Group) -> bool:
    return not (one.watches and other.watches and one.watches != other.watches)


def _of_two(taken: Iterable[Sequence[str]]) -> list[str]:
    """What more than one of the groups takes."""
    counted = Counter(name for names in taken for name in names)
    return sorted(name for name, count in counted.items() if count > 1)


def _and(groups: Sequence[Group]) -> str:
    *first, last = (one.who + (", scaled to no pods," if one.idle else "") for one in groups)
    return f"{', '.join(first)} and {last}"


def _workloads(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(name for one in groups for name in one.workloads)
