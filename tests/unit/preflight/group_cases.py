"""Where traffic groups leak into each other, and where they do not."""

from __future__ import annotations

from typing import Any

from blueshift.discovery.seen_groups import Group, Groups
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import ADDRESS, GROUP, INSIDE, but, seen

UNSEEN = {"not-looked": "no answer within 4 s", "hint": "try again"}


def of(*groups: Group, unseen: str = "", **unserved: str) -> dict[str, Any]:
    return {"findings": seen(class_groups=Groups(groups, unseen, unserved))}


def both(**changes: Any) -> dict[str, Any]:
    """The primary's group and another one, both so."""
    return of(but(GROUP, **changes), but(INSIDE, **changes))


def leak(says: str, changes: dict[str, Any]) -> Case:
    return Case("class-groups", says, changes, "warn", stops=False)


BARE = but(GROUP, classless=True, unclassed=("shop/bare", "shop/old"))
BARE_TOO = but(INSIDE, classless=True, unclassed=("shop/bare", "wiki/own"))
CASES = [
    leak(
        "class nginx is served by nginx (ingress/web) and inside (inside/web): each", both(classes=("nginx",))
    ),
    leak("scaled to no pods, and inside", both(classes=("nginx",), idle=True)),
    leak(
        "the annotation kubernetes.io/ingress.class: nginx are served by nginx (ingress/web) and inside "
        "(inside/web): shop/noted",
        both(annotation="nginx", noted=("shop/noted",)),
    ),
    leak("Ingresses without a class are served by", of(BARE, BARE_TOO)),
    leak(
        f"{ADDRESS} is the address of nginx (ingress/web) and inside (inside/web)", both(addresses=(ADDRESS,))
    ),
    Case(
        "class-groups",
        "take Ingresses without a class; none is served by two now",
        both(classless=True),
        "info",
        stops=False,
    ),
    Case(
        "class-groups",
        "class alb is of ingress.k8s.aws/alb, and no controller",
        of(GROUP, alb="ingress.k8s.aws/alb"),
        "info",
        stops=False,
    ),
    Case(
        "class-groups",
        "whether two groups have one address: no right",
        of(GROUP, INSIDE, unseen="no right"),
        "not-looked",
        stops=False,
    ),
    Case(
        "class-groups", "no answer within", {"findings": seen(class_groups=UNSEEN)}, "not-looked", stops=False
    ),
]

QUIET: list[tuple[str, dict[str, Any]]] = [
    ("class-groups", of(GROUP)),
    ("class-groups", of(GROUP, INSIDE)),
    ("class-groups", of(GROUP, alb="ingress.k8s.aws/alb")),
    # The old annotation has the same default in every release: without an Ingress that has it nothing leaks.
    ("class-groups", both(annotation="nginx")),
    ("class-groups", of(BARE, but(BARE_TOO, classless=False, unclassed=()))),
    ("class-groups", of(but(GROUP, watches="shop"), but(INSIDE, watches="wiki", classes=("nginx",)))),
    ("class-groups", of(GROUP, but(GROUP, release="web-blueshift/web-blueshift", run="1129-0300-abcd"))),
]
