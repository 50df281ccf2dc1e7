"""What is upgraded, and what of it is bad: nine worlds, each met by all its tools alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.lab import application
from blueshift.lab.demo import settings
from blueshift.lab.demo.breaks import BREAKS
from blueshift.lab.demo.inside import kubectl
from blueshift.lab.demo.world import World
from blueshift.lab.loadbalancer import PLAIN, Habits
from blueshift.traffic.prober.plan import Plan
from tests.bench.upgrade.load import PINNED, PINNED_FOR, long_lived, pinned, pooled
from tests.bench.upgrade.order import TOOLS, ToolName
from tests.e2e.hazards import SNIPPET
from tests.e2e.quiet import quiet_playbook

Values = Mapping[str, Any]
_NONE: Values = MappingProxyType({})
LAG = 15.0
"""Seconds; of a cloud's balancer two minutes were measured (aws-load-balancer-controller issue 3270)."""
STOP = ("/usr/bin/nginx", "-c", "/etc/nginx/nginx.conf", "-s", "stop")
"""As a hook. Without one the controller ends nginx by SIGQUIT, and keeps its own signals from it (Setpgid in
`Start`): only a chart or an image of a company's own does worse today."""
KEEPING: Values = MappingProxyType({"controller": {"config": {"keep-alive": "75", "http-snippet": ""}}})
"""nginx's own limits in place of the demo's: a connection may be idle for 75 s, and live for an hour."""
PATIENCE = 330.0
"""Seconds of a drain after which Blueshift asks a person about clients that stay: by then the longest session
is over, or was cut after a quiesce (240 s); a pool is not."""
_PREFIX = "nginx.ingress.kubernetes.io/"


async def _as_it_is(_world: World, _clock: Clock) -> Values:
    return _NONE


class Scenario(msgspec.Struct, frozen=True):
    """One world and its traffic."""

    about: str
    """For people; without a full stop."""
    repeats: int = 3
    running: Values = _NONE
    """Laid over the demo's values, in the running release and in the target alike."""
    make: Callable[[World, Clock], Awaitable[Values]] = _as_it_is
    """What else is done to the world before traffic runs; returns what the target has of its own."""
    load: Callable[[Plan], Plan] = lambda load: load
    balancer: Habits = PLAIN
    """Of the lab."""
    before: float = 0.0
    """Seconds of traffic before the tool is started, beside the first ten."""
    second: bool = False
    """Whether wrk asks beside the traffic, as a witness that is not ours."""
    tools: tuple[ToolName, ...] = TOOLS
    """That are tried in it."""
    overrides: Mapping[str, Values] = settings.OVERRIDES
    """Of the playbook's steps, for Blueshift."""
    playbook: Callable[[World], Path] | None = None
    """For Blueshift; the shipped one if there is none."""
    after: float = 30.0
    """Seconds of traffic after it has ended: what it left behind goes on answering, or does not."""


async def _snippet(world: World, _clock: Clock) -> Values:
    await kubectl(world.lab, "annotate", "ingress", "shop", "-n", application.NAMESPACE, SNIPPET)
    return _NONE


async def _patient(world: World, _clock: Clock) -> Values:
    """nginx gives an answer up after 60 s: a poll of as many needs more, whoever upgrades."""
    timeouts = (f"{_PREFIX}proxy-{what}-timeout=3600" for what in ("read", "send"))
    await kubectl(world.lab, "annotate", "ingress", "inbox", "-n", application.NAMESPACE, *timeouts)
    return _NONE


async def _answers_503(world: World, clock: Clock) -> Values:
    return (await BREAKS["primary-unready"](world, clock)).values


_DRAINS = ("drain-primary", "drain-temporary")
_POOLED = Scenario(
    "clients keep their connections busy for as long as nginx lets them (an hour), and WebSockets of five "
    f"minutes beside them; of clients that stay Blueshift asks a person after {PATIENCE:g} s",
    repeats=1,
    running=KEEPING,
    load=pooled,
    overrides={
        **settings.OVERRIDES,
        **{step: {**settings.OVERRIDES[step], "ask_after": f"{PATIENCE:g}s"} for step in _DRAINS},
    },
)


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "healthy": Scenario(
            "two replicas, the chart's own hook (`/wait-shutdown`) and grace period of 300 s, and a target "
            "that serves all",
            second=True,
        ),
        "silent-break": Scenario(
            "one Ingress has a snippet, which the running controller allows and the target's risk level of "
            "1.12 does not: it drops the host, and is Ready",
            running={"controller": {"allowSnippetAnnotations": True}},
            make=_snippet,
        ),
        "abrupt": Scenario(
            "no graceful stop: a pod that is told to end sends nginx SIGTERM at once, which drops what is "
            "under way",
            running={"controller": {"lifecycle": {"preStop": {"exec": {"command": STOP}}}}},
        ),
        "long": Scenario(
            "polls of 60 s, and sixty WebSockets of five minutes open at any time",
            repeats=1,
            make=_patient,
            load=long_lived,
            before=60.0,
            after=300.0,
        ),
        "lb-lag": Scenario(
            f"as `healthy`, with a load balancer that sends new connections to a pod for {LAG:g} s after it "
            "began to end",
            balancer=Habits(deregister_lag=LAG),
        ),
        "pinned": Scenario(
            f"{PINNED:.0%} of the clients keep what DNS answered for {PINNED_FOR / 60:g} minutes, whatever "
            "its TTL",
            repeats=1,
            load=pinned,
            after=60.0,
        ),
        "bad-target": Scenario(
            "the target's pods are Ready by their own probe and answer 503 for every host", make=_answers_503
        ),
        "pooled": _POOLED,
        "pooled-quiesced": msgspec.structs.replace(
            _POOLED,
            about="as `pooled`, by a playbook that quiesces a side before its drain (no shipped one does)",
            tools=("blueshift",),
            playbook=quiet_playbook,
        ),
    }
)
SHORT = ("healthy", "silent-break")
