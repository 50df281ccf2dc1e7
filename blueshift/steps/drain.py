"""drain: a side that traffic has left must be proven to serve nobody."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from blueshift.discovery.world import World
from blueshift.engine.protocol import Answer, Hold, Settled, StepPlan, Wait
from blueshift.engine.state import OTHER, SideName, State
from blueshift.playbook.duration import Seconds
from blueshift.shift.protocol import Landed
from blueshift.steps.base import Base
from blueshift.steps.facts import Baseline, Swapped
from blueshift.steps.parity import configured
from blueshift.traffic.drain import Drained, DrainRules, Remaining, Remains, drained
from blueshift.traffic.routes import Routes

GATE = "accept-remaining"
ASK_AGAIN = 30.0
"""Seconds for which an agreement of all name servers is taken to hold."""


class DrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What counts as drained; lengths in seconds."""

    side: SideName
    at_least: Seconds = 900.0
    factor: float = 10.0
    """Times the TTL in force at the swap."""
    window: Seconds = 600.0
    accept: float = 0.0
    """Share of the baseline's request rate that may remain."""
    agree_every: Seconds = 5.0
    """Seconds between the three rounds in which all authoritative servers must point away."""
    ask_after: Seconds = 86400.0
    """After this a person is asked whether to go on with the named rest."""


class Drain(Base[DrainSettings]):
    """DNS away everywhere, the minimum time over, a window without known requests, no foreign connection."""

    kind: ClassVar[str] = "drain"
    Settings: ClassVar[type[DrainSettings]] = DrainSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Swapped, Baseline)

    def needs(self, state: State) -> str | None:
        """See Step."""
        away = OTHER[self.settings.side]
        return None if state.traffic == away else f"traffic is on {state.traffic}, not on the {away}"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.with_side("drained", self.settings.side)

    def plan(self) -> StepPlan:
        """See Step."""
        settings = self.settings
        return StepPlan(
            f"wait until the {settings.side} serves nobody",
            waits=(
                f"at least {settings.at_least:.0f} s and {settings.factor:g} times the TTL since the shift",
                f"{settings.window:.0f} s without a request for a known host and a foreign connection",
                f"after {settings.ask_after / 3600:.0f} h a person is asked",
            ),
            seconds=max(settings.at_least, settings.window),
        )

    async def settle(self) -> Answer:
        """See Step."""
        settings, tools = self.settings, self.tools
        swapped = tools.record.fact(Swapped)
        landed = await self._away()
        rules = DrainRules(
            least=settings.at_least,
            factor=settings.factor,
            window=settings.window,
            accept=settings.accept,
        )
        if self._routes is None:
            self._routes = await configured(tools, settings.side)
        evidence = await tools.followers[settings.side].evidence(
            rules,
            swapped=swapped.at.timestamp(),
            ttl=swapped.ttl,
            routes=self._routes,
            baseline=tools.record.fact(Baseline).rate,
            dns="" if landed.done else landed.sentence,
        )
        verdict = drained(evidence, rules)
        if isinstance(verdict, Drained):
            noise = f"; {evidence.noise} requests for unknown hosts beside" if evidence.noise else ""
            return Settled(f"the {settings.side} serves nobody: {verdict.said}{noise}")
        left = verdict.items if isinstance(verdict, Remaining) else ()
        if tools.record.approved(self.id, GATE):
            return Settled(f"gone on with the rest by a person's word: {verdict.reason}{_listed(left)}")
        waited = self.here.waited("drain")
        if waited is not None and waited > settings.ask_after:
            return Hold(f"the {settings.side} still serves: {verdict.reason}{_listed(left)}", gate=GATE)
        return Wait(
            "drain",
            f"the {settings.side} is not proven idle: {verdict.reason}{_listed(left)}",
            then="it is changed" if settings.side == "primary" else "the soak begins",
            lasts=settings.ask_after,
        )

    async def _away(self) -> Landed:
        """Whether every server points away; one that agreed is asked again only now and then.

        A drain lasts hours, and a zone may have thousands of names: servers limit who asks too often.
        """
        now = self.tools.clock.now()
        if self._agreed is not None and now - self._agreed[0] < ASK_AGAIN:
            return self._agreed[1]
        tools, to = self.tools, OTHER[self.settings.side]
        landed = await tools.shifter.landed(
            tools.world.moving(), tools.target(to), tools.ttl, self.settings.agree_every
        )
        self._agreed = (now, landed) if landed.done else None
        return landed

    # In memory on purpose: a resume asks anew.
    _agreed: tuple[float, Landed] | None = None
    # What the drained side serves; read once, since it may be large.
    _routes: Routes | None = None


def known_hosts(world: World) -> frozenset[str]:
    """Every host that the controller's Ingresses name."""
    return frozenset(host.host for host in world.hosts)


def _listed(left: tuple[Remains, ...]) -> str:
    if not left:
        return ""
    lines = [
        f"{item.client or 'unnamed'} → {item.target}: {item.requests} requests, {item.why}"
        for item in left[:5]
    ]
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    return " [" + "; ".join(lines) + more + "]"
