"""One RFC 2136 message: how it is built and signed, and what its answer means."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.tsig
import dns.update

from blueshift.dns.backend import BadKey, BadSig, BadTime, DnsError, NotAuth, Refused, TsigError
from blueshift.dns.key import Key
from blueshift.dns.records import Change, RecordSet
from blueshift.errors import Ambiguous, BlueshiftError

# RFC 2136 §2.2: a prerequisite did not hold
PREREQUISITE_FAILED = frozenset(
    {dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET}
)


def tsig_key(key: Key) -> dns.tsig.Key:
    """Return the key as dnspython wants it."""
    algorithm = dns.tsig.HMAC_MD5 if key.algorithm == "hmac-md5" else dns.name.from_text(key.algorithm)
    return dns.tsig.Key(dns.name.from_text(key.name), key.reveal(), algorithm)


def from_records(records: RecordSet) -> dns.rdataset.Rdataset:
    """Return a record set as dnspython's."""
    rdtype = dns.rdatatype.from_text(records.type)
    rdatas = [
        dns.rdata.from_text(dns.rdataclass.IN, rdtype, value, dns.name.root, relativize=False)
        for value in records.values
    ]
    return dns.rdataset.from_rdata_list(records.ttl, rdatas)


def to_records(name: str, rdataset: dns.rdataset.Rdataset) -> RecordSet:
    """Return dnspython's record set as ours."""
    return RecordSet(
        name=name,
        type=dns.rdatatype.to_text(rdataset.rdtype),
        ttl=int(rdataset.ttl),
        values=tuple(rdata.to_text() for rdata in rdataset),
    )


def swap_message(zone: str, changes: Sequence[Change]) -> dns.update.UpdateMessage:
    """Return the update that makes all changes if every expected record set stands exactly.

    All deletions come before all additions: a CNAME beside other records is ignored (RFC 2136 §3.4.2.2).
    """
    message = dns.update.UpdateMessage(dns.name.from_text(zone))
    for change in changes:
        name = dns.name.from_text(change.name)
        if change.expected is None:
            message.absent(name, change.type)
        else:
            message.present(name, *from_records(change.expected))  # rdatas: their TTL must be 0 here
    for change in changes:
        message.delete(dns.name.from_text(change.name), change.type)
    for change in changes:
        if change.desired is not None:
            message.add(dns.name.from_text(change.name), from_records(change.desired))
    return message


def try_message(zone: str, standing: Sequence[tuple[str, str, RecordSet | None]]) -> dns.update.UpdateMessage:
    """Return an update that writes what stands already: it changes nothing and needs the right to write.

    Where nothing stands, it deletes that nothing.
    """
    message = dns.update.UpdateMessage(dns.name.from_text(zone))
    for name, rdtype, records in standing:
        owner = dns.name.from_text(name)
        if records is None:
            message.absent(owner, rdtype)
            message.delete(owner, rdtype)
        else:
            message.present(owner, *from_records(records))
            message.add(owner, from_records(records))
    return message


def read_answer(wire: bytes, request: dns.message.Message, key: Key | None, where: str) -> dns.rcode.Rcode:
    """Return the rcode of the answer to an update, if its signature holds.

    Raises BadKey, BadSig, BadTime, Ambiguous (an answer that proves nothing).
    """
    try:
        answer = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
        if key is not None and answer.had_tsig:
            dns.message.from_wire(wire, tsig_key(key), request_mac=request.mac, ignore_trailing=True)
    except dns.tsig.PeerError as error:
        assert key is not None
        raise _peer_error(error, wire, key, where) from None
    except (dns.exception.DNSException, ValueError) as error:
        raise _proves_nothing(where, f"it cannot be verified ({type(error).__name__})") from error
    if not request.is_response(answer):
        raise _proves_nothing(where, "it answers another message")
    rcode = answer.rcode()
    if key is not None and not answer.had_tsig and rcode in {dns.rcode.NOERROR, *PREREQUISITE_FAILED}:
        raise _proves_nothing(where, "it is not signed, though the update was")
    return rcode


