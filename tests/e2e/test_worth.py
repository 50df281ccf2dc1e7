"""Protections whose loss only traffic shows: each taken away, from here and by no switch.

Those that need no traffic are in tests/contract/protections and tests/contract/lab/test_status.py.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import pytest

from blueshift.controllers.ingress_nginx.harden import harden
from blueshift.controllers.overrides import apply
from blueshift.controllers.profile import HardenFacts
from blueshift.helm.charts import read_chart
from blueshift.lab import facts
from blueshift.lab.charts import chart
from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.inside import kubectl
from blueshift.lab.demo.upgrade import BLUESHIFT
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, TO, install, values
from tests.e2e.command import REPO, blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import settled
from tests.e2e.pinned import Pinned
from tests.e2e.traffic import again_if_void, assert_ended, assert_nothing_lost, traffic

pytestmark = pytest.mark.slow

RATE = 60.0
"""Requests per second: each has a connection of its own, and most a TLS handshake."""
# Widely copied. The path is in no image: nginx is never told to end, and the hook waits for it in vain until
# the pod is killed, here sooner than some requests end.
HOOK = (
    "sleep 5; /usr/local/openresty/nginx/sbin/nginx -c /etc/nginx/nginx.conf -s quit; "
    "while pgrep -x nginx; do sleep 1; done"
)
HASTY: dict[str, Any] = {
    "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", HOOK]}}},
    "terminationGracePeriodSeconds": 10,
}


@pytest.mark.parametrize("protected", [True, False], ids=["hardened", "without"])
@again_if_void
async def test_harden(make_world: MakeWorld, record: Record, protected: bool) -> None:
    """All pods of the primary are replaced while it serves. Not hardened, they cut what they have."""
    world = await make_world("harden")
    given = values(dual_stack=facts.of(world.lab).ipv6)
    given["controller"] |= HASTY
    if protected:
        package, asked = read_chart(chart(FROM)), settings.OVERRIDES["harden"]
        changes = harden(
            given,
            HardenFacts(
                package.version,
                package.app_version,
                package.defaults,
                shutdown_grace=int(asked["shutdown_grace"].removesuffix("s")),
                min_ready=int(asked["min_ready"].removesuffix("s")),
            ),
        )
        given = apply(given, changes)
    await install(world.lab, given=given)
    await settled(world)
    deployment = f"deployment/{RELEASE}-controller"
    async with traffic(world, rate=RATE, pooled=False) as counted:
        await kubectl(world.lab, "rollout", "restart", "-n", NAMESPACE, deployment)
        await kubectl(world.lab, "rollout", "status", "-n", NAMESPACE, deployment, "--timeout=180s")
        await settled(world)
    summary = counted.summary
    kinds = {kind: n.failed for kind, n in summary.by_kind.items()}
    record({"requests": summary.requests, "failed": summary.failed, "failed_by_kind": kinds})
    if protected:
        assert_nothing_lost(summary)
    else:
        assert summary.failed > 0, "nothing shows that it is needed"


@pytest.mark.parametrize("protected", [True, False], ids=["drained", "without"])
@again_if_void
async def test_drain(make_world: MakeWorld, record: Record, protected: bool) -> None:
    """A client stays at the temporary's address long after its TTL. Undrained, that goes under its feet."""
    world = await make_world("drain")
    before = await seen.look(world.lab)
    config = settings.write(world)
    client = Pinned(world)
    moved, waited_for = asyncio.Event(), asyncio.Event()

    def hear(line: str) -> None:
        tell(line)
        if re.search(r"forward/(drain-primary: waits|harden: )", line):
            moved.set()
        # Said only when the minimum is over: from then on it waits for those who still ask, as this client.
        if re.search(rf"forward/drain-temporary: waits: .*were asked in the last .*{client.host}", line):
            waited_for.set()

    async with traffic(world) as counted:
        running = asyncio.create_task(
            blueshift(
                world.lab,
                *("upgrade", "--yes", "--config", str(config), "--output", "plain"),
                hear=hear,
                cwd=REPO,
                program=(BLUESHIFT,) if protected else (sys.executable, "-m", "tests.e2e.without"),
            )
        )
        try:
            await first(running, moved)
            await client.start()
            assert client.address not in world.addresses, "it holds an answer from before the shift"
            if protected:
                await first(running, waited_for)
                await client.stop()
            ended = await running
        finally:
            await client.stop()
            running.cancel()
            await asyncio.wait({running})
    record(
        {
            "requests": counted.summary.requests,
            "failed": counted.summary.failed,
            "pinned_served": client.served,
            "pinned_failed": len(client.failed),
        }
    )
    after = await seen.look(world.lab)
    assert client.served > 0
    if protected:
        assert client.failed == []
        assert_ended(ended, 0, counted.summary)
    else:
        assert ended.code == 0, ended.why
        assert client.failed, "nothing shows that it is needed"
    assert (after.version, seen.left_behind(before, after)) == (TO, ()), "the temporary has gone"


async def first(running: asyncio.Task[Any], event: asyncio.Event) -> None:
    """Wait for it; a run that ends before is a failed test."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert event.is_set(), f"the run ended before: {running.result().why}"
