"""Reading answers and following names from zone to zone, with answers written as zone files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.clock import SystemClock
from blueshift.dns import authority, resolver, wildcard
from blueshift.dns.authority import Directory, Server, ask_all, follow
from blueshift.dns.records import RecordSet
from blueshift.dns.replies import Reply, read_reply
from blueshift.dns.wildcard import Origin, origin
from blueshift.dns.wire import NoAnswer, question


def answer(
    name: str, rdtype: str, *records: str, soa: str = "", rcode: dns.rcode.Rcode = dns.rcode.NOERROR
) -> dns.message.Message:
    """An authoritative answer holding `records`, each "owner ttl type value"."""
    message = dns.message.make_response(question(name, rdtype, recursive=False))
    message.flags |= dns.flags.AA
    message.set_rcode(rcode)
    for text in records:
        owner, ttl, kind, value = text.split(" ", 3)
        message.answer.append(dns.rrset.from_text(owner + ".", int(ttl), "IN", kind, value))
    if soa:
        serial = f"ns.{soa}. admin.{soa}. 7 3600 600 86400 60"
        message.authority.append(dns.rrset.from_text(soa + ".", 60, "IN", "SOA", serial))
    return dns.message.from_wire(message.to_wire())


LONG = tuple(f"{'x' * n or 'a'}.t 60 CNAME {'x' * (n + 1)}.t." for n in range(20))


@pytest.mark.parametrize(
    ("message", "status", "last"),
    [
        (answer("a.t", "A", "a.t 60 A 192.0.2.1"), "records", "a.t"),
        (answer("a.t", "A", "a.t 60 CNAME b.t.", "b.t 60 A 192.0.2.1"), "records", "b.t"),
        (answer("a.t", "A", soa="t"), "nodata", "a.t"),
        (answer("a.t", "A", soa="t", rcode=dns.rcode.NXDOMAIN), "nxdomain", "a.t"),
        (answer("a.t", "A", "a.t 60 CNAME b.t.", soa="t"), "nodata", "b.t"),
        (answer("a.t", "A", "a.t 60 CNAME b.other."), "outside", "b.other"),
        (answer("a.t", "A", "a.t 60 CNAME a.t."), "loop", "a.t"),
        (answer("a.t", "A", rcode=dns.rcode.SERVFAIL), "unknown", "a.t"),
        (
            answer("a.t", "A", *(f"{'x' * n or 'a'}.t 60 CNAME {'x' * (n + 1)}.t." for n in range(20))),
            "loop",
            "",
        ),
    ],
    ids=range(9),
)
def test_how_an_answer_ends(message: dns.message.Message, status: str, last: str) -> None:
    reply = read_reply(message, "a.t", "A")
    assert reply.status == status
    assert not last or reply.last == last
    assert (reply.records is not None) == (status == "records")


class Net:
    """Servers by zone; what they answer is a table."""

    def __init__(self, table: dict[str, dns.message.Message]) -> None:
        self.table = table
        self.asked: list[tuple[str, str]] = []

    async def ask(
        self, query: dns.message.Message, address: str, _port: int, **_: object
    ) -> dns.message.Message:
        name = query.question[0].name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((address, f"{name} {kind}"))
        found = self.table.get(f"{address} {name} {kind}", self.table.get(f"{name} {kind}"))
        if found is None:
            raise NoAnswer(f"{address}: silence")
        return found

    @asynccontextmanager
    async def line(self, address: str, port: int) -> AsyncIterator[AskedByName]:
        yield AskedByName(self, address, port)


class AskedByName:
    """A line to one of those servers."""

    def __init__(self, net: Net, address: str, port: int) -> None:
        self.net = net
        self.where = (address, port)

    async def ask(self, name: str, rdtype: str) -> bytes:
        return (await self.net.ask(question(name, rdtype, recursive=False), *self.where)).to_wire()


def net(monkeypatch: pytest.MonkeyPatch, table: dict[str, dns.message.Message]) -> Net:
    made = Net(table)
    monkeypatch.setattr(authority, "ask", made.ask)
    monkeypatch.setattr(authority, "line", made.line)
    monkeypatch.setattr(resolver, "ask", made.ask)
    monkeypatch.setattr(authority, "has_route", lambda address: ":" not in address)
    return made


ONE = Server("one", "ns.one", "192.0.2.1")


async def test_a_name_is_followed_into_another_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = net(
        monkeypatch,
        {
            "www.one SOA": answer("www.one", "SOA", soa="one"),
            "lb.two SOA": answer("lb.two", "SOA", soa="two"),
            "one NS": answer("one", "NS", "one 60 NS ns.one."),
            "two NS": answer("two", "NS", "two 60 NS ns.two."),
            "ns.one A": answer("ns.one", "A", "ns.one 60 A 192.0.2.1"),
            "ns.one AAAA": answer("ns.one", "AAAA", "ns.one 60 AAAA 2001:db8::1"),
            "ns.two A": answer("ns.two", "A", "ns.two 60 A 192.0.2.2"),
            "ns.two AAAA": answer("ns.two", "AAAA", soa="two"),
            "192.0.2.1 www.one A": answer("www.one", "A", "www.one 60 CNAME lb.two."),
            "192.0.2.2 lb.two A": answer("lb.two", "A", "lb.two 60 A 192.0.2.9"),
        },
    )
    reply = await follow(Directory("192.0.2.53"), "WWW.one.", "A")
    assert reply == Reply(
        "www.one", "A", "records", RecordSet("lb.two", "A", 60, ("192.0.2.9",)), ("lb.two",)
    )
    assert ("2001:db8::1", "www.one A") not in made.asked


async def test_two_zones_that_point_at_each_other_are_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    net(
        monkeypatch,
        {
            "a.one A": answer("a.one", "A", "a.one 60 CNAME b.two."),
            "b.two A": answer("b.two", "A", "b.two 60 CNAME a.one."),
        },
    )
    directory = Directory("192.0.2.53", authorities=("192.0.2.1",), zones=("one", "two"))
    assert (await follow(directory, "a.one", "A")).status == "loop"


async def test_no_server_and_no_zone_are_said_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    net(
        monkeypatch,
        {"one NS": answer("one", "NS", soa="one"), "x.t SOA": answer("x.t", "SOA", rcode=dns.rcode.SERVFAIL)},
    )
    directory = Directory("192.0.2.53", zones=("one",))
    with pytest.raises(NoAnswer, match="no name server of one could be found") as caught:
        await directory.servers("one")
    assert "dns.authorities" in (caught.value.hint or "")
    with pytest.raises(NoAnswer, match=r"which zone holds x\.t \(SERVFAIL\)"):
        await directory.zone_of("x.t")
    unreachable = await follow(
        Directory("192.0.2.53", authorities=("2001:db8::1",), zones=("one",)), "a.one", "A"
    )
    assert unreachable.status == "unknown"


async def test_a_silent_answer_for_one_name_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    soa = answer("one", "SOA", "one 60 SOA ns.one. admin.one. 7 3600 600 86400 60")
    lame = answer("lame.one", "A")
    lame.flags &= ~dns.flags.AA
    net(
        monkeypatch,
        {"one SOA": soa, "a.one A": answer("a.one", "A", "a.one 60 A 192.0.2.9"), "lame.one A": lame},
    )
    (view,) = await ask_all([("a.one", "A"), ("b.one", "A"), ("lame.one", "A")], [ONE])
    assert view.serial == 7
    assert [reply.status for reply in view.replies] == ["records", "unknown", "unknown"]
    assert "silence" in view.replies[1].reason
    assert "does not hold lame.one" in view.replies[2].reason


async def test_a_server_that_is_silent_for_the_serial_is_asked_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = net(monkeypatch, {})
    (view,) = await ask_all([(f"h{n}.one", "A") for n in range(100)], [ONE])
    assert view.unknown == "ns.one (192.0.2.1): 192.0.2.1: silence"
    assert len(made.asked) == 1


async def test_a_client_meets_a_loop_of_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    net(monkeypatch, {"a.t A": answer("a.t", "A", "a.t 60 CNAME b.t.", "b.t 30 CNAME a.t.")})
    got = await resolver.query("192.0.2.53", 53, "a.t", "A", SystemClock())
    assert (got.values, got.rcode) == ((), "SERVFAIL")


async def test_the_ttl_of_an_alias_is_the_least_of_its_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    net(
        monkeypatch,
        {"a.t A": answer("a.t", "A", "a.t 30 CNAME b.t.", "b.t 300 A 192.0.2.2", "b.t 300 A 192.0.2.1")},
    )
    got = await resolver.query("192.0.2.53", 53, "a.t", "A", SystemClock())
    assert got == resolver.Answer(("192.0.2.1", "192.0.2.2"), 30, "NOERROR")


LABELS = st.sampled_from(["a", "b", "*"])
NAMES = (
    st.lists(LABELS, min_size=1, max_size=4)
    .filter(lambda labels: labels.count("*") <= 2)  # nobody nests three wildcards, and we look no deeper
    .map(lambda labels: ".".join([*labels, "zone"]))
)


def lookup(zone: set[str], name: str) -> str | None:
    """RFC 4592 §2 and §4.3.2 of RFC 1034: the record that answers for a name, or None for NXDOMAIN."""

    def exists(node: str) -> bool:
        return any(known == node or known.endswith("." + node) for known in zone)

    if exists(name):
        return name
    encloser = name
    while not exists(encloser):
        encloser = encloser.partition(".")[2]
    return f"*.{encloser}" if exists(f"*.{encloser}") else None


@given(st.sets(NAMES, max_size=6), NAMES)
async def test_the_origin_of_any_answer_in_any_zone(zone: set[str], name: str) -> None:
    """Against a model of the algorithm of RFC 1034 with wildcards as RFC 4592 has them."""
    records = zone | {"zone"}

    async def reply_of(_server: Server, asked: str, rdtype: str) -> Reply:
        return Reply(asked, rdtype, "nxdomain" if lookup(records, asked) is None else "nodata")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wildcard, "reply_of", reply_of)
        found = await origin(Server("zone", "ns", "192.0.2.1"), name)
    source = lookup(records, name)
    if source is None:
        assert found == Origin("none")
    elif source == name:
        assert found == Origin("own")
    else:
        assert found == Origin("wildcard", source)
