"""What looks for single checks leave in a World: plain data by check id, or why nothing could be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from blueshift.cluster.errors import Forbidden
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.together import together

Found = TypeVar("Found", bound=msgspec.Struct)
Item = TypeVar("Item")
Result = TypeVar("Result")

UNSEEN = "not-looked"
AT_ONCE = 16
"""Requests of one kind in flight: a look must not be felt by the cluster that it looks at."""


class NotLooked(Exception):
    """A check cannot judge: nothing was seen. Never a pass."""

    def __init__(self, reason: str, *, stops: bool = True) -> None:
        super().__init__(reason)
        self.stops = stops
        """Not where only a right is missing that no run needs (`rights.LOOKS`)."""


async def attempt(looks: Mapping[str, Awaitable[msgspec.Struct]], *, needed: bool = True) -> dict[str, Any]:
    """Do all looks side by side; one that fails leaves its reason and stops no other.

    `needed`: a run could not do without the rights to look. Where it could, a refusal stops no upgrade.
    """

    async def one(look: Awaitable[msgspec.Struct]) -> Any:
        try:
            return msgspec.to_builtins(await look)
        except Forbidden as error:
            if needed:
                return {UNSEEN: error.message, "hint": error.hint or ""}
            hint = "`blueshift rbac --role runner` prints roles that may look"
            return {UNSEEN: error.message, "hint": hint, "stops": False}
        except BlueshiftError as error:
            return {UNSEEN: error.message, "hint": error.hint or ""}

    return dict(zip(looks, await together(*map(one, looks.values())), strict=True))


def found(world: World, check: str, kind: type[Found]) -> Found:
    """What was seen for a check. Raises NotLooked with the reason."""
    seen = world.findings.get(check)
    if seen is None:
        raise NotLooked("this World was taken without looking for it")
    if UNSEEN in seen:
        reason = ": ".join(part for part in (seen[UNSEEN], seen.get("hint")) if part)
        raise NotLooked(reason, stops=seen.get("stops", True))
    return msgspec.convert(seen, kind)


def found_for(other: str, world: World, kind: type[Found]) -> Found:
    """What was seen for another check. Raises NotLooked: that check says itself why nothing was seen."""
    try:
        return found(world, other, kind)
    except NotLooked as reason:
        raise NotLooked(f"nothing is known about it (see {other})", stops=reason.stops) from None


def kept(seen: Any, kind: type[Found]) -> Found | None:
    """What `attempt` left of one look, or None where it failed."""
    return None if UNSEEN in seen else msgspec.convert(seen, kind)


async def each(
    work: Callable[[Item], Awaitable[Result]], items: Sequence[Item], at_once: int = AT_ONCE
) -> list[Result]:
    """The results of `work` for all items, in order, at most `at_once` at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: Item) -> Result:
        async with gate:
            return await work(item)

    return list(await together(*map(one, items)))
