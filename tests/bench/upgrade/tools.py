"""The three ways to upgrade, each told the same: this release, this chart, these values."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab.demo import settings, upgrade
from blueshift.lab.demo.run import carried
from blueshift.lab.demo.world import TO, World, install
from tests.bench.upgrade import manual
from tests.bench.upgrade.order import ToolName
from tests.e2e.hazards import merged

_TOLD = 400
"""Characters of what a tool said that are kept beside its figures; all of it is in its log."""
_STOPS = re.compile(r"^(?:FAIL|NOT LOOKED) +\S+: .*|.* (?:HOLDS|TURNS|waits at the gate) .*", re.MULTILINE)
"""How `blueshift upgrade` says why it stops: a check that failed, a step that holds, or a question."""
_ENDS = {0: "succeeded", 3: "refused before anything was changed", 4: "taken back", 5: "holds"}


class Order(msgspec.Struct, frozen=True):
    """What is to be upgraded."""

    world: World
    running: Mapping[str, Any]
    """All values of the running release."""
    target: Mapping[str, Any]
    """What the target has beside them."""
    config: Path
    """The same as a blueshift.yaml."""
    playbook: Path | None
    """By which Blueshift goes; the shipped one if there is none."""
    say: Callable[[str], None]


class Ended(msgspec.Struct, frozen=True):
    """How a tool ended."""

    noticed: bool
    said: str


async def helm_upgrade(order: Order, _clock: Clock) -> Ended:
    """`helm upgrade --wait`: it waits until the new pods are Ready, and says when they do not become it."""
    try:
        await install(order.world.lab, TO, merged(order.running, order.target))
    except BlueshiftError as error:
        order.say(error.message)
        return Ended(True, error.message[-_TOLD:])
    return Ended(False, "upgraded")


async def by_hand(order: Order, clock: Clock) -> Ended:
    """The published steps (`manual`); a person notices when a command fails."""
    try:
        await manual.upgrade(order.world, order.running, order.target, order.say, clock)
    except BlueshiftError as error:
        order.say(error.message)
        return Ended(True, error.message[-_TOLD:])
    return Ended(False, "upgraded")


async def blueshift(order: Order, clock: Clock) -> Ended:
    """`blueshift upgrade --yes`, by the rights that `blueshift rbac --role runner` prints."""
    playbook = ("--playbook", str(order.playbook)) if order.playbook else ()
    process = await upgrade.start(
        order.world.lab, "upgrade", "--yes", "--config", str(order.config), *playbook, "--output", "plain"
    )
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        order.say(line)

    code = await carried(process, hear, clock)
    ended = _ENDS.get(code, f"failed with exit code {code}")
    stops = _STOPS.findall("\n".join(lines))
    why = stops[0].strip() if stops else ""
    return Ended(code != 0, f"{ended}: {why}"[:_TOLD] if code and why else ended)


Tool = Callable[[Order, Clock], Awaitable[Ended]]
TOOLS: Mapping[ToolName, Tool] = MappingProxyType(
    {"helm_upgrade": helm_upgrade, "manual": by_hand, "blueshift": blueshift}
)


def told() -> dict[str, Any]:
    """The settings of each tool, for the result."""
    return {
        "helm_upgrade": {"command": "helm upgrade --install --wait --timeout 180s"},
        "manual": manual.told(),
        "blueshift": {
            "command": "blueshift upgrade --yes",
            "overrides": {step: dict(given) for step, given in settings.OVERRIDES.items()},
        },
    }
