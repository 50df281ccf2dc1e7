from typing import Any

import pytest

from blueshift.errors import BlueshiftError
from blueshift.traffic.parity import AskedSide, Parity, ParityRules, compare_routes
from blueshift.traffic.probe import ProbeResult
from blueshift.traffic.routes import Route, Routes, Stream
from tests.fakes import ManualClock

SIDES = (
    AskedSide("primary", ("192.0.2.1", "2001:db8::1")),
    AskedSide("temporary", ("192.0.2.2",), https=8443),
)
OLD = "192.0.2.1"


def result(status: int = 200, *, ok: bool = True, certificate: str = "c", **headers: str) -> ProbeResult:
    return ProbeResult(
        ok=ok,
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body_sha256="",
        seconds=0.01,
        certificate_sha256=certificate,
        failed_in="" if ok else "connect",
        reason="" if ok else "refused",
    )


class World:
    """Two sides that answer from lists; the last answer repeats."""

    def __init__(self, left: list[ProbeResult], right: list[ProbeResult]) -> None:
        self.answers = {True: list(left), False: list(right)}
        self.asked: list[dict[str, Any]] = []

    async def ask(self, address: str, **more: Any) -> ProbeResult:
        self.asked.append({"address": address, **more})
        answers = self.answers[address == OLD]
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def compared(
    left: ProbeResult | list[ProbeResult],
    right: ProbeResult | list[ProbeResult],
    route: Route | None = None,
    **more: Any,
) -> tuple[Parity, World]:
    world = World(*([side] if isinstance(side, ProbeResult) else side for side in (left, right)))
    routes = Routes((route or Route("a.org", "/", service="web"),))
    found = await compare_routes((routes, routes), SIDES, clock=ManualClock(), ask=world.ask, **more)
    return found, world


async def test_equal_answers_are_asked_once() -> None:
    found, world = await compared(result(date="1", x_app="1"), result(date="2", x_app="2"))
    assert (found.equal, found.blind, found.others, found.problems()) == (1, 0, (), ())
    assert [(ask["address"], ask["port"], ask["host"], ask["method"]) for ask in world.asked] == [
        ("192.0.2.1", 443, "a.org", "HEAD"),
        ("192.0.2.2", 8443, "a.org", "HEAD"),
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 502, 503])
async def test_equal_refusals_prove_little(status: int) -> None:
    found, _ = await compared(result(status), result(status))
    assert (found.equal, found.blind, found.blind_share) == (0, 1, 1.0)
    assert "1 equal but blind (100%)" in found.said()


async def test_both_failing_alike_is_blind_too() -> None:
    found, _ = await compared(result(ok=False), result(ok=False))
    assert found.blind == 1


async def test_an_answer_that_the_configuration_gives_is_no_blind_one() -> None:
    found, _ = await compared(result(404), result(404), Route("a.org", "/gone", returns="404"))
    assert found.equal == 1


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (result(200), result(404), "status"),
        (result(308, location="https://a"), result(308, location="https://b"), "location"),
        (result(content_type="a"), result(content_type="b"), "content-type"),
        (result(x_snippet="yes"), result(), "header names"),
        (result(set_cookie="route=1; Path=/"), result(set_cookie="other=1"), "cookies"),
        (result(), result(ok=False), "an answer on one side only"),
    ],
)
async def test_differences_are_named_after_asking_again(
    left: ProbeResult, right: ProbeResult, why: str
) -> None:
    found, world = await compared(left, right)
    (answer,) = found.having("different")
    assert answer.why == why
    assert len(world.asked) == 2 * (1 + ParityRules().again)
    assert found.problems()[0].startswith(f"a.org/: {why}")


async def test_a_side_that_disagrees_with_itself_is_unstable() -> None:
    found, _ = await compared(result(200), [result(404), result(200), result(200)])
    (answer,) = found.having("unstable")
    assert answer.why == "the right disagrees with itself"
    assert found.problems() == ()
    assert "1 unstable" in found.said()


