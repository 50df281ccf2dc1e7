"""What a look found of how the target would serve: plain data that a World keeps."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from blueshift.discovery.settings import Side

Effect: TypeAlias = Literal["gone", "denied", "lost", "broken", "refused", "dropped", "named"]
"""What becomes of it. `gone`: the Ingress is not served (404); `denied`: its paths are answered by 503;
`lost`: it is served without what is meant; `broken`: the target cannot start so; `refused`: it is served, and
its next write is refused; `dropped`: what has no bearing on answers is ignored; `named`: to be known."""


class Change(msgspec.Struct, frozen=True):
    """One way in which the target serves otherwise, with every object that it is about."""

    rule: str
    """The version with which it came: `1.12`, `chart 4.8`; or `plugins`, `template`."""
    effect: Effect
    what: str
    objects: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """The primary beside the target."""

    crossed: tuple[str, ...] = ()
    """The versions after which others are served otherwise, and that lie between the two."""
    changes: tuple[Change, ...] = ()
    forgotten: dict[str, tuple[str, ...]] = {}
    """Annotation that the running version knows and the target does not → Ingresses."""
    foreign: dict[str, tuple[str, ...]] = {}
    """Annotation that neither knows → Ingresses."""
    untabled: str = ""
    """Why nothing is known of annotations."""
    unversioned: str = ""
    """Why nothing could be compared."""


class Running(msgspec.Struct, frozen=True, omit_defaults=True):
    """The primary, asked itself."""

    side: Side
    release: str = ""
    """What the program in its pods says that it is."""
    unasked: str = ""
    """Why it could not be asked."""
    unlogged: tuple[str, ...] = ()
    """Ingresses whose requests are in no access log."""
