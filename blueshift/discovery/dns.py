"""The zones at stake: their servers, whether these agree, and whether our key may write."""

from __future__ import annotations

from collections.abc import Sequence

from blueshift.discovery.seen import GRANTED, Rights, Servers
from blueshift.discovery.world import DnsFact, NameFact, ServerFact
from blueshift.dns.agreement import exactly, judge, look
from blueshift.dns.authority import Directory, View
from blueshift.dns.backend import BadKey, BadSig, BadTime, DnsBackend, NotAuth, Refused, Right
from blueshift.dns.records import RecordSet

_KINDS = {BadKey: "BADKEY", BadSig: "BADSIG", BadTime: "BADTIME", Refused: "REFUSED", NotAuth: "NOTAUTH"}


def moving(names: Sequence[NameFact]) -> tuple[RecordSet, ...]:
    """The record sets that a shift would change."""
    return tuple(record for name in names if name.state == "move" for record in name.records)


async def servers(names: Sequence[NameFact], directory: Directory) -> Servers:
    """Ask every server of the moving names' zones once. Raises NoAnswer for a zone without servers."""
    wanted = exactly(moving(names))
    verdict = judge(wanted, await look(wanted, directory))
    if not wanted:
        return Servers()
    return Servers(tuple(map(_server, verdict.views)), verdict.differences, verdict.unknown, verdict.notes)


def _server(view: View) -> ServerFact:
    server = view.server
    unknown = view.unknown or view.skipped
    return ServerFact(server.zone, server.name, server.address, view.serial, unknown)


async def rights(names: Sequence[NameFact], backend: DnsBackend) -> Rights:
    """Try the key on every name and type that would move; nothing is changed by it.

    What turns down all of them is the result too. Raises Retryable or Ambiguous where no answer came.
    """
    asked = [(record.name, record.type) for record in moving(names)]
    if not asked:
        return Rights()
    try:
        tried = await backend.try_rights(asked)
    except (BadKey, BadSig, BadTime, Refused, NotAuth) as refusal:
        kind = next(text for error, text in _KINDS.items() if isinstance(refusal, error))
        late = refusal.offset if isinstance(refusal, BadTime) else None
        return Rights(kind=kind, reason=refusal.message, hint=refusal.hint or "", ahead=late)
    return Rights(
        by_name=_by_name(tried),
        made_up=tuple(dict.fromkeys(right.name for right in tried if not right.held)),
        ahead=max((right.ahead for right in tried if right.ahead is not None), key=abs, default=None),
    )


def _by_name(tried: Sequence[Right]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for right in tried:
        if not right.allowed:
            answers[right.name] = f"{right.type}: {right.reason}"
        answers.setdefault(right.name, GRANTED)
    return answers


def dns_fact(backend: DnsBackend, seen: Servers, tried: Rights) -> DnsFact:
    """Put together what a World keeps of DNS."""
    return DnsFact(
        backend=backend.name,
        min_ttl=backend.capabilities.min_ttl,
        servers=seen.servers,
        rights=tried.by_name,
        disagreements=seen.differences,
    )
