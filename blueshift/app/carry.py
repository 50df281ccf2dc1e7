"""Carry a run: its services live in one TaskGroup around the loop, and none of them can cancel an effect."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence

from blueshift import events
from blueshift.app.observe import observe
from blueshift.app.session import Session
from blueshift.app.sides import watch_answers, watch_sides
from blueshift.engine import control
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.lease import Lease
from blueshift.engine.loop import Outcome, Services, run_track
from blueshift.engine.protocol import Step
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.errors import BlueshiftError
from blueshift.steps.context import Tools


def holder() -> str:
    """Who this process is: a person at a machine, and a token that no other process has."""
    return f"{user()}@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def user() -> str:
    """The login name, as far as this machine knows one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


async def carry(
    session: Session,
    writer: Writer,
    tools: Tools,
    steps: Sequence[Step],
    lease: Lease,
    emit: events.Emit,
    stopping: asyncio.Event,
) -> Outcome:
    """Run the track to its end, a hold or a signal; the lease is let go in any case."""
    run = writer.journal.run
    control_namespace = f"{session.runs.namespace}-control"

    async def approval(standstill: Standstill) -> Approval | None:
        return await control.approval(session.kube, control_namespace, run, standstill)

    async def look(state: State) -> State:
        return await observe(tools, state)

    services = Services(session.clock, emit, look, approval, stopping, lease.check)
    emit(
        events.RunStarted(
            at=session.clock.utc(),
            run=run,
            release=writer.journal.release,
            steps=writer.journal.track,
            epoch=writer.journal.epoch,
        )
    )
    finished = False
    try:
        async with asyncio.TaskGroup() as group:
            around = [
                group.create_task(_looked_after(service, emit, session, run))
                for service in (
                    lease.keep,
                    *(follower.run for follower in tools.followers.values()),
                    lambda: watch_sides(tools, emit),
                    lambda: watch_answers(tools, session.directory, emit),
                )
            ]
            try:
                outcome = await run_track(writer, steps, services)
                finished = outcome.status == "succeeded"
            finally:
                for task in around:
                    task.cancel()
    except BaseExceptionGroup as group_error:
        if len(group_error.exceptions) == 1:
            raise group_error.exceptions[0] from None
        raise
    finally:
        await lease.release(finished=finished)
    return outcome


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
