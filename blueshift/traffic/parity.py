"""Route parity: do two sides serve the same? First by their configurations, then by asking both."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Literal, Protocol

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.answers import blind, differing, essence, said
from blueshift.traffic.example import example, example_path
from blueshift.traffic.probe import ProbeResult, probe
from blueshift.traffic.routes import ANY_HOST, Route, RouteDiff, Routes, compare

State = Literal["equal", "equal-but-blind", "different", "unstable", "skipped"]

LABEL = "blueshift-parity"
"""Stands for the label of a wildcard host, and for the host of an Ingress without one."""


class Ask(Protocol):
    """`blueshift.traffic.probe.probe`, or a stand-in for it."""

    async def __call__(
        self,
        address: str,
        *,
        port: int,
        host: str,
        path: str,
        tls: bool,
        clock: Clock,
        method: str,
        timeout: float,
        proxy_protocol: bool,
    ) -> ProbeResult:
        """Ask once; a fault is a result."""


class AskedSide(msgspec.Struct, frozen=True):
    """Where one side is asked."""

    name: str
    addresses: tuple[str, ...]
    http: int = 80
    https: int = 443


class ParityRules(msgspec.Struct, frozen=True):
    """How both sides are asked."""

    method: str = "HEAD"
    timeout: float = 5.0
    """Seconds for one answer."""
    at_once: int = 16
    again: int = 2
    """More questions to each side where their answers differ."""
    skip: tuple[str, ...] = ()
    """`host` or `host/path` patterns that are not asked, as `*.internal.example.com` or `shop.org/pay*`."""


class RouteAnswer(msgspec.Struct, frozen=True):
    """What both sides said about one route."""

    route: str
    state: State
    left: str = ""
    right: str = ""
    why: str = ""
    silent: bool = False
    """Neither side gave an answer."""


class Parity(msgspec.Struct, frozen=True):
    """The outcome; only what is not equal is listed."""

    sides: tuple[str, str]
    configured: RouteDiff
    equal: int
    blind: int
    silent: int = 0
    """Of the blind ones: neither side answered at all."""
    others: tuple[RouteAnswer, ...] = ()

    @property
    def blind_share(self) -> float:
        """Share of the equal answers that prove little; 1 when nothing was asked."""
        asked = self.equal + self.blind
        return self.blind / asked if asked else 1.0

    def having(self, state: State) -> tuple[RouteAnswer, ...]:
        """The answers in one state."""
        return tuple(answer for answer in self.others if answer.state == state)

    def problems(self) -> tuple[str, ...]:
        """What speaks against moving traffic, a sentence each; empty if both serve the same."""
        left, right = self.sides
        found = self.configured
        missing = [
            *(f"{route}: only the {left} serves it" for route in (*found.only_left, *found.streams_left)),
            *(f"{route}: only the {right} serves it" for route in (*found.only_right, *found.streams_right)),
            *(f"{old}: {left} → {_backend(old)}, {right} → {_backend(new)}" for old, new in found.changed),
        ]
        if found.proxy_protocol:
            missing.append("only one side expects PROXY headers")
        if self.silent and self.silent == self.equal + self.blind:
            missing.append(f"neither side answered any of {self.silent} routes from here")
        different = [
            f"{answer.route}: {answer.why} ({left}: {answer.left}; {right}: {answer.right})"
            for answer in self.having("different")
        ]
        return (*missing, *different)

    def said(self) -> str:
        """One sentence."""
        counts = [f"{self.equal} equal", f"{self.blind} equal but blind ({self.blind_share:.0%})"]
        states: tuple[State, ...] = ("different", "unstable", "skipped")
        counts += [f"{len(found)} {state}" for state in states if (found := self.having(state))]
        return ", ".join(counts)


class _Question(msgspec.Struct, frozen=True):
    route: Route
    host: str
    path: str
    certified: bool


async def compare_routes(
    routes: tuple[Routes, Routes],
    sides: tuple[AskedSide, AskedSide],
    *,
    clock: Clock,
    rules: ParityRules | None = None,
    certified: Collection[str] = (),
    ask: Ask = probe,
) -> Parity:
    """Compare two sides' configurations, then ask both for each route that both have.

    `certified`: hosts with a certificate of their own, which must be the same on both sides (a controller's
    stand-in certificate differs from pod to pod). Raises BlueshiftError if the sides share no address family.
    """
    rules = rules or ParityRules()
    pairs = _pairs(*sides)
    gate = asyncio.Semaphore(rules.at_once)
    proxy = (routes[0].proxy_protocol, routes[1].proxy_protocol)

    async def one(side: int, question: _Question, turn: int) -> ProbeResult:
        async with gate:
            return await ask(
                pairs[turn % len(pairs)][side],
                port=sides[side].https if question.route.tls else sides[side].http,
                host=question.host,
                path=question.path,
                tls=question.route.tls,
                clock=clock,
                method=rules.method,
                timeout=rules.timeout,
                proxy_protocol=proxy[side],
            )

    async def both(question: _Question, turn: int) -> RouteAnswer:
        heard = await asyncio.gather(one(0, question, turn), one(1, question, turn))
        left, right = [heard[0]], [heard[1]]
        if essence(left[0], certified=question.certified) != essence(right[0], certified=question.certified):
            for _ in range(rules.again):
                more = await asyncio.gather(one(0, question, turn), one(1, question, turn))
                left.append(more[0])
                right.append(more[1])
        return _judge(question, left, right)

    shared = {route.key for route in routes[1].routes}
    planned = [_question(route, rules, certified) for route in routes[0].routes if route.key in shared]
    questions = [found for found in planned if isinstance(found, _Question)]
    skipped = [found for found in planned if isinstance(found, RouteAnswer)]
    answers = await asyncio.gather(*(both(question, turn) for turn, question in enumerate(questions)))
    return Parity(
        sides=(sides[0].name, sides[1].name),
        configured=compare(*routes),
        equal=sum(answer.state == "equal" for answer in answers),
        blind=sum(answer.state == "equal-but-blind" for answer in answers),
        silent=sum(answer.silent for answer in answers),
        others=tuple([answer for answer in answers if not answer.state.startswith("equal")] + skipped),
    )


def _pairs(left: AskedSide, right: AskedSide) -> list[tuple[str, str]]:
    """Addresses of one family on both sides: allow-lists may tell IPv4 from IPv6."""
    found = []
    for version in (4, 6):
        ours, theirs = (
            [address for address in side.addresses if ipaddress.ip_address(address).version == version]
            for side in (left, right)
        )
        found += list(zip(ours, theirs, strict=False))
    if not found:
        raise BlueshiftError(
            f"{left.name} and {right.name} have no address of the same family to be asked at",
            hint="look at the LoadBalancer Services of both: `kubectl get service -A`",
        )
    return found


def _question(route: Route, rules: ParityRules, certified: Collection[str]) -> _Question | RouteAnswer:
    if any(fnmatchcase(route.host, skip) or fnmatchcase(str(route), skip) for skip in rules.skip):
        return RouteAnswer(str(route), "skipped", why="on the skip list")
    host: str | None = route.host
    if route.host == ANY_HOST:
        host = f"{LABEL}.invalid"
    elif route.host.startswith("*."):
        host = LABEL + route.host[1:]
    elif route.host.startswith("~"):
        host = example(route.host[1:])
    regex = route.kind == "regex"
    path = example_path(route.path, ignore_case="i" in route.flags) if regex else route.path
    if not host or not path:
        return RouteAnswer(str(route), "skipped", why="nothing was found that its expression matches")
    return _Question(route, host, path, certified=route.tls and route.host in certified)


def _judge(question: _Question, left: Sequence[ProbeResult], right: Sequence[ProbeResult]) -> RouteAnswer:
    route = str(question.route)
    ours, theirs = (
        [essence(result, certified=question.certified) for result in side] for side in (left, right)
    )
    heard = (said(left[-1]), said(right[-1]))
    if len(left) == 1:
        proves = not blind(left[0]) or (left[0].ok and question.route.returns == str(left[0].status))
        state: State = "equal" if proves else "equal-but-blind"
        return RouteAnswer(route, state, *heard, silent=not (left[0].ok or right[0].ok))
    restless = [name for name, prints in (("left", ours), ("right", theirs)) if len(set(prints)) > 1]
    if restless:
        return RouteAnswer(
            route, "unstable", *heard, why=f"the {' and the '.join(restless)} disagrees with itself"
        )
    return RouteAnswer(route, "different", *heard, why=", ".join(differing(ours[0], theirs[0])))


def _backend(route: Route) -> str:
    return route.returns or f"{route.namespace}/{route.service}:{route.port}"
