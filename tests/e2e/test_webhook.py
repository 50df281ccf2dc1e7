"""A primary that its upgrade broke, webhook and all: a word lets Ingresses pass, and Fail comes back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import application
from blueshift.lab.demo import settings
from blueshift.lab.demo.breaks import BREAKS
from blueshift.lab.demo.inside import kubectl, listed
from blueshift.lab.demo.world import World
from tests.e2e.command import blueshift
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.test_rollback import Before
from tests.e2e.traffic import again_if_void, traffic

pytestmark = pytest.mark.slow
DEAF = {"extraArgs": {"validating-webhook": ":8444"}}
"""The chart's Service goes on to ask at 8443, where nobody listens any more."""


async def write_an_ingress(world: World) -> None:
    """As any team would, and without keeping it. Raises BlueshiftError with what the API server said."""
    await kubectl(
        world.lab, "create", "ingress", "any", "--class=nginx", "--rule=any.lab.test/=echo-a:80",
        "-n", application.NAMESPACE, "--dry-run=server",
    )  # fmt: skip


async def policies(world: World) -> set[str]:
    """failurePolicy of every validating webhook in the cluster."""
    found = await listed(world.lab, "validatingwebhookconfigurations")
    return {one["failurePolicy"] for item in found for one in item["webhooks"]}


@again_if_void
async def test_ingresses_are_written_again_by_a_word_and_the_webhook_is_as_before_at_the_end(
    make_world: MakeWorld, record: Record
) -> None:
    world = await make_world("webhook")
    made = await BREAKS["primary-unready"](world, SystemClock())
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made.values))
    values["controller"] |= DEAF
    config = settings.write(world, values=values)
    before = await Before.of(world)
    async with traffic(world) as counted:
        held = await blueshift(world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain")
        assert held.code == 5, held.why
        assert "blueshift webhook" in held.text, held.why
        with pytest.raises(BlueshiftError, match="failed calling webhook"):
            await write_an_ingress(world)
        let = await blueshift(world.lab, "webhook", held.run, "ignore", "--yes")
        assert let.code == 0, let.text
        await write_an_ingress(world)
        assert await policies(world) == {"Ignore"}
        ended = await blueshift(world.lab, "rollback", held.run, "--yes", "--output", "plain")
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    await before.assert_again(ended, counted)
    assert await policies(world) == {"Fail"}
    await write_an_ingress(world)
