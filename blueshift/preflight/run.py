"""Run the checks on a World: all of them, so that one round shows every fault."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from blueshift.discovery.found import NotLooked
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Check, Finding, Seen, finding


def run_all(world: World, *, only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[Finding, ...]:
    """Every finding, in the table's order. Pure; what had to be looked up is in the World.

    `only` and `skip` name checks by id. Raises BlueshiftError for an id that no check has.
    """
    known((*only, *skip))
    chosen = [check for check in CHECKS if (not only or check.id in only) and check.id not in skip]
    return tuple(finding(check, seen) for check in chosen for seen in run_one(check, world))


def run_one(check: Check, world: World) -> tuple[Seen, ...]:
    """What one check sees; a fault of the check itself is not the user's and never a pass."""
    seen: list[Seen] = []
    try:
        seen.extend(check.run(world))
    except NotLooked as reason:
        seen.append(Seen("not-looked", str(reason), "see that it can be looked up, then check again"))
    except Exception as error:  # a check of third quality must not hide the other findings
        kind = "" if isinstance(error, BlueshiftError) else f"{type(error).__name__}: "
        seen.append(Seen("not-looked", f"the check failed: {kind}{error}", "report this as a bug"))
    return tuple(seen) or (Seen("not-looked", "the check said nothing", "report this as a bug"),)


def known(ids: Collection[str]) -> None:
    """Raise BlueshiftError for an id that no check has."""
    table = [check.id for check in CHECKS]
    for wrong in sorted(set(ids) - set(table)):
        near = difflib.get_close_matches(wrong, table, n=1)
        raise BlueshiftError(
            f"there is no check {wrong!r}",
            hint=f"did you mean {near[0]!r}?" if near else "`blueshift check --list` shows all",
        )


def listing() -> Iterator[Check]:
    """The table, for `check --list`."""
    yield from CHECKS
