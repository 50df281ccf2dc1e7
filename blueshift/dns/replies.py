"""What a server's answer says of a name, its aliases followed as far as that server knows them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import msgspec

from blueshift.dns.line import Line, parsed, rcode_of
from blueshift.dns.records import RecordSet, canonical, within
from blueshift.dns.update import to_records
from blueshift.dns.wire import NoAnswer

LONGEST_CHAIN = 16

Status = Literal["records", "nodata", "nxdomain", "outside", "loop", "unknown"]


class Reply(msgspec.Struct, frozen=True):
    """What one server answers for one name and type; its aliases followed as far as it knows them."""

    name: str
    type: str
    status: Status
    """`outside`: the chain of aliases leaves what this server holds. `unknown`: see `reason`."""
    records: RecordSet | None = None
    """Under the last name of the chain."""
    chain: tuple[str, ...] = ()
    """The targets of aliases, in order."""
    reason: str = ""

    @property
    def last(self) -> str:
        """The name at which the chain ends: the one whose record would have to change."""
        return self.chain[-1] if self.chain else self.name


def told_by(asked: Line, answer: bytes, name: str, rdtype: str) -> Reply:
    """Return what an answer of this server says. Raises NoAnswer for one that cannot be read."""
    try:
        return _reply_in(answer[2:], name, rdtype)
    except NoAnswer as error:
        raise asked.failed(error.message) from error


@lru_cache(maxsize=12_000)
def _reply_in(answer: bytes, name: str, rdtype: str) -> Reply:
    """Return what an answer, given without its id, says. Raises NoAnswer for one that cannot be read."""
    wire = bytes(2) + answer
    if rcode_of(wire) == dns.rcode.NOERROR:
        found = read_reply(parsed(wire, records_only=True), name, rdtype)
        if found.status == "records":
            return found
    return read_reply(parsed(wire, records_only=False), name, rdtype)


def read_reply(answer: dns.message.Message, name: str, rdtype: str) -> Reply:
    """Return what an answer says, following its aliases (an answer may hold a whole chain)."""
    owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    chain: list[str] = []
    while True:
        rrset = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, kind)
        if rrset is not None:
            found = to_records(canonical(owner.to_text()), rrset)
            return Reply(name, rdtype, "records", found, tuple(chain))
        alias = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            break
        target = canonical(alias[0].to_text())
        if target in {name, *chain} or len(chain) >= LONGEST_CHAIN:
            return Reply(name, rdtype, "loop", None, (*chain, target))
        chain.append(target)
        owner = dns.name.from_text(target)
    return Reply(name, rdtype, _ends(answer, chain), None, tuple(chain))


def _ends(answer: dns.message.Message, chain: Sequence[str]) -> Status:
    """Say how an answer without records ends. With a chain, only an SOA above its end speaks for it."""
    if answer.rcode() == dns.rcode.NXDOMAIN:
        return "nxdomain"
    if answer.rcode() != dns.rcode.NOERROR:
        return "unknown"
    soas = [canonical(r.name.to_text()) for r in answer.authority if r.rdtype == dns.rdatatype.SOA]
    if chain and not any(within(chain[-1], soa) for soa in soas):
        return "outside"
    return "nodata"
