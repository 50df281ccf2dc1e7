"""What a run of one traffic group leaves alone: the others, by a fingerprint from when it was opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from blueshift.app.session import Session
from blueshift.discovery.controllers import controllers
from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.groups import groups
from blueshift.discovery.seen_groups import Group, Groups, changes
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.preflight.protocol import brief

_MOST = 5
"""Changes that one sentence names."""
_PATIENCE = 30.0
"""Seconds for the look: the run is over, and until it has been taken its end is not journalled."""


async def as_they_were(session: Session, world: World, stopping: asyncio.Event) -> str:
    """One sentence at the end of a run; empty where there are no other groups. Changes nothing.

    What cannot be looked at, within 30 s and before a signal sets `stopping`, is said to be so, and is never
    "as before". A change says nothing of the run, which is over, so it is told and fails nothing: whoever
    works at another group may do so meanwhile.
    """
    try:
        before = found(world, "class-groups", Groups).others(_name(world))
    except NotLooked as unseen:
        return f"whether other groups are as they were is not known: {unseen}"
    if not before:
        return ""
    try:
        now = await _look(session, stopping)
    except Exception as error:  # whatever it is, the run is over, and its last word must be journalled
        why = error.message if isinstance(error, BlueshiftError) else f"{type(error).__name__}: {error}"
        return f"whether the other groups are as they were ({len(before)}) could not be looked at: {why}"
    told = list(_changes(before, now.others(_name(world))))
    names = brief([one.who for one in before], _MOST)
    if told:
        return f"ATTENTION: of the other groups ({names}) not all is as it was: {brief(told, _MOST)}"
    return f"the other groups are as they were ({_looked(before)}): {names}"


async def _look(session: Session, stopping: asyncio.Event) -> Groups:
    try:
        async with session.clock.timeout(_PATIENCE) as bound:
            signal = asyncio.create_task(_cut_off(bound, stopping))
            try:
                return await groups(session.kube, await controllers(session.kube, session.knows), {})
            finally:
                signal.cancel()
    except TimeoutError:
        why = "a signal came" if stopping.is_set() else f"it took longer than {_PATIENCE:.0f} s"
        raise BlueshiftError(why) from None


async def _cut_off(bound: asyncio.Timeout, stopping: asyncio.Event) -> None:
    """End the look when a signal comes."""
    await stopping.wait()
    if not bound.expired():
        bound.reschedule(0.0)  # long ago


def _changes(before: tuple[Group, ...], now: tuple[Group, ...]) -> Iterator[str]:
    live = {_key(one): one for one in now}
    for one in before:
        for change in changes(one, live.get(_key(one))):
            yield f"{one.who}: {change}"


def _key(one: Group) -> str:
    return one.release or one.workloads[0]


def _name(world: World) -> str:
    return f"{world.release.namespace}/{world.release.name}"


def _looked(before: tuple[Group, ...]) -> str:
    what = "workloads, Services, IngressClasses"
    read = sum(one.revision is not None for one in before)
    if read == len(before):
        return f"revisions, {what}"
    return what if not read else f"{what}, and the revisions of {read} of {len(before)}"
