"""drain: a side that traffic has left must be proven to serve nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from blueshift import events
from blueshift.discovery.world import HostFact, NameFact
from blueshift.engine.protocol import Answer, Effect, Further, Hold, Settled, StepPlan, Wait
from blueshift.engine.state import OTHER, SideName, State
from blueshift.playbook.duration import Seconds
from blueshift.shift.protocol import Landed
from blueshift.steps.base import Base
from blueshift.steps.context import brief
from blueshift.steps.facts import Baseline, Late, LateWave, Swapped
from blueshift.steps.live import Appeared, appeared, as_moved, landed, late_waves, live_hosts
from blueshift.steps.parity import configured
from blueshift.steps.proof import as_well
from blueshift.together import together
from blueshift.traffic.drain import Drained, DrainRules, Remaining, Remains, Unknown, drained, left
from blueshift.traffic.routes import Routes
from blueshift.traffic.witnesses import DrainEvidence

GATE = "accept-remaining"
MORE = "one-more-wave"
LOOK_AGAIN = 2.0
"""Seconds from one look to the next at most; never more than a twentieth of the window, which begins with a
look."""
ASK_AGAIN = 30.0
"""Seconds for which an agreement of all name servers is taken to hold."""


class DrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What counts as drained; lengths in seconds."""

    side: SideName
    at_least: Seconds = 900.0
    factor: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """Times the TTL in force at the swap."""
    window: Seconds = 600.0
    accept: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """Share of the baseline's request rate that may remain."""
    agree_every: Seconds = 5.0
    """Seconds between the three rounds in which all authoritative servers must point away."""
    late: Literal["ask", "move"] = "ask"
    """What becomes of names that appear at this side meanwhile: a person is asked, or one more wave goes."""
    ask_after: Seconds = 86400.0
    """After this a person is asked whether to go on with the named rest."""
    remaining: Literal["ask", "accept"] = "ask"
    """What becomes of a rest that alone keeps it from being drained: a person is asked after that time, or
    the run goes on with it, named."""

    @property
    def rules(self) -> DrainRules:
        """By which one moment is judged."""
        return DrainRules(least=self.at_least, factor=self.factor, window=self.window, accept=self.accept)


