"""The tools of one run, put together from a session and what the run froze."""

from __future__ import annotations

from collections.abc import Sequence

from blueshift import events
from blueshift.app import configuration
from blueshift.app.session import Session
from blueshift.controllers.profile import Profile
from blueshift.discovery.trails import Follower as Trails
from blueshift.discovery.world import World
from blueshift.dns.records import RecordSet
from blueshift.engine.protocol import Record
from blueshift.shift.dns import DnsShifter
from blueshift.shift.protocol import Landed
from blueshift.steps.context import Tools
from blueshift.steps.follower import Follower
from blueshift.steps.places import Places
from blueshift.steps.revisions import Revisions
from blueshift.steps.soak import soaking
from blueshift.steps.witness import Witness, whereabouts


def build(
    session: Session,
    run: str,
    world: World,
    profile: Profile,
    revisions: Revisions,
    record: Record,
    emit: events.Emit,
    *,
    skipped: tuple[str, ...],
) -> Tools:
    """Everything that steps are given."""

    async def agreement(records: Sequence[RecordSet], every: float) -> Landed:
        return await session.agree(records, every=every)

    witness = Witness(
        session.kube, profile, session.clock, whereabouts(world), session.config.traffic.prometheus
    )

    def notice(step: str, sentence: str) -> None:
        emit(events.Noticed(at=session.clock.utc(), run=run, step=step, sentence=sentence))

    return Tools(
        run=run,
        runs=session.runs,
        kube=session.kube,
        helm=session.helm,
        dns=session.dns,
        profile=profile,
        shifter=DnsShifter(session.dns, agreement, lambda sentence: notice("", sentence)),
        agreement=agreement,
        witness=witness,
        followers={
            side: Follower(side, session.kube, witness, profile, session.clock, back=soaking(record))
            for side in ("primary", "temporary")
        },
        revisions=revisions,
        clock=session.clock,
        world=world,
        record=record,
        places=places(session),
        trails=lambda hosts: Trails(session.dns, session.directory).follow(hosts),
        notice=notice,
        seen=events.Relay(emit),
        skipped=skipped,
    )


def places(session: Session) -> Places:
    """How a person reaches what this session reaches."""
    kube = session.kube
    return configuration.places(session.config, kubeconfig=kube.kubeconfig, context=kube.context)
