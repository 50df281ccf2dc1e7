"""Whether a side answers for its hosts: ready pods, and probes by address with the right SNI and Host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import msgspec

from blueshift.clock import Clock
from blueshift.discovery.world import NameFact
from blueshift.engine.state import OTHER, SideName
from blueshift.shift.protocol import Target
from blueshift.steps.context import Tools, brief
from blueshift.steps.live import live_hosts
from blueshift.together import together
from blueshift.traffic.probe import ProbeResult, probe

# Enough to see a broken side at once, few enough that it does not feel it.
MOST_HOSTS = 50
_AT_ONCE = 16


class Proof(msgspec.Struct, frozen=True):
    """What was seen."""

    failed: bool
    sentence: str


class Answer(msgspec.Struct, frozen=True):
    """One host asked at one address of a side."""

    host: str
    tls: bool
    address: str
    result: ProbeResult

    @property
    def good(self) -> bool:
        """A host may well answer 401 or 404 at its root; a side that answers 5xx or not at all is broken."""
        return self.result.ok and self.result.status < 500

    def as_before(self, baseline: Mapping[str, int]) -> bool:
        """Whether it is good, and no refusal where the primary gave an answer before the run."""
        return self.good and not (baseline.get(self.host, 0) < 400 <= self.result.status)

    @property
    def place(self) -> tuple[str, int]:
        """Host and address family: a family that is broken from here excuses nothing in the other."""
        return self.host, ip_address(self.address).version

    @property
    def fault(self) -> str:
        """In what way it is not good, told apart as a user would."""
        return f"{self.result.status // 100}xx" if self.result.ok else "no answer"


async def ask(
    clock: Clock, hosts: Sequence[tuple[str, bool]], target: Target, ports: tuple[int, int], proxy: bool
) -> tuple[Answer, ...]:
    """Ask (host, TLS) pairs at every address of a side that this machine has a route to.

    A failure is asked once more before it counts. Preflight has seen that no name moves by a family without a
    route: nothing could be proven of it from here.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(host: str, tls: bool, address: str) -> Answer:
        async with gate:
            for last in (False, True):
                port = ports[1] if tls else ports[0]
                result = await probe(
                    address, port=port, host=concrete(host), tls=tls, clock=clock, proxy_protocol=proxy
                )
                answer = Answer(host, tls, address, result)
                if answer.good or last:
                    break
                await clock.sleep(0.5)
            return answer

    asked = [one(host, tls, address) for host, tls in hosts for address in reached(target)]
    return tuple(await together(*asked))


def reached(target: Target) -> tuple[str, ...]:
    """The addresses of a side that this machine has a route to."""
    from blueshift.dns.wire import has_route  # dnspython, which a plan does not need

    return tuple(address for address in target.addresses if has_route(address))


async def prove(tools: Tools, side: SideName, names: Sequence[NameFact]) -> Proof:
    """Whether `side` has ready pods and answers for the hosts of `names` as the primary did before the run.

    Hosts that the primary did not answer well for at the snapshot prove nothing and are left out.
    """
    pods = await tools.witness.pods(side)
    if not pods.ready:
        return Proof(True, f"no ready pod on the {side} ({pods.sentence})")
    baseline = tools.world.baseline
    wanted = {host for name in names for host in name.hosts}
    # A host whose Ingress was taken away meanwhile is not served by anybody any more.
    served = {fact.host for fact in await live_hosts(tools)}
    if wanted and not served:
        return Proof(True, "no Ingress of this controller is left: nothing can be proven")
    hosts = [(fact.host, fact.tls) for fact in tools.world.hosts if fact.host in wanted & served]
    judged = [(host, tls) for host, tls in hosts if baseline.get(host, 0) and baseline[host] < 500]
    if hosts and not judged:
        return Proof(
            True, "before the run the primary answered no host well from here: nothing can be proven"
        )
    if judged and not reached(tools.target(side)):
        return Proof(True, f"this machine has no route to {' '.join(tools.target(side).addresses) or side}")
    service = tools.world.service()
    tools.followers[side].sent(len(judged[:MOST_HOSTS]) * len(reached(tools.target(side))))
    answers = await ask(
        tools.clock,
        judged[:MOST_HOSTS],
        tools.target(side),
        (service.http, service.https),
        tools.world.controller.proxy_protocol,
    )
    bad = [answer for answer in answers if not answer.as_before(baseline)]
    if dead := _dead(answers):
        return Proof(True, f"no host answers at {' and '.join(dead)} from here: nothing is proven")
    if bad and (other := await _other(tools, side, bad)) is not None:
        # What fails alike on the other side is the application's trouble, and no reason to move anything.
        alike = {(answer.place, answer.fault) for answer in other if not answer.as_before(baseline)}
        bad = [answer for answer in bad if (answer.place, answer.fault) not in alike]
    if bad:
        few = brief([f"{answer.host} at {answer.address}: {said(answer.result)}" for answer in bad])
        return Proof(True, f"{len(bad)} of {len(answers)} probes failed: {few}")
    return Proof(False, f"{pods.ready} ready pods, {len(answers)} probes answered")


async def as_well(tools: Tools, side: SideName, hosts: Sequence[tuple[str, bool]]) -> Proof:
    """Whether `side` answers as well as the other one for (host, TLS) pairs that no baseline knows."""
    service, proxy = tools.world.service(), tools.world.controller.proxy_protocol
    ports = (service.http, service.https)
    sides = (OTHER[side], side)
    for one in sides:
        tools.followers[one].sent(len(hosts) * len(reached(tools.target(one))))
    there, here = await together(*(ask(tools.clock, hosts, tools.target(one), ports, proxy) for one in sides))
    now: dict[str, int] = {}
    for answer in there:
        now[answer.host] = max(now.get(answer.host, 0), answer.result.status if answer.good else 599)
    bad = [answer for answer in here if now.get(answer.host, 599) < 500 and not answer.as_before(now)]
    few = brief([f"{answer.host} at {answer.address}: {said(answer.result)}" for answer in bad])
    return Proof(bool(bad), few or f"{len(here)} probes answered")


def _dead(answers: Sequence[Answer]) -> list[str]:
    """Addresses at which nothing answered, although hosts did before the run."""
    alive = {answer.address for answer in answers if answer.good}
    return sorted({answer.address for answer in answers} - alive)


async def _other(tools: Tools, side: SideName, bad: Sequence[Answer]) -> tuple[Answer, ...] | None:
    """The same hosts asked at the other side; None where there is no other side."""
    if side == "primary" and tools.record.state.temporary != "ready":
        return None
    service = tools.world.service()
    hosts = sorted({(answer.host, answer.tls) for answer in bad})
    target = tools.target(OTHER[side])
    tools.followers[OTHER[side]].sent(len(hosts) * len(reached(target)))
    proxy = tools.world.controller.proxy_protocol
    return await ask(tools.clock, hosts, target, (service.http, service.https), proxy)


def said(result: ProbeResult) -> str:
    """A probe's result in two words."""
    return f"HTTP {result.status}" if result.ok else f"{result.failed_in}: {result.reason}"


def concrete(host: str) -> str:
    """A host that a wildcard covers."""
    return host.replace("*", "blueshift-probe", 1) if host.startswith("*.") else host
