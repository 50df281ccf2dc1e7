import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.drain import Drained, DrainRules, Remaining, Unknown, drained
from blueshift.traffic.logs import compile_format
from blueshift.traffic.metrics import Series, Window
from blueshift.traffic.status import Connections
from blueshift.traffic.tally import Tally
from blueshift.traffic.witnesses import Coverage, DrainEvidence, Seen, by_log, by_metrics

NOW = 10_000.0
RULES = DrainRules()
QUIET = Connections(1, 0, 1, 0)
BOTH = tuple(Coverage(witness, "p1", 0, NOW) for witness in ("metrics", "log"))


def evidence(**more: Any) -> DrainEvidence:
    """A side that everybody left long ago, watched by both witnesses all the time."""
    given: dict[str, Any] = {
        "now": NOW,
        "swapped": NOW - 5000,
        "ttl": 60,
        "pods": {"p1": 0.0},
        "coverage": BOTH,
        "connections": {"p1": QUIET},
    }
    return DrainEvidence(**{**given, **more})


def seen(**more: Any) -> Seen:
    given: dict[str, Any] = {
        "witness": "log",
        "target": "a.org",
        "client": "c1",
        "requests": 3,
        "last": NOW - 5,
    }
    return Seen(**{**given, **more})


def test_silence_that_was_watched_is_drained() -> None:
    found = drained(evidence(), RULES)
    assert found == Drained("no request for a known host in 600 s, and no open connection")


def test_dns_that_does_not_agree_is_never_drained() -> None:
    found = drained(evidence(dns="ns2 still says 192.0.2.1"), RULES)
    assert isinstance(found, Remaining)
    assert "ns2" in found.reason


@pytest.mark.parametrize(
    ("ttl", "gap", "needed"), [(60, 0, 900), (300, 0, 3000), (60, 800, 1600), (0, 0, 900)]
)
def test_time_has_to_pass_whatever_is_seen(ttl: float, gap: float, needed: float) -> None:
    found = drained(evidence(ttl=ttl, longest_gap=gap, swapped=NOW - needed + 1), RULES)
    assert isinstance(found, Remaining)
    assert found.until == NOW + 1
    assert isinstance(drained(evidence(ttl=ttl, longest_gap=gap, swapped=NOW - needed), RULES), Drained)


def test_a_request_in_the_window_holds_it_up_and_is_named() -> None:
    found = drained(evidence(seen=(seen(), seen(target="old.org", last=NOW - 700))), RULES)
    assert isinstance(found, Remaining)
    assert [(item.client, item.target, item.age) for item in found.items] == [("c1", "a.org", 5.0)]
    assert found.until == NOW - 5 + 600


def test_it_is_said_when_it_could_be_idle_at_the_earliest() -> None:
    young = evidence(swapped=NOW - 899, seen=(seen(last=NOW - 5), seen(target="b.org", last=NOW - 50)))
    found = drained(young, RULES)
    assert isinstance(found, Remaining)
    assert found.until == NOW - 5 + 600
    open_ones = drained(evidence(seen=(seen(),), connections={"p1": Connections(3, 0, 1, 2)}), RULES)
    assert isinstance(open_ones, Remaining)
    assert open_ones.until is None


def test_the_window_grows_with_the_longest_gap() -> None:
    late = (seen(last=NOW - 1500),)
    assert isinstance(drained(evidence(seen=late), RULES), Drained)
    assert isinstance(drained(evidence(seen=late, longest_gap=800), RULES), Remaining)


def test_metrics_alone_hold_it_up_too_and_are_not_listed_twice() -> None:
    counted = seen(witness="metrics", client="", last=NOW)
    found = drained(evidence(seen=(counted,)), RULES)
    assert isinstance(found, Remaining)
    assert found.items[0].why == "metrics do not name clients"
    both = drained(evidence(seen=(counted, seen())), RULES)
    assert isinstance(both, Remaining)
    assert [item.client for item in both.items] == ["c1"]


@pytest.mark.parametrize(
    ("counted", "own", "logged", "unlogged", "drains"),
    [
        (3, 3, 0, (), True),  # `blueshift probe` of somebody, say
        (3, 2, 0, (), False),  # one that the log does not have
        (3, 2, 0, ("other.org",), False),
        (3, 3, 0, ("a.org",), False),  # what the log never shows is told by the counters alone
    ],
)
def test_requests_that_the_log_knows_as_ours_are_nobodys(
    counted: int, own: int, logged: int, unlogged: tuple[str, ...], drains: bool
) -> None:
    by_counters = seen(witness="metrics", client="", requests=counted)
    found = drained(evidence(seen=(by_counters,), own=own, logged=logged, unlogged=unlogged), RULES)
    assert isinstance(found, Drained) is drains