def _proves_nothing(where: str, why: str) -> Ambiguous:
    return Ambiguous(
        f"the answer of {where} to the update proves nothing: {why}",
        hint="read the records before anything is repeated",
    )


def _peer_error(error: dns.tsig.PeerError, wire: bytes, key: Key, where: str) -> BlueshiftError:
    named = f"key {key.name} ({key.algorithm})"
    if isinstance(error, dns.tsig.PeerBadKey):
        return BadKey(
            f"{where} does not know {named}: BADKEY",
            hint="compare name and algorithm with the `key` clause of the server's configuration",
        )
    if isinstance(error, dns.tsig.PeerBadSignature):
        return BadSig(
            f"{where} has another secret for {named}: BADSIG",
            hint="copy the secret of this key from the server's configuration again",
        )
    if isinstance(error, dns.tsig.PeerBadTime):
        offset = _clock_offset(wire)
        amount = "" if offset is None else f" by {abs(offset):.0f} s ({'ahead' if offset > 0 else 'behind'})"
        return BadTime(
            f"this machine's clock differs from that of {where}{amount}: BADTIME",
            offset=offset,
            hint="set the clock that is wrong; on this machine: `timedatectl set-ntp true`",
        )
    return TsigError(f"{where} did not accept the signature: {error}", hint="see the log of the name server")


def _clock_offset(wire: bytes) -> float | None:
    """Return ours minus the server's; a BADTIME answer holds both (RFC 8945 §5.2.3)."""
    tsig = _signature(_message(wire))
    if tsig is None or len(tsig.other) != 6:
        return None
    return float(tsig.time_signed - int.from_bytes(tsig.other, "big"))


def ahead(request: dns.message.Message, answer: bytes) -> float | None:
    """Return the time at which the request was signed minus that of its answer (RFC 8945 §5.3), in seconds.

    `request` is a message that was made a wire of. What the answer took makes it less. None if either is not
    signed.
    """
    ours, theirs = _signature(request), _signature(_message(answer))
    return None if ours is None or theirs is None else float(ours.time_signed - theirs.time_signed)


def _message(wire: bytes) -> dns.message.Message:
    return dns.message.from_wire(wire, keyring=False, ignore_trailing=True)


def _signature(message: dns.message.Message) -> dns.rdtypes.ANY.TSIG.TSIG | None:
    tsig = None if message.tsig is None else message.tsig[0]
    return tsig if isinstance(tsig, dns.rdtypes.ANY.TSIG.TSIG) else None


def refusal(rcode: dns.rcode.Rcode, zone: str, where: str, key: Key | None) -> BlueshiftError:
    """Return the error for an rcode that is neither success nor a failed prerequisite."""
    who = "an unsigned update" if key is None else f"key {key.name}"
    if rcode == dns.rcode.REFUSED:
        return Refused(
            f"{where} does not let {who} write these records of {zone}: REFUSED",
            hint="allow the key in the zone's `update-policy` (BIND) or `acl` (Knot)",
        )
    if rcode in {dns.rcode.NOTAUTH, dns.rcode.NOTZONE}:
        return NotAuth(
            f"{where} takes no update of {zone} from {who}: {dns.rcode.to_text(rcode)}",
            hint="`server` must be the zone's primary and `zone` where the zone begins: "
            f"see `dig @{where.split()[0]} {zone} SOA`",
        )
    if rcode == dns.rcode.NOTIMP:
        return NotAuth(f"{where} takes no dynamic updates: NOTIMP", hint="allow dynamic updates for the zone")
    if rcode == dns.rcode.SERVFAIL:
        return Ambiguous(
            f"{where} failed at the update: SERVFAIL", hint="read the records; see the log of the name server"
        )
    return DnsError(
        f"{where} answered {dns.rcode.to_text(rcode)} to the update", hint="see the log of the name server"
    )
