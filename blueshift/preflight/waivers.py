"""Checks that a person had a word about: skipped ones, and warnings that are acknowledged.

Both are by id, and both stay on the list with what the check saw. A skipped check stops nothing, whatever it
sees; skipping one of severity `error` needs the release's name (`cli`). A warning that is acknowledged is
known: it is no more counted as a warning, and nothing else changes, since no warning stops an upgrade. What
could not be looked at stays `not-looked`: nobody can know what nobody saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from blueshift.discovery.world import World
from blueshift.engine.journal import Waived
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Finding
from blueshift.preflight.run import known, run_all


class Waivers(msgspec.Struct, frozen=True):
    """Ids of checks, as the options of one command name them."""

    skip: tuple[str, ...] = ()
    acknowledge: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """Those that it skips although they may stop an upgrade."""
        return tuple(check.id for check in CHECKS if check.id in self.skip and check.severity == "error")

    def with_those_of(self, other: Waivers) -> Waivers:
        """Of both, each id once."""
        return Waivers(
            tuple(dict.fromkeys((*self.skip, *other.skip))),
            tuple(dict.fromkeys((*self.acknowledge, *other.acknowledge))),
        )


NONE = Waivers()


def given(skip: Sequence[str], acknowledge: Sequence[str]) -> Waivers:
    """As the options say. Raises BlueshiftError for an id that no check has."""
    known((*skip, *acknowledge))
    return NONE.with_those_of(Waivers(tuple(skip), tuple(acknowledge)))


def judged(
    world: World, waivers: Waivers, settled: Sequence[str], *, only: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Every finding, by these options and what the settings acknowledge (`settled`)."""
    return run_all(world, only=only, skip=waivers.skip, acknowledged=(*waivers.acknowledge, *settled))


def waived(world: World, waivers: Waivers, settled: Sequence[str], by: str) -> tuple[Waived, ...]:
    """For the journal: each check that was skipped, and each whose warning was acknowledged."""
    saw: dict[str, list[Finding]] = {}
    for one in judged(world, waivers, settled):
        if one.outcome in ("skipped", "acknowledged"):
            saw.setdefault(one.check, []).append(one)
    return tuple(
        Waived(
            check,
            "skipped" if found[0].outcome == "skipped" else "acknowledged",
            by,
            _said(check, found[0], waivers),
            "; ".join(one.sentence for one in found),
        )
        for check, found in saw.items()
    )


def _said(check: str, found: Finding, waivers: Waivers) -> Literal["--skip", "--acknowledge", "settings"]:
    if found.outcome == "skipped":
        return "--skip"
    return "--acknowledge" if check in waivers.acknowledge else "settings"