def test_a_log_with_a_hole_explains_no_counter() -> None:
    by_counters = seen(witness="metrics", client="", requests=3)
    holed = (BOTH[0], Coverage("log", "p1", 0, NOW, gaps=((NOW - 100, NOW - 40),)))
    found = drained(evidence(seen=(by_counters,), own=3, coverage=holed), RULES)
    assert isinstance(found, Remaining)


def test_what_cannot_be_told_of_connections_is_said() -> None:
    asked = evidence(connections={"p1": Connections(4, 0, 1, 3)}, untold={"p1": "no sh"})
    found = drained(asked, RULES)
    assert isinstance(found, Remaining)
    assert found.items[0].why == "3 of them idle; whose, and whether they stay, cannot be told: no sh"


def test_what_a_pod_has_with_itself_is_nobodys() -> None:
    asked = evidence(connections={"p1": Connections(3, 0, 1, 2)}, inside={"p1": 2})
    assert asked.others(1) == {"p1": 0}
    assert isinstance(drained(asked, RULES), Drained)


def test_who_the_log_names_is_named_once_whatever_the_counters_call_the_host() -> None:
    rows = (seen(witness="metrics", client="", target="a.org"), seen(target="apps-web-80"))
    found = drained(evidence(seen=rows, logged=3), RULES)
    assert isinstance(found, Remaining)
    assert [(item.client, item.target) for item in found.items] == [("c1", "apps-web-80")]


def test_our_own_probes_are_no_rest_that_has_to_be_accepted() -> None:
    rows = (seen(witness="metrics", client="", requests=660), seen(requests=30))
    rules = DrainRules(accept=0.01)
    # Without a log that is whole nobody knows whose they are.
    asked = evidence(seen=rows, baseline=10.0, own=630, logged=30, coverage=BOTH[:1])
    assert isinstance(drained(asked, rules), Remaining)
    found = drained(evidence(seen=rows, baseline=10.0, own=630, logged=30), rules)
    assert isinstance(found, Drained)
    assert found.said.startswith("0.05 requests/s remain")


@pytest.mark.parametrize(
    ("held", "drains"), [({}, False), ({"p1": []}, True), ({"p1": ["10.0.0.7"] * 2}, False)]
)
def test_connections_hold_it_up_if_they_stay_or_nobody_can_tell(
    held: dict[str, list[str]], drains: bool
) -> None:
    found = drained(evidence(connections={"p1": Connections(4, 0, 1, 3)}, held=held), RULES)
    assert isinstance(found, Drained) is drains
    if isinstance(found, Drained):
        assert found.said.endswith("none of 3 open connections is older than 10 s")
    elif held and isinstance(found, Remaining):
        assert [(item.client, item.target) for item in found.items] == [("10.0.0.7", "p1")]
        assert found.items[0].did == "2 open connections"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"cluster": {"10.0.0.7": "a pod of this cluster (a/b)"}, "hidden": True}, "(a/b)"),
        ({"hidden": True}, "(SNAT)"),
        ({}, "or a long request"),
    ],
)
def test_who_has_a_connection_that_stays_is_told_as_far_as_it_is_known(
    more: dict[str, Any], why: str
) -> None:
    asked = evidence(connections={"p1": Connections(2, 0, 1, 1)}, held={"p1": ["10.0.0.7"]}, **more)
    found = drained(asked, RULES)
    assert isinstance(found, Remaining)
    assert found.items[0].why.endswith(why)


@pytest.mark.parametrize(("active", "drains"), [(1, True), (2, False)])
def test_open_connections_hold_it_up(active: int, drains: bool) -> None:
    found = drained(evidence(connections={"p1": Connections(active, 0, 1, active - 1)}), RULES)
    assert isinstance(found, Drained) is drains
    if isinstance(found, Remaining):
        assert (found.items[0].did, found.items[0].why) == ("1 open connection", "1 of them idle")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"pods": {}}, "no pod"),
        ({"connections": {"p1": None}}, "status of p1"),
        ({"connections": {}}, "status of p1"),
        ({"coverage": ()}, "no witness watched p1"),
        ({"coverage": (Coverage("metrics", "p1", NOW - 500, NOW),)}, "no witness watched p1"),
        ({"coverage": (Coverage("metrics", "p1", 0, NOW - 100),)}, "no witness watched p1"),
        (
            {"coverage": (Coverage("metrics", "p1", 0, NOW, gaps=((NOW - 50, NOW - 49),)),)},
            "no witness watched p1",
        ),
        (
            {"coverage": (Coverage("log", "p1", 0, NOW, blind="disable-access-log"),)},
            "log: disable-access-log",
        ),
        ({"coverage": BOTH[:1], "unseen": ("*.w.org",)}, "metrics do not show *.w.org"),
        ({"pods": {"p1": 0, "p2": 0}, "connections": {"p1": QUIET, "p2": QUIET}}, "no witness watched p2"),
    ],
)
def test_what_no_witness_saw_is_unknown_and_never_drained(more: dict[str, Any], why: str) -> None:
    found = drained(evidence(**more), RULES)
    assert isinstance(found, Unknown)
    assert why in found.reason


