"""What is asked becomes a plan of the generator."""

from __future__ import annotations

from blueshift.app.asked import CONNECTIONS, Asked, plan_of
from blueshift.traffic.prober.run import longest

PINNED = {"a.test": ("192.0.2.1", "2001:db8::1"), "b.test": ("192.0.2.2",)}


async def test_the_rate_is_spread_over_urls_and_the_families_that_they_have() -> None:
    plan = await plan_of(Asked(("https://a.test/", "http://b.test:8080/x?y"), 40.0, 1.0, pinned=PINNED))
    assert [(one.persona, one.rate) for one in plan.streams] == [
        ("0/ipv4", 10.0),
        ("0/ipv6", 10.0),
        ("1/ipv4", 20.0),
    ]
    assert [one.route.authority for one in plan.streams] == ["a.test", "a.test", "b.test:8080"]
    assert plan.streams[2].route.path == "/x?y"


async def test_websockets_stand_beside_what_is_polled() -> None:
    asked = Asked(
        ("wss://b.test/live", "https://b.test/poll"),
        40.0,
        1.0,
        protocol="http2",
        pinned={"b.test": PINNED["b.test"]},
        wait=60.0,
        hold=90.0,
        timeout=15.0,
    )
    plan = await plan_of(asked)
    session, poll = plan.streams
    assert (session.kind, session.route.tls, session.route.wait, session.hold) == (
        "websocket", True, 0.0, (90.0, 90.0),
    )  # fmt: skip
    assert (poll.kind, poll.route.wait) == ("longpoll", 60.0)
    assert [one.protocol for one in plan.personas] == ["websocket", "http2"]
    assert plan.personas[1].most_connections == CONNECTIONS + 20 * 60  # each poll has its own meanwhile
    assert longest(plan) > 60.0 + 15.0  # the last poll gets its answer
