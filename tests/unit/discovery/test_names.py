"""Where names lead: the judgement is pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.discovery.names import (
    Sides,
    Trail,
    alike,
    classify,
    judge,
    sides_of,
    unknown,
    wildcard_candidates,
)
from blueshift.discovery.world import Role, ServiceFact, front
from blueshift.dns.records import RecordSet

V4, V6, INSIDE, OTHER = "198.18.0.50", "2001:2::50", "10.0.0.7", "192.0.2.9"
SIDES = Sides(frozenset({V4, V6}), frozenset({INSIDE}), frozenset({"lb.cloud.test"}))


def a(name: str, *values: str, kind: str = "A") -> RecordSet:
    return RecordSet(name, kind, 300, values)


def trail(*records: RecordSet, chain: tuple[str, ...] = (), writable: bool = True) -> Trail:
    return Trail("x.test", records[0].name if records else "x.test", "test", records, chain, writable)


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (trail(a("x.test", V4)), "move", ""),
        (trail(a("x.test", V4), a("x.test", V6, kind="AAAA")), "move", ""),
        (trail(a("shared.test", V4), chain=("shared.test",)), "move", ""),
        (trail(a("x.test", OTHER)), "elsewhere", "it points at 192.0.2.9"),
        (trail(a("x.test", V4, OTHER)), "elsewhere", "only a part of it points here"),
        (trail(a("x.test", V4), a("x.test", "2001:db8::9", kind="AAAA")), "elsewhere", "only a part"),
        (trail(a("x.test", INSIDE)), "elsewhere", "the internal Service"),
        (trail(a("x.test", V4), writable=False), "elsewhere", "in no zone that our backend holds"),
        (trail(chain=("lb.cloud.test",)), "elsewhere", "the load balancer's own name"),
        (trail(), "none", "there is no A or AAAA record"),
        (trail(chain=("gone.test",)), "none", "its alias gone.test has no address"),
        (trail(a("x.test", "104.16.1.1")), "proxied", "Cloudflare answers for it"),
        (trail(chain=("d1.cloudfront.net",)), "proxied", "CloudFront answers for it"),
    ],
)
def test_states(found: Trail, state: str, why: str) -> None:
    assert judge(found, SIDES)[0] == state
    assert why in judge(found, SIDES)[1]


def service(role: Role, kind: str, address: str) -> ServiceFact:
    ipv4 = (address,) if kind == "LoadBalancer" else ()
    return ServiceFact(f"web-{role}", "web", "uid", role, kind, ipv4)


OUTER, INNER = service("external", "LoadBalancer", V4), service("internal", "LoadBalancer", INSIDE)


@pytest.mark.parametrize(
    ("services", "moved", "others"),
    [
        ([INNER, OUTER], {V4}, {INSIDE}),
        ([INNER], {INSIDE}, set()),
        ([service("external", "ClusterIP", ""), INNER], {INSIDE}, set()),
        # Clients come by the nodes' addresses, which do not move: the internal Service's would be half of it.
        ([service("external", "NodePort", ""), INNER], set(), {INSIDE}),
        ([], set(), set()),
    ],
)
def test_names_move_by_the_external_service_and_by_the_internal_one_where_it_is_alone(
    services: list[ServiceFact], moved: set[str], others: set[str]
) -> None:
    found = sides_of(services)
    assert (set(found.front), set(found.others)) == (moved, others)


def test_a_service_that_has_an_address_is_in_front_of_one_that_waits_for_it() -> None:
    waiting = ServiceFact("a-by-hand", "web", "uid", "external", "LoadBalancer")
    assert front([waiting, OUTER]) is OUTER
    assert front([waiting, INNER]) is waiting


def test_names_of_an_internal_service_that_is_alone_move() -> None:
    (fact,) = classify([trail(a("x.test", INSIDE))], sides_of([INNER]))
    assert (fact.state, fact.here) == ("move", True)


def test_a_shared_last_name_is_one_name_with_all_its_hosts() -> None:
    shared = a("shared.test", V4)
    trails = [
        Trail(host, "shared.test", "test", (shared,), ("shared.test",)) for host in ("b.test", "a.test")
    ]
    (fact,) = classify(trails, SIDES)
    assert (fact.name, fact.hosts, fact.state) == ("shared.test", ("a.test", "b.test"), "move")
    assert fact.records == (shared,)


@pytest.mark.parametrize(
    ("found", "here"),
    [
        (trail(a("x.test", V4, OTHER)), True),
        (trail(a("x.test", INSIDE)), True),
        (trail(chain=("lb.cloud.test",)), True),
        (trail(a("x.test", OTHER)), False),
        (trail(), False),
    ],
)
def test_whether_clients_are_led_here_is_known_of_what_cannot_move(found: Trail, here: bool) -> None:
    assert classify([found], SIDES)[0].here is here


def test_a_failed_look_is_no_name() -> None:
    failed = Trail("x.test", "", unknown="SERVFAIL")
    assert classify([failed], SIDES) == ()
    assert unknown([failed]) == {"x.test": "SERVFAIL"}


def test_wildcards_of_the_zone_alone_nearest_first() -> None:
    assert wildcard_candidates("a.b.test", ("b.test", "test"), "test") == ("*.b.test", "*.test")
    assert wildcard_candidates("a.b.test", ("b.test", "test"), "b.test") == ("*.b.test",)
    assert wildcard_candidates("*.b.test", ("b.test",), "b.test") == ()


def test_a_wildcards_answer_differs_by_its_name_alone() -> None:
    assert alike([a("x.test", V4)], [a("*.test", V4)])
    assert not alike([a("x.test", V4)], [a("*.test", OTHER)])
    assert not alike([a("x.test", V4)], [])


addresses = st.lists(st.sampled_from([V4, INSIDE, OTHER]), min_size=1, max_size=3, unique=True)


@given(addresses, st.booleans())
def test_a_name_moves_only_if_every_address_is_the_external_services(
    values: list[str], writable: bool
) -> None:
    state, _ = judge(trail(a("x.test", *values), writable=writable), SIDES)
    assert (state == "move") == (writable and values == [V4])