def test_one_witness_is_enough_where_it_sees_all() -> None:
    assert isinstance(drained(evidence(coverage=BOTH[:1]), RULES), Drained)
    assert isinstance(drained(evidence(coverage=BOTH[1:], unseen=("*.w.org",)), RULES), Drained)


def test_gaps_before_the_window_do_not_matter() -> None:
    coverage = (Coverage("log", "p1", 0, NOW, gaps=((NOW - 900, NOW - 800),)),)
    assert isinstance(drained(evidence(coverage=coverage), RULES), Drained)


def test_a_pod_is_watched_from_its_start() -> None:
    born = (Coverage("metrics", "p1", NOW - 100, NOW),)
    assert isinstance(drained(evidence(pods={"p1": NOW - 100}, coverage=born), RULES), Drained)


def test_a_short_window_needs_a_look_inside_it() -> None:
    rules = DrainRules(least=15, factor=0, window=15)
    coverage = (Coverage("metrics", "p1", NOW - 20, NOW - 5),)
    assert isinstance(drained(evidence(coverage=coverage), rules), Drained)
    stale = (Coverage("metrics", "p1", NOW - 40, NOW - 10),)
    assert isinstance(drained(evidence(coverage=stale), rules), Unknown)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"cluster": {"c1": "a pod of this cluster (a/b)"}}, "a pod of this cluster (a/b)"),
        ({"cluster": {"c1": "a pod"}, "hidden": True}, "a pod"),
        ({"hidden": True}, "SNAT"),
        ({"proxied": frozenset({"a.org"})}, "CDN"),
        ({"seen": (seen(began=NOW - 5001),)}, "a long request"),
        ({"seen": (seen(began=NOW - 4999),)}, "long after the TTL"),
        ({"swapped": -math.inf}, "no name points here"),
        ({}, "long after the TTL"),
        ({"ttl": 500}, "stale answer"),
    ],
)
def test_why_somebody_still_comes_is_said(more: dict[str, Any], why: str) -> None:
    found = drained(evidence(**{"seen": (seen(),), **more}), RULES)
    assert isinstance(found, Remaining)
    assert why in found.items[0].why


@pytest.mark.parametrize(
    ("client", "lacks", "why"),
    [
        ("", ("remote_addr",), "the log format does not name clients"),
        ("c1", ("http_user_agent",), "our own probe"),
    ],
)
def test_what_a_log_format_lacks_is_said(client: str, lacks: tuple[str, ...], why: str) -> None:
    found = drained(evidence(seen=(seen(client=client),), lacks=lacks), RULES)
    assert isinstance(found, Remaining)
    assert why in found.items[0].why


def test_a_rest_may_be_accepted_up_to_a_share_of_the_baseline() -> None:
    rest = evidence(seen=(seen(witness="metrics", client="", requests=6, last=NOW),), baseline=100.0)
    taken = drained(rest, DrainRules(accept=0.0001))
    assert isinstance(taken, Drained)
    assert [item.target for item in taken.accepted] == ["a.org"]
    assert isinstance(drained(rest, DrainRules(accept=0.00001)), Remaining)
    assert isinstance(drained(rest, RULES), Remaining)


def test_a_rest_that_only_logs_show_is_measured_by_them() -> None:
    rest = evidence(seen=(seen(requests=600),), coverage=BOTH[1:], unseen=("*.w.org",), baseline=100.0)
    assert isinstance(drained(rest, DrainRules(accept=0.02)), Drained)
    assert isinstance(drained(rest, DrainRules(accept=0.001)), Remaining)


def test_counters_become_evidence_without_noise() -> None:
    def series(host: str) -> Series:
        return Series("p1", host, "", "", "", 200)

    counts = {series("a.org"): 5.0, series("b.org"): 0.0, series("x.w.org"): 1.0, series("_"): 9.0}
    found, coverage = by_metrics(
        Window(counts, {"p1": (1.0, 2.0)}, gaps=(("p1", 1.2, 1.3), ("p2", 0, 9)), risen=1.5),
        frozenset({"a.org", "b.org", "*.w.org"}),
        at=2.0,
    )
    assert [(entry.target, entry.requests, entry.last) for entry in found] == [
        ("a.org", 5, 1.5),
        ("x.w.org", 1, 1.5),
    ]
    assert coverage == (Coverage("metrics", "p1", 1.0, 2.0, gaps=((1.2, 1.3),)),)


