"""Names and record sets in one form."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.dns.authority import newer
from blueshift.dns.records import Change, RecordSet, canonical, parents, within
from blueshift.dns.wire import endpoint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Shop.Example.ORG.", "shop.example.org"),
        ("*.example.org", "*.example.org"),
        ("bücher.example.", "xn--bcher-kva.example"),
        (".", "."),
        ("_dmarc.example.org", "_dmarc.example.org"),
    ],
)
def test_names_have_one_form(name: str, expected: str) -> None:
    assert canonical(name) == expected


def test_what_is_above_and_within() -> None:
    assert parents("a.b.c") == ("b.c", "c")
    assert within("a.example.org", "example.org")
    assert within("example.org", "example.org")
    assert not within("badexample.org", "example.org")
    assert within("example.org", ".")


def test_equal_records_are_equal_however_they_are_written() -> None:
    one = RecordSet("Shop.Example.org.", "aaaa", 60, ("2001:DB8:0::1", "2001:db8::2", "2001:db8:0:0::2"))
    assert one == RecordSet("shop.example.org", "AAAA", 60, ("2001:db8::2", "2001:db8::1"))
    assert RecordSet("a.b", "CNAME", 60, ("C.D.",)) == RecordSet("a.b", "CNAME", 60, ("c.d",))
    assert msgspec.json.decode(msgspec.json.encode(one), type=RecordSet) == one


@pytest.mark.parametrize(
    ("kind", "ttl", "values"),
    [("A", 60, ()), ("A", -1, ("192.0.2.1",)), ("A", 2**31, ("192.0.2.1",)), ("A", 60, ("2001:db8::1",)),
     ("AAAA", 60, ("192.0.2.1",)), ("A", 60, ("nowhere",))],
)  # fmt: skip
def test_what_is_no_record_set(kind: str, ttl: int, values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        RecordSet("a.b", kind, ttl, values)


def test_a_change_speaks_of_one_record_set() -> None:
    old, other = RecordSet("a.b", "A", 60, ("192.0.2.1",)), RecordSet("c.d", "A", 60, ("192.0.2.1",))
    assert Change("A.B.", "a", old, None).question == ("a.b", "A")
    with pytest.raises(ValueError, match=r"speaks of c\.d A"):
        Change("a.b", "A", old, other)
    with pytest.raises(ValueError, match="nothing to nothing"):
        Change("a.b", "A", None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("ns1.example.org:54", ("ns1.example.org", 54)),
    ],
)
def test_endpoints(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text) == expected


@pytest.mark.parametrize("text", ["", ":53", "a:b", "a:0", "a:65536", "[]:53", "[::1]:x"])
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address or a name"):
        endpoint(text)


def test_serials_go_round_the_end_of_32_bits() -> None:
    """RFC 1982 §5.2: and half way round, neither is newer than the other by its rules."""
    assert newer(8, 7)
    assert newer(0, 2**32 - 1)
    assert not newer(2**32 - 1, 0)
    assert newer(2026112201, 1)
    assert not newer(7, 7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_adding_to_a_serial_makes_it_newer(serial: int, more: int) -> None:
    then = (serial + more) % 2**32
    assert newer(then, serial)
    assert not newer(serial, then)
