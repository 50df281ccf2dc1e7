"""Run the checks on a World: all of them, so that one round shows every fault."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

import msgspec

from blueshift.discovery.found import NotLooked
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Check, Finding, Result, Seen, finding


def run_all(
    world: World,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    acknowledged: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Every finding, in the table's order. Pure; what had to be looked up is in the World.

    `only`, `skip` and `acknowledged` name checks by id; what comes of the last two is in `waivers`. Raises
    BlueshiftError for an id of the first two that no check has; what settings acknowledge may be a check of
    an older version.
    """
    known((*only, *skip))
    chosen = [check for check in CHECKS if not only or check.id in only]
    return tuple(
        one
        for check in chosen
        for one in (
            _skipped(check, world) if check.id in skip else _found(check, world, check.id in acknowledged)
        )
    )


def _found(check: Check, world: World, acknowledged: bool) -> Iterator[Finding]:
    """What it saw; where it is acknowledged, what it warns of is known. What nobody saw nobody can know."""
    for seen in run_one(check, world):
        one = finding(check, seen)
        warning = one.outcome in ("warn", "fail") and not one.stops
        yield _as(one, "acknowledged") if acknowledged and warning else one


def _skipped(check: Check, world: World) -> Iterator[Finding]:
    """What it has against an upgrade, for the person who answers for leaving it out; it stops nothing."""
    against = [seen for seen in run_one(check, world) if seen.outcome not in ("pass", "info")]
    for seen in against or [Seen("pass", "it has nothing against an upgrade")]:
        yield _as(finding(check, seen), "skipped")


def _as(one: Finding, result: Result) -> Finding:
    return msgspec.structs.replace(one, outcome=result, stops=False)


def run_one(check: Check, world: World) -> tuple[Seen, ...]:
    """What one check sees; a fault of the check itself is not the user's and never a pass."""
    seen: list[Seen] = []
    try:
        seen.extend(check.run(world))
    except NotLooked as reason:
        remedy = "see that it can be looked up, then check again"
        seen.append(Seen("not-looked", str(reason), remedy, stops=reason.stops))
    except Exception as error:  # a check of third quality must not hide the other findings
        kind = "" if isinstance(error, BlueshiftError) else f"{type(error).__name__}: "
        seen.append(Seen("not-looked", f"the check failed: {kind}{error}", "report this as a bug"))
    return tuple(seen) or (Seen("not-looked", "the check said nothing", "report this as a bug"),)


def known(ids: Collection[str], *, place: str | None = None) -> None:
    """Raise BlueshiftError for an id that no check has; `place` is where it stands."""
    table = [check.id for check in CHECKS]
    for wrong in sorted(set(ids) - set(table)):
        near = difflib.get_close_matches(wrong, table, n=1)
        raise BlueshiftError(
            f"there is no check {wrong!r}",
            place=place,
            hint=f"did you mean {near[0]!r}?" if near else "`blueshift check --list` shows all",
        )


def listing() -> Iterator[Check]:
    """The table, for `check --list`."""
    yield from CHECKS
