"""Carry a run: its services live in one TaskGroup around the loop, and none of them can cancel an effect."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence

from blueshift import events
from blueshift.app.hooks import Hooks
from blueshift.app.observe import observe
from blueshift.app.recursives import watch_recursives
from blueshift.app.session import Session
from blueshift.app.sides import watch_answers, watch_sides
from blueshift.app.turn import Ask, turn
from blueshift.app.untouched import as_they_were
from blueshift.cluster.api import KubeApi
from blueshift.engine import control
from blueshift.engine.control import Words
from blueshift.engine.entries import NotTurned
from blueshift.engine.journal import OVER, Approval, Journal, Standstill
from blueshift.engine.lease import Lease
from blueshift.engine.loop import Outcome, run_track, stand_still
from blueshift.engine.protocol import Beside, Step
from blueshift.engine.recorder import Recorder
from blueshift.engine.state import State
from blueshift.engine.store import FenceLost, Runs, Writer
from blueshift.engine.waiting import Services
from blueshift.engine.words import Speaker
from blueshift.errors import BlueshiftError
from blueshift.playbook.schema import Playbook
from blueshift.steps.context import Tools
from blueshift.steps.webhook import taking_back, unsafe

LISTEN = 1.0
"""Seconds between two looks for people's words."""


def control_namespace(runs: Runs) -> str:
    """Where people's words to runs are; the runner only reads there."""
    return f"{runs.namespace}-control"


def holder() -> str:
    """Who this process is: a person at a machine, and a token that no other process has."""
    return f"{user()}@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def user() -> str:
    """The login name, as far as this machine knows one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


async def speaker(kube: KubeApi) -> Speaker:
    """Who this process speaks as: the cluster's name for its user, and its login name."""
    login = user()
    return Speaker(await kube.user() or login, login)


class Listener:
    """Hears what people say to a run: a service that keeps the latest words."""

    def __init__(self, session: Session, writer: Writer) -> None:
        self._session = session
        self._writer = writer
        self.words = Words()

    async def run(self) -> None:
        """Listen until cancelled; what cannot be read now keeps what was said before."""
        while True:
            self.words = await control.heard(
                self._session.kube, control_namespace(self._session.runs), self._writer.journal
            )
            await self._session.clock.sleep(LISTEN)


async def carry(
    session: Session,
    writer: Writer,
    tools: Tools,
    steps: Sequence[Step],
    playbook: Playbook,
    lease: Lease,
    emit: events.Emit,
    stopping: asyncio.Event,
    *,
    ask: Ask | None = None,
    park: bool = False,
) -> Outcome:
    """Run the track to its end, a hold or a signal, by way of `ask` first if there is one.

    With `park` the run is left at a wait that nobody needs to attend. The lease is let go in any case.
    """
    run = writer.journal.run
    listener = Listener(session, writer)
    hooks = Hooks(tools, writer, playbook, emit)
    recorder = Recorder(session.runs, run)
    tools.seen.add(recorder.listen)

    def tell(event: events.Event) -> None:
        emit(event)
        hooks.listen(event)

    def seen(event: events.Event) -> None:
        emit(event)
        recorder.listen(event)

    async def approval(standstill: Standstill) -> Approval | None:
        return await control.approval(session.kube, control_namespace(session.runs), run, standstill)

    async def look(state: State) -> State:
        return await observe(tools, state)

    async def due(state: State) -> Beside | None:
        proven = "primary" in state.verified
        return taking_back(session.kube, tools.world, writer.journal) if proven else None

    services = Services(
        session.clock,
        tell,
        look,
        approval,
        stopping,
        lease.check,
        lambda: listener.words,
        park=park,
        unsafe=lambda: unsafe(session.kube, tools.world, run),
        due=due,
        closing=lambda: as_they_were(session, tools.world, stopping),
        hooks=hooks.around,
    )
    emit(
        events.RunStarted(
            at=session.clock.utc(),
            run=run,
            release=writer.journal.release,
            steps=writer.journal.track,
            epoch=writer.journal.epoch,
        )
    )
    hooks.begin()
    finished = False
    try:
        async with asyncio.TaskGroup() as group:
            around = [
                group.create_task(_looked_after(service, emit, session, run))
                for service in (
                    lease.keep,
                    listener.run,
                    *(follower.run for follower in tools.followers.values()),
                    lambda: watch_sides(tools, seen),
                    lambda: watch_answers(tools, session.directory, seen),
                    lambda: watch_recursives(tools, session.recursives, seen),
                    recorder.run,
                )
            ]
            try:
                outcome = await _tracks(writer, tools, steps, services, playbook, ask)
                finished = outcome.status in OVER
                await recorder.write()
            finally:
                for task in around:
                    task.cancel()
    except BaseExceptionGroup as group_error:
        (error, *more) = group_error.exceptions
        if isinstance(error, Exception) and not isinstance(error, FenceLost):  # then it goes on elsewhere
            await hooks.close("failed", str(error))
        if more:
            raise
        raise error from None
    finally:
        await lease.release(finished=finished)
    await hooks.close(outcome.status)
    return outcome


async def _tracks(
    writer: Writer,
    tools: Tools,
    steps: Sequence[Step],
    services: Services,
    playbook: Playbook,
    ask: Ask | None,
) -> Outcome:
    """One track after another: a person's word turns the run, and so does a failure where that was wished."""
    while True:
        if ask is not None:
            try:
                steps = await turn(writer, tools, steps, services, playbook, ask)
            except FenceLost:
                raise
            except BlueshiftError as error:
                await writer.write(NotTurned(ask.by, str(error)))
                return await stand_still(writer, steps, services, error)
        outcome = await run_track(writer, steps, services)
        if outcome.word is not None:
            ask = Ask(outcome.word.to, outcome.word.by, outcome.word.reason)
        elif _fails(outcome, writer.journal):
            ask = Ask("back", "on-failure", outcome.said)
        else:
            return outcome


def _fails(outcome: Outcome, journal: Journal) -> bool:
    return outcome.status == "holding" and journal.on == "forward" and journal.on_failure == "rollback"


async def _looked_after(
    service: Callable[[], Awaitable[None]], emit: events.Emit, session: Session, run: str
) -> None:
    """A service that fails is a gap that is said, and never the end of a run."""
    while True:
        try:
            return await service()
        except Exception as error:  # whatever it is, it must not reach the TaskGroup and cancel an effect
            sentence = (
                f"{type(error).__name__}: {error}" if not isinstance(error, BlueshiftError) else str(error)
            )
            emit(events.Noticed(at=session.clock.utc(), run=run, step="", sentence=sentence))
            await session.clock.sleep(5.0)
