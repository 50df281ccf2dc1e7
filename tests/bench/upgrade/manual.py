"""The published by-hand procedure as a script, as a careful person follows it.

Sources: "Kubernetes: Nginx and Zero Downtime in Production" (Codecademy Engineering, March 2020: the hook
that sleeps, quits nginx and waits for it, with 600 s to do so; a temporary release that takes the traffic
while the other is changed, by DNS), and "Migrating from stable/nginx-ingress" in the chart's README (a second
controller, DNS to it, the logs of both watched until the old one has no traffic, then the old one removed).

What differs from the published words, all of it in the procedure's favour:

- The temporary release does not create the IngressClass: with the same values Helm refuses to install it.
- The hook names nginx where the images have it. The published path is in none of them; the hook would fail.
- Labels are those of today's chart: the published ones select no pod, and the logs would seem silent at once.
- DNS is changed by nsupdate for all names at once, and the change waits until both servers have it.
- Not only the TTL is slept through: the logs are watched until nobody comes any more.

The published steps ask neither side for an answer, so neither does this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.lab import nameservers
from blueshift.lab.charts import chart
from blueshift.lab.demo.inside import helm, kubectl
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, TO, TTL, World, install, service_addresses
from blueshift.lab.zone import records
from tests.e2e.hazards import merged

TEMPORARY = f"{RELEASE}-temp"
"""Name of the second release, and of its namespace."""
BESIDE: Mapping[str, Any] = MappingProxyType({"controller": {"ingressClassResource": {"enabled": False}}})
"""Without which it does not install (helm: "invalid ownership metadata")."""
QUIT = "sleep 5; /usr/bin/nginx -c /etc/nginx/nginx.conf -s quit; while pgrep -x nginx; do sleep 1; done"
HOOK: Mapping[str, Any] = MappingProxyType(
    {
        "controller": {
            "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", QUIT]}}},
            "terminationGracePeriodSeconds": 600,
        }
    }
)
TTLS = 2
"""Times the TTL is slept through after a change of DNS, before anybody looks."""
SILENT = 10
"""Seconds without an access line after which a side has no traffic any more."""
LOOKS_EVERY = 5.0
PATIENCE = 300.0
"""Seconds after which a person goes on although some line still comes now and then."""
_SELECTOR = "app.kubernetes.io/component=controller"
_ACCESS = re.compile(r'"[A-Z]+ \S+ HTTP/[0-9.]+" \d{3} ')


async def upgrade(
    world: World,
    running: Mapping[str, Any],
    target: Mapping[str, Any],
    say: Callable[[str], None],
    clock: Clock,
) -> None:
    """Carry it out. Raises BlueshiftError with what a command said that failed: a person stops there."""
    say(f"1. helm install {TEMPORARY}: the running chart and values, without the IngressClass")
    await _install_temporary(world, merged(running, BESIDE))
    beside = await service_addresses(world.lab, clock, TEMPORARY)
    say(f"2. DNS to {', '.join(beside)}")
    await nameservers.write_zone(world.lab, records(beside, ttl=TTL), clock)
    await _left(world, NAMESPACE, say, clock)
    say("3. helm upgrade: the target, and the hook")
    await install(world.lab, TO, merged(merged(running, target), HOOK))
    say(f"4. DNS back to {', '.join(world.addresses)}")
    await nameservers.write_zone(world.lab, records(world.addresses, ttl=TTL), clock)
    await _left(world, TEMPORARY, say, clock)
    say(f"5. helm uninstall {TEMPORARY}")
    # As published, nobody waits for pods that end: that would be minutes more.
    await helm(world.lab, "uninstall", TEMPORARY, "-n", TEMPORARY)
    await kubectl(world.lab, "delete", "namespace", TEMPORARY, "--wait=false")


def accessed(logs: str) -> int:
    """How many lines of controllers' logs are of requests; the controller writes its own words between."""
    return sum(_ACCESS.search(line) is not None for line in logs.splitlines())


def told() -> dict[str, Any]:
    """The settings, for the result."""
    return {
        "temporary": dict(BESIDE),
        "hook": dict(HOOK),
        "sleeps_ttls": TTLS,
        "logs_silent_s": SILENT,
        "patience_s": PATIENCE,
    }


async def _install_temporary(world: World, values: Mapping[str, Any]) -> None:
    argv: Sequence[str] = (
        "install", TEMPORARY, str(chart(FROM)), "-n", TEMPORARY, "--create-namespace",
        "--wait", "--timeout", "180s", "-f", "-",
    )  # fmt: skip
    await helm(world.lab, *argv, stdin=msgspec.json.encode(values).decode())


async def _left(world: World, namespace: str, say: Callable[[str], None], clock: Clock) -> None:
    """Sleep through the TTL, then watch that side's logs until they are silent, or patience ends."""
    await clock.sleep(TTLS * TTL)
    until = clock.now() + PATIENCE
    while True:
        logs = await kubectl(
            world.lab, "logs", "-n", namespace, "-l", _SELECTOR, "-c", "controller",
            f"--since={SILENT}s", "--tail=-1", "--max-log-requests=10",
        )  # fmt: skip
        lines = accessed(logs)
        if not lines:
            say(f"   no request in {namespace} for {SILENT} s")
            return
        if clock.now() > until:
            say(f"   still {lines} requests in {namespace} in {SILENT} s: going on")
            return
        await clock.sleep(LOOKS_EVERY)