class Drain(Base[DrainSettings]):
    """DNS away everywhere, the minimum time over, a window without known requests, nobody who stays."""

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
                f"{settings.window:.0f} s without a request for a known host, and no connection that stays",
                "who remains then is named, and the run goes on all the same"
                if settings.remaining == "accept"
                else f"after {settings.ask_after / 3600:.0f} h a person is asked",
            ),
            seconds=max(settings.at_least, settings.window),
        )

    async def settle(self) -> Answer:
        """See Step."""
        settings, tools = self.settings, self.tools
        began = tools.clock.utc().timestamp()
        late = await self.effects()
        if pending := [effect for effect in late if not self._done(effect)]:
            return Further(effects=tuple(pending))
        # The servers are asked in rounds, which leave time for the cluster.
        away, (found, routes) = await together(self._away(), self._served_here())
        if found.movable:
            return await self._one_more_wave(found)
        swapped = self._swapped(late)
        rules = settings.rules
        evidence = await tools.followers[settings.side].evidence(
            rules,
            swapped=swapped.at.timestamp(),
            ttl=swapped.ttl,
            routes=routes,
            hosts=self._hosts,
            baseline=tools.record.fact(Baseline).rate,
            dns="; ".join(found.stuck) or ("" if away.done else away.sentence),
            proxied=tools.proxied(),
        )
        verdict = drained(evidence, rules)
        rest = verdict.items if isinstance(verdict, Remaining) else ()
        reason = "" if isinstance(verdict, Drained) else f"{verdict.reason}{_listed(rest)}"
        self._tell(evidence, rules, reason)
        if isinstance(verdict, Drained):
            last = await self._appeared(within=0.0)
            if last != found:
                return Wait("drain", "names appeared meanwhile: they are looked at", poll=0.5)
            noise = f"; {evidence.noise} requests for unknown hosts beside" if evidence.noise else ""
            return Settled(f"the {settings.side} serves nobody: {verdict.said}{noise}")
        if settings.remaining == "accept" and isinstance(verdict, Remaining) and verdict.rest_alone:
            return Settled(f"gone on with the rest, as was said before: {verdict.reason}{_listed(rest)}")
        if tools.record.approved(self.id, GATE):
            return Settled(f"gone on with the rest by a person's word: {verdict.reason}{_listed(rest)}")
        waited = self.here.waited("drain")
        if waited is not None and waited > settings.ask_after:
            return Hold(f"the {settings.side} still serves: {verdict.reason}{_listed(rest)}", gate=GATE)
        return Wait(
            "drain",
            f"the {settings.side} is not proven idle: {verdict.reason}{_listed(rest)}",
            then="it is changed" if settings.side == "primary" else "the soak begins",
            lasts=settings.ask_after,
            poll=self._next_look(verdict, began),
            unattended=self._unattended(swapped),
        )

    def _tell(self, evidence: DrainEvidence, rules: DrainRules, reason: str) -> None:
        items, _ = left(evidence, rules)
        counts = evidence.others(rules.own_connections).values()
        known = [count for count in counts if count is not None]
        self.tools.seen(
            events.DrainSeen(
                at=self.here.utc(),
                run=self.tools.run,
                side=self.settings.side,
                clients=len({item.client or item.target for item in items}),
                requests=sum(item.requests for item in items),
                connections=sum(known) if known and len(known) == len(counts) else None,
                reason=reason,
            )
        )

    def _next_look(self, verdict: Remaining | Unknown, began: float) -> float:
        """Seconds from the begin of a look to the next one: at the moment at which time alone would have made
        it idle, if that comes sooner than the next look would."""
        again = min(LOOK_AGAIN, self.settings.window / 20)
        until = verdict.until if isinstance(verdict, Remaining) else None
        return min(again, until - began) if until is not None and until > began else again

    def _unattended(self, swapped: Swapped) -> float:
        """Seconds until its window must be watched: silence that nobody saw proves nothing."""
        settings = self.settings
        least = max(settings.at_least, settings.factor * swapped.ttl)
        passed = (self.tools.clock.utc() - swapped.at).total_seconds()
        return max(0.0, least - settings.window - passed)

    async def _away(self) -> Landed:
        """Whether every server points away; one that agreed is asked again only now and then.

        A drain lasts hours, and a zone may have thousands of names: servers limit who asks too often.
        """
        now = self.tools.clock.now()
        if self._agreed is not None and now - self._agreed[0] < ASK_AGAIN:
            return self._agreed[1]
        tools, to = self.tools, OTHER[self.settings.side]
        # Those that agreed are asked in rounds without a pause: one look must not keep the next waiting.
        every = 0.0 if self._agreed else self.settings.agree_every
        answer = await landed(tools, tools.moving(), to, every)
        self._agreed = (now, answer) if answer.done else None
        return answer

    async def effects(self) -> Sequence[Effect]:
        """See Step: the waves that nobody planned, for names that appeared while it waited."""
        return await late_waves(self.tools, self.id, self.settings.side)

    def _done(self, effect: Effect) -> bool:
        known = self.tools.record.effect(self.id, effect.key)
        return known is not None and known.done is not None

    def _swapped(self, late: Sequence[Effect]) -> Swapped:
        """The latest move away from this side: what its clients may still remember counts from then."""
        known = [self.tools.record.effect(self.id, effect.key) for effect in late]
        moved = [one.done for one in known if one and one.done]
        names = [name for wave in self.tools.late().waves if wave.step == self.id for name in wave.names]
        return with_late(self.tools.record.fact(Swapped), moved, names)

    async def _appeared(self, *, within: float) -> Appeared:
        """What came to this side after the snapshot; asked again after so many seconds."""
        now = self.tools.clock.now()
        if self._latest is None or now - self._latest[0] >= within:
            self._served = await live_hosts(self.tools)
            self._latest = (now, await appeared(self.tools, self.settings.side, self._served))
            names = frozenset(host.host for host in self._served)
            if self._hosts != names:
                self._hosts, self._reads = names, 0
        return self._latest[1]

    async def _one_more_wave(self, found: Appeared) -> Answer:
        """Offer to move what appeared, as a gate of its own; taken, its names are journalled first."""
        side, to = self.settings.side, OTHER[self.settings.side]
        late = self.tools.late()
        number = sum(wave.step == self.id for wave in late.waves) + 1
        gate = MORE if number == 1 else f"{MORE}-{number}"
        few = brief([name.name for name in found.movable], 10)
        proof = await as_well(self.tools, to, self._asked(found))
        if proof.failed:
            why = f"{few} appeared and points at the {side}, and the {to} does not serve it: {proof.sentence}"
            return Wait("late", why, then="it is asked again", lasts=self.settings.ask_after, poll=5.0)
        if self.settings.late == "ask" and not self.tools.record.approved(self.id, gate):
            return Hold(
                f"{few} appeared after the snapshot and points at the {side}, which is to be drained: "
                f"one more wave moves it to the {to}, and what appears until then",
                gate=gate,
            )
        names = as_moved(self.tools, side, found.movable)
        self._latest = self._agreed = None
        return Further(facts=(Late((*late.waves, LateWave(self.id, names))),))

    def _asked(self, found: Appeared) -> list[tuple[str, bool]]:
        hosts = {host for name in found.movable for host in name.hosts}
        return [(host.host, host.tls) for host in self._served if host.host in hosts]

    async def _served_here(self) -> tuple[Appeared, Routes]:
        """What came to this side, then what it is configured to serve, which changes with its hosts."""
        found = await self._appeared(within=ASK_AGAIN)
        return found, await self._configured()

    async def _configured(self) -> Routes:
        """What this side serves; read when hosts came or went, at once and once more later: it may be large.

        A controller takes a moment to serve what is new.
        """
        now = self.tools.clock.now()
        due = not self._reads or (self._reads == 1 and now - self._read >= ASK_AGAIN)
        if self._routes is None or due:
            self._routes = await configured(self.tools, self.settings.side)
            self._reads, self._read = self._reads + 1, now
        return self._routes

    # In memory on purpose: a resume asks anew.
    _agreed: tuple[float, Landed] | None = None
    _latest: tuple[float, Appeared] | None = None
    _served: tuple[HostFact, ...] = ()
    _hosts: frozenset[str] = frozenset()
    _routes: Routes | None = None
    _reads: int = 0
    """How often the configuration was read since hosts last came or went."""
    _read: float = 0.0


def with_late(planned: Swapped, moved: Sequence[datetime], names: Sequence[NameFact]) -> Swapped:
    """A shift, and when names that came later moved as well, which may have had a higher TTL."""
    ttl = max((record.ttl for name in names for record in name.records), default=0)
    return Swapped(planned.to, max((planned.at, *moved)), max(planned.ttl, ttl))


def _listed(left: tuple[Remains, ...]) -> str:
    if not left:
        return ""
    lines = [f"{item.client or 'unnamed'} → {item.target}: {item.did}, {item.why}" for item in left[:5]]
    if len(left) > 5:
        lines.append(f"and {len(left) - 5} more")
    # Reasons have semicolons of their own, and views take the list apart at these.
    return f" [{'; '.join(line.replace('; ', ', ') for line in lines)}]"
