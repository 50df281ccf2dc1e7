"""What counts as agreement; the rules are pure."""

from __future__ import annotations

import pytest

from blueshift.dns import agreement as module
from blueshift.dns.agreement import Wanted, agreement, exactly, judge
from blueshift.dns.authority import Directory, Server, View
from blueshift.dns.records import RecordSet
from blueshift.dns.replies import Reply
from tests.fakes import ManualClock

NEW = RecordSet("a.zone", "A", 60, ("192.0.2.9",))
OLD = RecordSet("a.zone", "A", 60, ("192.0.2.1",))
WANT = exactly([NEW])


def view(ns: str, records: RecordSet | None, *, serial: int = 7, address: str = "192.0.2.53") -> View:
    status = "nxdomain" if records is None else "records"
    return View(Server("zone", ns, address), serial, (Reply("a.zone", "A", status, records),))  # type: ignore[arg-type]


def silent(ns: str, address: str = "192.0.2.54") -> View:
    return View(Server("zone", ns, address), unknown=f"{ns} ({address}): no answer")


def skipped(ns: str) -> View:
    return View(Server("zone", ns, "2001:db8::53"), skipped=f"{ns}: no route")


def test_all_that_answer_agree() -> None:
    verdict = judge(WANT, [view("ns1", NEW), view("ns2", NEW)])
    assert verdict.agreed
    assert verdict.sentence == "all servers agree (2 of 2 addresses asked)"


@pytest.mark.parametrize(
    "records",
    [
        OLD,
        None,
        RecordSet("a.zone", "A", 300, ("192.0.2.9",)),
        RecordSet("a.zone", "A", 60, ("192.0.2.9", "192.0.2.1")),
    ],
    ids=["old", "nothing", "another TTL", "one more"],
)
def test_one_server_with_anything_else_is_no_agreement(records: RecordSet | None) -> None:
    verdict = judge(WANT, [view("ns1", NEW), view("ns2", records)])
    assert not verdict.agreed
    assert verdict.differences[0].startswith("ns2 (192.0.2.53) answers ")


def test_a_server_behind_is_named_with_its_serial() -> None:
    verdict = judge(WANT, [view("ns1", NEW, serial=3), view("ns2", OLD, serial=2**32 - 1)])
    assert verdict.sentence.endswith("; ns2 (192.0.2.53) is behind (serial 4294967295)")


def test_an_unreachable_server_is_never_agreement() -> None:
    assert judge(WANT, [view("ns1", NEW), silent("ns2")]).unknown == ("ns2 (192.0.2.54): no answer",)
    assert not judge(WANT, [view("ns1", NEW), silent("ns2")]).agreed
    assert not judge(WANT, [view("ns1", NEW), skipped("ns2")]).agreed
    assert not judge(WANT, []).agreed


def test_one_answering_address_of_each_server_is_enough() -> None:
    verdict = judge(WANT, [view("ns1", NEW), silent("ns1"), skipped("ns1")])
    assert verdict.agreed
    assert verdict.notes == ("ns1 (192.0.2.54): no answer", "ns1: no route")
    assert not judge(WANT, [view("ns1", NEW), view("ns1", OLD, address="192.0.2.54")]).agreed


def test_a_name_that_a_server_did_not_answer_is_unknown() -> None:
    lost = View(Server("zone", "ns1", "192.0.2.53"), 7, (Reply("a.zone", "A", "unknown", reason="lost"),))
    assert judge(WANT, [lost]).unknown == ("ns1 (192.0.2.53): a.zone A: lost",)


def test_what_must_be_gone_and_what_became_an_alias() -> None:
    gone = [Wanted("a.zone", "A", None)]
    assert judge(gone, [view("ns1", None)]).agreed
    assert not judge(gone, [view("ns1", OLD)]).agreed
    alias = View(
        Server("zone", "ns1", "192.0.2.53"), 7, (Reply("a.zone", "A", "outside", None, ("b.other",)),)
    )
    assert not judge(gone, [alias]).agreed


@pytest.mark.parametrize(
    ("looks", "rounds", "sleeps"),
    [
        ([NEW, NEW, NEW], (True, 3), [5.0, 5.0]),
        ([OLD], (False, 0), []),
        ([NEW, OLD], (False, 1), [5.0]),
        ([NEW, NEW, OLD], (False, 2), [5.0, 5.0]),
    ],
)
async def test_rounds_are_in_a_row(
    monkeypatch: pytest.MonkeyPatch, looks: list[RecordSet], rounds: tuple[bool, int], sleeps: list[float]
) -> None:
    left = list(looks)

    async def look(_wanted: object, _directory: object) -> tuple[View, ...]:
        return (view("ns1", left.pop(0)),)

    monkeypatch.setattr(module, "look", look)
    clock = ManualClock()
    verdict = await agreement(WANT, Directory(), clock)
    assert (verdict.agreed, verdict.rounds) == rounds
    assert clock.sleeps == sleeps
    assert left == []


@pytest.mark.parametrize(("took", "sleeps"), [(1.0, [4.0, 4.0]), (4.0, [2.5, 2.5]), (60.0, [2.5, 2.5])])
async def test_a_round_begins_so_long_after_the_one_before_began(
    monkeypatch: pytest.MonkeyPatch, took: float, sleeps: list[float]
) -> None:
    clock = ManualClock()

    async def look(_wanted: object, _directory: object) -> tuple[View, ...]:
        clock.advance(took)
        return (view("ns1", NEW),)

    monkeypatch.setattr(module, "look", look)
    assert (await agreement(WANT, Directory(), clock)).agreed
    assert clock.sleeps == sleeps
