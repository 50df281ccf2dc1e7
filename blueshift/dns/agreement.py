"""Whether all authoritative servers serve the same: told only after several rounds in a row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from blueshift.clock import Clock
from blueshift.dns.authority import Directory, Server, View, ask_all, newer
from blueshift.dns.records import Question, RecordSet
from blueshift.together import together

ROUNDS = 3
EVERY = 5.0
"""Rounds in a row and seconds from one to the next (issue 4): an anycast server or one that reloads shows
itself."""


class Wanted(msgspec.Struct, frozen=True):
    """What each server shall serve for a name and type; None: no such record set."""

    name: str
    type: str
    records: RecordSet | None


class Agreement(msgspec.Struct, frozen=True):
    """What the servers said, and whether it is what was wanted."""

    agreed: bool
    sentence: str
    rounds: int = 0
    """Agreeing rounds seen."""
    differences: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Servers none of whose addresses answered: never an agreement."""
    notes: tuple[str, ...] = ()
    """Addresses that were skipped or silent while another one of the same server answered."""
    views: tuple[View, ...] = ()


def exactly(records: Sequence[RecordSet]) -> tuple[Wanted, ...]:
    """Want these record sets, values and TTL."""
    return tuple(Wanted(record.name, record.type, record) for record in records)


def judge(wanted: Sequence[Wanted], views: Sequence[View]) -> Agreement:
    """Compare one round's views with what is wanted in their zone.

    A server counts by its name: one answering address of each is needed, and all that answer must agree.
    """
    differences: list[str] = []
    unknown: list[str] = []
    notes: list[str] = []
    by_server: dict[tuple[str, str], list[View]] = {}
    for view in views:
        by_server.setdefault((view.server.zone, view.server.name), []).append(view)
    for answers in by_server.values():
        answered = [view for view in answers if not (view.unknown or view.skipped)]
        silent = [view.unknown or view.skipped for view in answers if view.unknown or view.skipped]
        (notes if answered else unknown).extend(silent)
        for view in answered:
            wrong, unclear = _compare(wanted, view)
            differences += wrong
            unknown += unclear
    if not by_server:
        unknown.append("no server was asked")
    agreed = not differences and not unknown
    return Agreement(
        agreed=agreed,
        sentence=_sentence(differences, unknown, views),
        rounds=int(agreed),
        differences=tuple(differences),
        unknown=tuple(unknown),
        notes=tuple(notes),
        views=tuple(views),
    )


def _compare(wanted: Sequence[Wanted], view: View) -> tuple[list[str], list[str]]:
    replies = {(reply.name, reply.type): reply for reply in view.replies}
    differences, unknown = [], []
    for want in wanted:
        reply = replies.get((want.name, want.type))
        if reply is None:
            continue  # a name of another zone
        if reply.status == "unknown":
            unknown.append(f"{view.server}: {want.name} {want.type}: {reply.reason}")
        elif reply.records != want.records or reply.chain:
            said = reply.status if reply.records is None else str(reply.records)
            differences.append(f"{view.server} answers {said} for {want.name} {want.type}")
    return differences, unknown


def _sentence(differences: Sequence[str], unknown: Sequence[str], views: Sequence[View]) -> str:
    if not differences and not unknown:
        answered = sum(1 for view in views if view.serial is not None)
        return f"all servers agree ({answered} of {len(views)} addresses asked)"
    first = (*differences, *unknown)[0]
    more = len(differences) + len(unknown) - 1
    return first + (f", and {more} more" if more else "") + _behind(views)


def _behind(views: Sequence[View]) -> str:
    """Name a server that has not yet fetched the zone's newest version."""
    serials = [view.serial for view in views if view.serial is not None]
    for view in views:
        if view.serial is not None and any(newer(serial, view.serial) for serial in serials):
            return f"; {view.server} is behind (serial {view.serial})"
    return ""


async def look(wanted: Sequence[Wanted], directory: Directory) -> tuple[View, ...]:
    """Ask every server of every zone for its part of what is wanted. Raises NoAnswer for an unknown zone."""
    by_zone: dict[str, list[Question]] = {}
    zones = await together(*(directory.zone_of(want.name) for want in wanted))
    for zone, want in zip(zones, wanted, strict=True):
        by_zone.setdefault(zone, []).append((want.name, want.type))
    views: list[View] = []
    for zone, questions in by_zone.items():
        servers: Sequence[Server] = await directory.servers(zone)
        views += await ask_all(questions, servers)
    return tuple(views)


async def agreement(
    wanted: Sequence[Wanted],
    directory: Directory,
    clock: Clock,
    *,
    rounds: int = ROUNDS,
    every: float = EVERY,
) -> Agreement:
    """Look `rounds` times, `every` seconds apart; the first round that disagrees ends it.

    So the caller decides how long to go on asking, and an agreement is always one of rounds in a row. A round
    begins `every` seconds after the one before began; after one that took long, half of that after its end.
    """
    verdict, began = judge(wanted, ()), clock.now()
    for done in range(rounds):
        if done:
            await clock.sleep(max(every / 2, every - (clock.now() - began)))
        began = clock.now()
        verdict = judge(wanted, await look(wanted, directory))
        if not verdict.agreed:
            return msgspec.structs.replace(verdict, rounds=done)
    return msgspec.structs.replace(verdict, rounds=rounds)
