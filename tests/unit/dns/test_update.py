"""What an answer to an update means, by bytes; the rest is proven against BIND in tests/contract/dns."""

from __future__ import annotations

import contextlib

import dns.message
import dns.opcode
import dns.rcode
import dns.tsig
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.dns.backend import BadKey, BadSig, BadTime, DnsError, NotAuth, Refused, TsigError
from blueshift.dns.key import parse_key
from blueshift.dns.records import Change, RecordSet
from blueshift.dns.registry import BACKENDS, SETTINGS, backend, settings_type
from blueshift.dns.update import ahead, read_answer, refusal, swap_message, try_message, tsig_key
from blueshift.errors import Ambiguous, BlueshiftError

KEY = parse_key("writer:c2VjcmV0c2VjcmV0", place="test")
OLD = RecordSet("a.shop.test", "A", 300, ("192.0.2.1", "192.0.2.2"))
NEW = RecordSet("a.shop.test", "A", 60, ("192.0.2.9",))


def signed_request() -> dns.update.UpdateMessage:
    request = swap_message("shop.test", [Change("a.shop.test", "A", OLD, NEW)])
    request.use_tsig(tsig_key(KEY))
    request.to_wire()
    return request


def answered(request: dns.message.Message, rcode: int, *, error: int = 0, other: bytes = b"") -> bytes:
    answer = dns.update.UpdateMessage("shop.test", id=request.id)
    answer.flags |= dns.flags.QR
    answer.set_rcode(dns.rcode.Rcode(rcode))
    answer.use_tsig(tsig_key(KEY), tsig_error=error, other_data=other)
    answer.request_mac = request.mac or b""
    return answer.to_wire()


def test_a_swap_holds_each_old_value_and_deletes_before_it_adds() -> None:
    alias = RecordSet("b.shop.test", "CNAME", 60, ("a.shop.test",))
    message = swap_message(
        "shop.test", [Change("a.shop.test", "A", OLD, NEW), Change("b.shop.test", "CNAME", None, alias)]
    )
    text = [
        line for line in message.to_text().splitlines() if not line.startswith((";", "id", "opcode", "rcode"))
    ]
    assert text == [
        "flags ",
        "shop.test. IN SOA",
        "a.shop.test. 0 IN A 192.0.2.1",
        "a.shop.test. 0 IN A 192.0.2.2",
        "b.shop.test. NONE CNAME",
        "a.shop.test. ANY A",
        "b.shop.test. ANY CNAME",
        "a.shop.test. 60 IN A 192.0.2.9",
        "b.shop.test. 60 IN CNAME a.shop.test.",
    ]


def test_trying_a_right_writes_what_stands() -> None:
    text = try_message("shop.test", [("a.shop.test", "A", NEW), ("c.shop.test", "A", None)]).to_text()
    assert "a.shop.test. 0 IN A 192.0.2.9" in text
    assert "a.shop.test. 60 IN A 192.0.2.9" in text
    assert "c.shop.test. NONE A" in text
    assert "c.shop.test. ANY A" in text


def test_a_signed_answer_gives_its_rcode() -> None:
    for rcode in (dns.rcode.NOERROR, dns.rcode.NXRRSET, dns.rcode.REFUSED):
        request = signed_request()
        assert read_answer(answered(request, rcode), request, KEY, "ns1") == rcode


@pytest.mark.parametrize(
    ("error", "kind"), [(16, BadSig), (17, BadKey), (18, BadTime), (22, TsigError)], ids=str
)
def test_the_errors_of_tsig_are_told_apart(error: int, kind: type[TsigError]) -> None:
    request = signed_request()
    with pytest.raises(TsigError) as caught:
        read_answer(answered(request, dns.rcode.NOTAUTH, error=error), request, KEY, "ns1")
    assert type(caught.value) is kind
    assert caught.value.hint


def test_a_clock_offset_is_ours_minus_the_servers() -> None:
    request = signed_request()
    rdata = request.tsig[0] if request.tsig else None
    assert rdata is not None
    server = rdata.time_signed + 3600
    wire = answered(request, dns.rcode.NOTAUTH, error=18, other=server.to_bytes(6, "big"))
    with pytest.raises(BadTime, match=r"by 3600 s \(behind\)") as caught:
        read_answer(wire, request, KEY, "ns1")
    assert caught.value.offset == pytest.approx(-3600, abs=2)


def test_a_signed_answer_tells_the_servers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.7
    monkeypatch.setattr("time.time", lambda: now)  # what dnspython signs by
    request = signed_request()
    request.to_wire()
    for late in (90, -100):
        now = 1_800_000_000.7 - late
        assert ahead(request, answered(request, dns.rcode.NOERROR)) == late
    assert ahead(request, request.id.to_bytes(2, "big") + b"\xa8\x05" + bytes(8)) is None


@pytest.mark.parametrize(
    "wire",
    [b"", b"\x00" * 5, b"\xff" * 40],
    ids=["empty", "short", "garbage"],
)
def test_an_answer_that_cannot_be_read_proves_nothing(wire: bytes) -> None:
    with pytest.raises(Ambiguous, match="proves nothing"):
        read_answer(wire, signed_request(), KEY, "ns1")


def test_a_forged_or_foreign_answer_proves_nothing() -> None:
    request = signed_request()
    forged = bytearray(answered(request, dns.rcode.NOERROR))
    forged[-10] ^= 1  # within the signature
    other = signed_request()
    for wire in (
        bytes(forged),
        answered(other, dns.rcode.NOERROR),
        request.id.to_bytes(2, "big") + b"\xa8" + bytes(9),
    ):
        with pytest.raises(Ambiguous, match="proves nothing"):
            read_answer(wire, request, KEY, "ns1")


def test_an_unsigned_refusal_is_believed() -> None:
    """It can only stop us, and servers do not sign what they refuse for its missing signature."""
    request = signed_request()
    wire = request.id.to_bytes(2, "big") + b"\xa8\x05" + bytes(8)
    assert read_answer(wire, request, KEY, "ns1") == dns.rcode.REFUSED


@given(st.binary(max_size=200))
def test_any_bytes_are_an_rcode_or_an_error(wire: bytes) -> None:
    request = signed_request()
    with contextlib.suppress(BlueshiftError):
        assert read_answer(wire, request, KEY, "ns1") != dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("rcode", "kind"),
    [
        (dns.rcode.REFUSED, Refused),
        (dns.rcode.NOTAUTH, NotAuth),
        (dns.rcode.NOTZONE, NotAuth),
        (dns.rcode.NOTIMP, NotAuth),
        (dns.rcode.SERVFAIL, Ambiguous),
        (dns.rcode.FORMERR, DnsError),
    ],
    ids=str,
)
def test_every_refusal_says_what_to_do(rcode: dns.rcode.Rcode, kind: type[BlueshiftError]) -> None:
    for key in (KEY, None):
        error = refusal(rcode, "shop.test", "192.0.2.53 port 53", key)
        assert type(error) is kind
        assert error.hint


def test_backends_are_found_by_name() -> None:
    for name in BACKENDS:
        assert backend(name).Settings is settings_type(name)
    assert set(SETTINGS) == set(BACKENDS)
    with pytest.raises(BlueshiftError, match=r"no DNS backend 'rfc2163' \(did you mean 'rfc2136'\?\)"):
        backend("rfc2163")