async def test_certificates_count_where_a_host_has_its_own() -> None:
    left, right = result(certificate="c1"), result(certificate="c2")
    assert (await compared(left, right))[0].equal == 1
    found, _ = await compared(left, right, certified={"a.org"})
    assert found.having("different")[0].why == "certificate"


@pytest.mark.parametrize(
    ("route", "host", "path", "port"),
    [
        (Route("*.w.org", "/"), "blueshift-parity.w.org", "/", 443),
        (Route("_", "/x/", tls=False), "blueshift-parity.invalid", "/x/", 80),
        (Route(r"~^b-(one|two)\.org$", "/"), "b-one.org", "/", 443),
        (Route("a.org", "^/api(/|$)(.*)", kind="regex", flags="i"), "a.org", "/api/", 443),
    ],
)
async def test_what_is_asked(route: Route, host: str, path: str, port: int) -> None:
    _, world = await compared(result(), result(), route)
    assert (world.asked[0]["host"], world.asked[0]["path"], world.asked[0]["port"]) == (host, path, port)


@pytest.mark.parametrize(
    ("route", "skip", "why"),
    [
        (Route("a.org", r"^/(?R)", kind="regex"), (), "nothing was found that its expression matches"),
        (Route("a.internal.org", "/"), ("*.internal.org",), "on the skip list"),
        (Route("a.org", "/pay/x"), ("a.org/pay*",), "on the skip list"),
    ],
)
async def test_what_is_not_asked_is_listed(route: Route, skip: tuple[str, ...], why: str) -> None:
    found, world = await compared(result(), result(), route, rules=ParityRules(skip=skip))
    assert world.asked == []
    assert [answer.why for answer in found.having("skipped")] == [why]
    assert found.blind_share == 1.0


async def test_configurations_are_compared_before_anything_is_asked() -> None:
    left = Routes((Route("a.org", "/", service="x"), Route("b.org", "/")), (Stream("tcp", 9000, "u"),))
    right = Routes((Route("a.org", "/", service="y"), Route("c.org", "/")), proxy_protocol=True)
    world = World([result()], [result()])
    found = await compare_routes((left, right), SIDES, clock=ManualClock(), ask=world.ask)
    assert found.problems() == (
        "b.org/: only the primary serves it",
        "tcp/9000: only the primary serves it",
        "c.org/: only the temporary serves it",
        "a.org/: primary → /x:, temporary → /y:",
        "only one side expects PROXY headers",
    )
    assert {ask["host"] for ask in world.asked} == {"a.org"}
    assert [ask["proxy_protocol"] for ask in world.asked] == [False, True]


async def test_both_families_are_asked_in_turn() -> None:
    sides = (AskedSide("l", ("192.0.2.1", "2001:db8::1")), AskedSide("r", ("2001:db8::2", "192.0.2.2")))
    routes = Routes(tuple(Route(f"{n}.org", "/") for n in range(4)))
    world = World([result()], [result()])
    await compare_routes((routes, routes), sides, clock=ManualClock(), ask=world.ask)
    assert sorted(ask["address"] for ask in world.asked) == sorted(
        2 * ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
    )


async def test_sides_without_a_common_family_are_refused() -> None:
    sides = (AskedSide("l", ("192.0.2.1",)), AskedSide("r", ("2001:db8::2",)))
    with pytest.raises(BlueshiftError, match="no address of the same family"):
        await compare_routes((Routes(), Routes()), sides, clock=ManualClock())


async def test_no_more_than_allowed_are_asked_at_once() -> None:
    import asyncio

    running = most = 0

    async def ask(address: str, **more: Any) -> ProbeResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return result()

    routes = Routes(tuple(Route(f"{n}.org", "/") for n in range(50)))
    found = await compare_routes(
        (routes, routes), SIDES, clock=ManualClock(), rules=ParityRules(at_once=5), ask=ask
    )
    assert (found.equal, most) == (50, 5)
