"""soak: watch the upgraded primary for a while, with the way back still short."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import msgspec

from blueshift.engine.protocol import Answer, Hold, Record, Retreat, Settled, StepPlan, Wait, Way
from blueshift.engine.state import State
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.facts import Baseline
from blueshift.steps.live import present
from blueshift.steps.proof import prove
from blueshift.steps.quiesce import WakeSettings, waking
from blueshift.steps.verdict import shown, verdict
from blueshift.traffic.judge import JudgeRules, Verdict
from blueshift.traffic.routes import Routes

GATE = "accept-verdict"
WAIT = "soak"


class SoakSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long, and what is still as good as before."""

    lasts: Seconds = 3600.0
    poll: Seconds = 5.0
    failures: Annotated[int, msgspec.Meta(ge=1)] = 2
    """Failed looks in a row that hold the run: one alone may be a reload. With 0 every look would."""
    least: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Requests below which a verdict is `nodata`, which is never a pass; so never 0."""
    margin: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.002
    """Share of errors that the primary may have beyond its baseline; with 1 no verdict could fail by them."""
    turned: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.25
    """Share of redirects and refusals that all hosts together may have beyond the baseline."""
    quantile: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    """Of latency, which is compared."""
    slower: Annotated[float, msgspec.Meta(ge=1)] = 1.5
    """Times the baseline's latency that it may be, and"""
    slack: Seconds = 0.05
    """seconds on top."""

    def rules(self) -> JudgeRules:
        """As they are judged by; every look may raise a false alarm."""
        return JudgeRules(
            least=self.least,
            margin=self.margin,
            turned=self.turned,
            quantile=self.quantile,
            slower=self.slower,
            slack=self.slack,
            comparisons=max(1, math.ceil(self.lasts / max(self.poll, 1.0))),
        )


class Soak(Base[SoakSettings]):
    """The primary must keep answering, as well as before the run."""

    kind: ClassVar[str] = "soak"
    Settings: ClassVar[type[SoakSettings]] = SoakSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Baseline,)
    # In memory, since a resume looks anew.
    _bad = 0
    """Looks in a row that failed."""
    _asked = False
    _routes: Routes | None = None
    """What the primary serves; read once, as it may be large."""

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}, not on the primary"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan(
            f"watch the primary for {self.settings.lasts:.0f} s; the temporary stays, and the low TTL too",
            seconds=self.settings.lasts,
        )

    async def settle(self) -> Answer:
        """See Step."""
        proof = await prove(self.tools, "primary", self.tools.world.moving())
        waited = self.here.waited(WAIT)  # the proof took its time
        found = await self._verdict(waited or 0.0)
        self._bad = self._bad + 1 if proof.failed or found.outcome == "fail" else 0
        judged = f"verdict {found.outcome}: {'; '.join(found.reasons)}"
        sentence = "; ".join((proof.sentence, judged) if proof.failed else (judged, proof.sentence))
        if self._bad >= self.settings.failures:
            why = f"the primary does not do as well as before: {sentence}"
            return Hold(why, retreat=True, facts=(found,))
        if waited is None or waited < self.settings.lasts or self._bad:
            return Wait(
                WAIT,
                f"watching the primary: {sentence}",
                then="the temporary release may go",
                lasts=self.settings.lasts,
                poll=self.settings.poll,
            )
        if found.outcome != "pass" and not self.tools.record.approved(self.id, GATE):
            why = f"the verdict on the primary is no pass: {sentence}"
            return Hold(why, gate=GATE, ways=self._ways(), facts=(found,))
        return Settled(f"soaked for {waited:.0f} s: {sentence}", (found,))

    async def retreat(self) -> Retreat | None:
        """Every name goes to the temporary, which is there for that, if it proves itself; one whose
        connections were made to end early is woken first."""
        tools, names = self.tools, await present(self.tools, self.tools.moving())
        state = tools.record.state
        if state.temporary != "ready" or (await prove(tools, "temporary", names)).failed:
            return None
        asleep = "temporary" in state.quiesced
        woken = [await waking(tools, WakeSettings(side="temporary"))] if asleep else []
        there = await tools.shifter.effects(
            names, tools.target("primary"), tools.target("temporary"), tools.ttl
        )
        left = state.but(traffic="temporary").without_side("quiesced", "temporary")
        left = left.without_side("drained", "temporary").without_side("drained", "primary")
        return Retreat((*woken, *there), self._shifted(), left)

    def _ways(self) -> tuple[Way, ...]:
        """Beside a person's word: what came meanwhile counts for whoever asks again."""
        run = self.tools.run
        return (
            Way(
                "judge again by all that has come until then (end the run's process first)",
                f"blueshift resume {run}",
            ),
        )

    def _shifted(self) -> tuple[str, ...]:
        """Steps that begin anew: from the shift to the primary on."""
        track = self.tools.record.track
        here = track.index(self.id)
        wave = max(i for i, step in enumerate(track[:here]) if "/wave-" in step)
        shift = track[wave].rpartition("/")[0]
        return track[track.index(f"{shift}/floor") : here + 1]

    async def _verdict(self, seconds: float) -> Verdict:
        """The primary since the soak began."""
        tools = self.tools
        if not self._asked:
            self._asked, self._routes = True, await shown(tools, "primary")
        since = tools.clock.utc().timestamp() - seconds
        return verdict(tools, "primary", since, self.settings.rules(), self._routes)


def soaking(record: Record) -> float:
    """Seconds since a soak began that a run stands in; 0 if it stands in none.

    A process that takes the run up reads the logs from there: what was written meanwhile is not missing.
    """
    here = next((step for step in record.track if not record.settled(step)), "")
    return max(0.0, record.waited(here, WAIT) or 0.0) if here else 0.0
