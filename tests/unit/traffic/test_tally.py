import pytest

from blueshift.traffic import tally as tallies
from blueshift.traffic.logs import compile_format
from blueshift.traffic.tally import Tally


def line(
    second: int, client: str = "c1", agent: str = "x", name: str = "shop-web-80", status: int = 200
) -> bytes:
    return (
        f'{client} - - [23/Nov/2026:00:00:{second:02} +0000] "GET / HTTP/1.1" {status} 1 "-" "{agent}" 9 0.0 '
        f"[{name}] [] - - - - id"
    ).encode()


BASE = 1795392000.0


@pytest.fixture
def tally() -> Tally:
    found = Tally(compile_format())
    found.follow("p", 100.0)
    return found


def test_clients_are_counted_by_target(tally: Tally) -> None:
    for second, client in ((1, "c1"), (3, "c2"), (9, "c1")):
        tally.add("p", line(second, client))
    tally.add("p", line(9, "c1", status=502))
    first, second_row = tally.rows()
    assert (first.client, first.target, first.requests, first.errors) == ("c1", "shop-web-80", 3, 1)
    assert (first.first, first.last) == (BASE + 1, BASE + 9)
    assert second_row.client == "c2"
    assert (tally.longest_gap(), tally.longest_gap(BASE + 10)) == (8.0, 0.0)
    assert [row.client for row in tally.rows(BASE + 5)] == ["c1"]


def test_requests_are_counted_by_the_second(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_SECONDS", 2)
    for second, agent in ((1, "x"), (3, "x"), (3, "blueshift-probe/1"), (3, "x"), (9, "x")):
        tally.add("p", line(second, agent=agent))
    tally.add("p", line(9, name=""))
    assert tally.within(BASE + 3.9) == (3, 1), "scanners are nowhere, and a second counts in whole"
    assert tally.within(BASE + 4) == (1, 0)
    assert tally.within(0.0) == (3, 1), "the oldest are forgotten"


def test_a_line_without_a_time_has_the_one_at_which_it_was_written(tally: Tally) -> None:
    tally.add("p", line(7), at=BASE + 1)
    tally.form = compile_format('{"c": "$remote_addr", "for": "$proxy_upstream_name"}', escape="json")
    for second in (2, 9):
        tally.add("p", b'{"c": "c2", "for": "shop-web-80"}', at=BASE + second)
    assert [(row.client, row.first, row.last) for row in tally.rows(BASE)] == [
        ("c2", BASE + 2, BASE + 9),
        ("c1", BASE + 7, BASE + 7),
    ]
    assert tally.longest_gap(BASE) == 7.0


def test_silences_are_as_exact_as_the_kubelets_time_of_a_line(tally: Tally) -> None:
    for second, written in ((1, 1.9), (12, 12.1), (20, 23.5), (30, 29.9)):
        tally.add("p", line(second), at=BASE + written)
    (row,) = tally.rows()
    assert row.first == pytest.approx(BASE + 1.9)
    assert row.last == BASE + 30, "one that was read later, or by another clock, has the log's own time"
    assert tally.longest_gap() == pytest.approx(10.2)
    tally.form = compile_format("[$remote_addr] [$msec] [$proxy_upstream_name]")
    tally.add("p", f"[c2] [{BASE + 40.25}] [shop-web-80]".encode(), at=BASE + 40.75)
    assert tally.rows()[0].last == BASE + 40.25


def test_the_end_of_a_long_request_is_no_coming_back(tally: Tally) -> None:
    def ended(second: int, took: float) -> bytes:
        return line(second).replace(b" 9 0.0 ", f" 9 {took} ".encode())

    tally.add("p", line(1))
    for second in (9, 20, 50):  # sessions from before that request
        tally.add("p", ended(second, second + 100.0))
    tally.add("p", ended(55, 30.0))
    assert tally.longest_gap() == 0.0
    tally.add("p", ended(59, 1.0))
    assert (tally.longest_gap(), tally.longest_gap(BASE + 2)) == (3.0, 3.0), (
        "from 55, when it had ended, to 58"
    )


def test_who_comes_back_after_a_session_from_before_the_swap_has_been_silent_since_its_end(
    tally: Tally,
) -> None:
    swap = BASE + 5
    tally.add("p", line(10).replace(b" 9 0.0 ", b" 9 60.0 "))
    tally.add("p", line(40))
    assert tally.longest_gap(swap) == 30.0


def test_probes_and_noise_stand_apart(tally: Tally) -> None:
    tally.add("p", line(1, agent="blueshift-probe/1"))
    tally.add("p", line(2, name="", status=400))
    assert tally.rows() == ()
    assert tally.noise() == 1
    tally.add("p", line(30, name=""))
    tally.add("p", line(31, name=""))
    assert (tally.noise(BASE + 30), tally.noise()) == (2, 3), "of one client too, what came since"
    assert tally.longest_gap() == 0.0


def test_lines_that_cannot_be_read_are_counted(tally: Tally) -> None:
    assert tally.add("p", b"I1123 23:41:28.024318 6 x.go:1] hello") is None
    assert tally.pods["p"].unread == 0
    tally.add("p", b"something else")
    assert tally.pods["p"].unread == 1


def test_a_lost_stream_is_a_gap_until_it_is_followed_again(tally: Tally) -> None:
    tally.alive("p", 110.0)
    tally.lost("p", 112.0)
    assert tally.pods["p"].gaps == [(112.0, float("inf"))]
    tally.follow("p", 115.0)
    tally.alive("p", 120.0)
    assert (tally.pods["p"].gaps, tally.pods["p"].since, tally.pods["p"].until) == (
        [(112.0, 115.0)],
        100.0,
        120.0,
    )


def test_a_log_that_is_read_again_from_before_the_gap_has_none(tally: Tally) -> None:
    tally.lost("p", 112.0)
    tally.follow("p", 105.0)
    assert tally.pods["p"].gaps == []


def test_memory_is_bounded(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_CLIENTS", 3)
    for second in range(5):
        tally.add("p", line(second, f"c{second}"))
    assert {row.client for row in tally.rows()} == {"c2", "c3", "c4"}
    assert tally.others == 2


def test_a_silence_from_before_an_instant_is_not_one_since_then(tally: Tally) -> None:
    """A client that was elsewhere for a while and comes back asks as often as before."""
    for second in (0, 1, 30, 32, 33, 36):
        tally.add("p", line(second))
    assert tally.longest_gap() == 29.0
    assert tally.longest_gap(BASE + 30) == 3.0
    assert tally.longest_gap(BASE + 34) == 2.0, "it was silent from then to 36 at least"
    assert tally.longest_gap(BASE + 36) == 0.0