def test_counters_that_prometheus_told_are_a_witness_of_their_own_name() -> None:
    window = Window({}, {"p1": (1.0, 9.0)}, told={"p1": "prometheus"})
    _, (coverage,) = by_metrics(window, frozenset(), 9.0)
    assert coverage == Coverage("prometheus", "p1", 1.0, 9.0)
    watched = evidence(coverage=(Coverage("prometheus", "p1", 0, NOW - 20),))
    assert isinstance(drained(watched, DrainRules()), Drained)
    late = evidence(coverage=(Coverage("prometheus", "p1", 0, NOW - 60),))
    assert isinstance(drained(late, DrainRules()), Unknown)


def test_counters_that_are_off_are_no_witness() -> None:
    counted = Window({}, {"p1": (1.0, 9.0), "p2": (1.0, 5.0)}, uncounted=frozenset({"p2"}))
    _, (first, second) = by_metrics(counted, frozenset(), 9.0)
    assert (first.pod, first.blind) == ("p1", "")
    assert (second.pod, "enable-metrics" in second.blind, second.holds(1, 5)) == ("p2", True, False)
    _, blind = by_metrics(counted, frozenset(), 9.0, "off")
    assert {entry.blind for entry in blind} == {"off"}


def test_logs_become_evidence() -> None:
    tally = Tally(compile_format())
    tally.follow("p1", 1.0)
    tally.add(
        "p1",
        b'c1 - - [23/Nov/2026:00:00:01 +0000] "GET / HTTP/1.1" 200 1 "-" "x" 9 0.0 '
        b"[shop-web-80] [] - - - - id",
    )
    found, coverage = by_log(tally, 0.0)
    assert [(entry.witness, entry.client, entry.target, entry.requests) for entry in found] == [
        ("log", "c1", "shop-web-80", 1)
    ]
    assert coverage[0].blind == ""
    later = b"c1 - - [23/Nov/2026:00:10:01 +0000]"
    for second in (b"02", b"03"):
        tally.add(
            "p1",
            later.replace(b":01 ", b":" + second + b" ")
            + b' "GET / HTTP/1.1" 200 1 "-" "x" 9 0.0 [shop-web-80] [] - - - - id',
        )
    (entry,), _ = by_log(tally, found[0].last + 300)
    assert entry.requests == 2, "of the window alone: what came before the swap is not left"
    tally.add("p1", b"what is this")
    assert by_log(tally, 0.0)[1][0].blind == "1 lines could not be read"
    assert by_log(tally, 0.0, "disable-access-log")[1][0].blind == "disable-access-log"


@given(
    requests=st.integers(0, 3),
    age=st.floats(0, 2000),
    watched=st.booleans(),
    active=st.integers(0, 3),
    passed=st.floats(0, 5000),
)
def test_drained_only_ever_means_quiet_watched_and_late(
    requests: int, age: float, watched: bool, active: int, passed: float
) -> None:
    found = drained(
        evidence(
            swapped=NOW - passed,
            seen=(seen(requests=requests, last=NOW - age),),
            coverage=BOTH if watched else (),
            connections={"p1": Connections(active, 0, 0, 0)},
        ),
        RULES,
    )
    if isinstance(found, Drained):
        assert watched
        assert active <= 1
        assert passed >= 900
        assert not requests or age > 600


def test_a_line_that_cannot_be_read_is_a_gap_that_passes() -> None:
    tally = Tally(compile_format())
    tally.follow("p1", 1000.0)
    for at in (1100.0, 1130.0):
        tally.add("p1", b"Error: exit status 1", at)
    tally.alive("p1", 3000.0)
    _, (coverage,) = by_log(tally, 1000.0)
    assert coverage.blind == ""
    assert len(coverage.gaps) == 1
    assert not coverage.holds(1050.0, 1700.0)
    assert coverage.holds(1140.0, 2000.0)


def test_hosts_with_their_access_log_off_need_the_metrics() -> None:
    log_only = BOTH[1:]
    assert isinstance(drained(evidence(coverage=log_only), RULES), Drained)
    dark = drained(evidence(coverage=log_only, unlogged=("quiet.org",)), RULES)
    assert isinstance(dark, Unknown)
    assert "nothing shows the requests of quiet.org at p1" in dark.reason
    assert isinstance(drained(evidence(unlogged=("quiet.org",)), RULES), Drained), "metrics show them"
    wild = drained(evidence(unlogged=("*.wild.org",), unseen=("*.wild.org",)), RULES)
    assert isinstance(wild, Unknown), "neither log nor metrics"
