"""What a fault file says: a kill, or a disturbance of the world, and the points of a run where it applies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from tests.crash.order import Boundaries, Name, Track

_HELM = re.compile(
    r"^\S+/(install-temporary|harden|upgrade|purge|restore-primary)\S* effect (revision|uninstall|release)"
)


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The command is killed there."""

    when: Literal["before", "after", "amid"]
    of: Literal["write", "effect", "helm"]
    track: Track = "forward"

    def points(self, boundaries: Boundaries) -> tuple[str, ...]:
        """The points, in the order of the run."""
        return tuple(f"{self.when}|{one}" for one in boundaries.get(self.track, ()) if self._means(one))

    def _means(self, boundary: str) -> bool:
        if self.of == "helm":
            return bool(_HELM.search(boundary))
        return (self.of == "effect") is (" effect " in boundary)


class Disturb(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The world goes wrong there, from outside the command. `CELL` stands for the cell's name everywhere."""

    by: Literal["api", "clock", "disk", "dns", "helm", "person"]
    at: str
    """A regular expression for points, `before|boundary` or `after|boundary`."""
    rule: dict[str, Any] = {}
    """Settings of an injector (`faults/`); for a person `does` and `mends`, shell in the lab as its admin;
    programs that several share are in `$FAULTS`, which is `faults/`.

    `proves` instead of `mends`: it cannot be made well. The run must hold at each resume, and this command
    must succeed then, which proves that nothing was done over it.
    """
    lasts: float = 0.0
    """Seconds after which all is well again; 0: the rule ends by itself, or the hold is mended."""
    stops: str = ""
    """What a hold must say; then all is made well and the run resumed. Empty: it goes on by itself."""
    each: int = 8
    """So many points in one run at most."""

    @property
    def stays(self) -> bool:
        """Whether the run ends with the hold."""
        return "proves" in self.rule

    def points(self, boundaries: Boundaries) -> tuple[str, ...]:
        """The points, in the order of the run."""
        every = (f"{when}|{one}" for one in boundaries.get("forward", ()) for when in ("before", "after"))
        return tuple(point for point in every if re.search(self.at, point))


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    what: str
    where: str
    holds: str
    kill: Kill | None = None
    disturb: Disturb | None = None
    real: str = ""
    """A regular expression for those of its points that are tried on the real controller too; empty: none."""

    def points(self, boundaries: Boundaries, ground: Name = "stub") -> tuple[str, ...]:
        """Where it applies in runs that pass these boundaries on such a ground."""
        means = self.kill or self.disturb
        assert means, "a fault file says `kill` or `disturb`"
        every = means.points(boundaries)
        if ground == "stub":
            return every
        return tuple(point for point in every if self.real and re.search(self.real, point))


def faults() -> dict[str, Fault]:
    """Every fault by the name of its file."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    return {file.stem: msgspec.yaml.decode(file.read_bytes(), type=Fault) for file in files}
