"""A reflector: list, then watch; after every end list again and tell the difference."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import aiohttp
import msgspec

from blueshift.clock import Clock
from blueshift.cluster.errors import Gone
from blueshift.cluster.listing import list_all
from blueshift.cluster.transport import Transport
from blueshift.errors import Retryable

# Seconds: how long the server keeps one watch, and how long we wait for it to say anything (it sends
# bookmarks about once a minute, and ends the watch at LASTS).
LASTS = 240
QUIET = 300.0
# Seconds from the begin of a watch to the list after it.
SHORTEST = 1.0


class WatchEvent(msgspec.Struct, frozen=True):
    """A change of one object; `object` is its whole new state (the last known one for DELETED)."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: dict[str, Any]


async def watch(
    transport: Transport, clock: Clock, path: str, params: Mapping[str, Any]
) -> AsyncIterator[WatchEvent]:
    """Events of a collection, forever: first ADDED for what is there, then every change.

    What changed while no watch was open is told after the next list, deletions too, but only the last
    state of each object. The first list raises what it raises; later, an unreachable server is waited for.
    """
    known: dict[str, dict[str, Any]] = {}
    items, version = await list_all(transport, path, params)
    while True:
        for event in _difference(known, items):
            yield event
        began = clock.now()
        async for event in _follow(transport, path, params, version, known):
            yield event
        # A middlebox that ends every watch at once must not make us list without pause.
        await clock.sleep(max(0.0, began + SHORTEST - clock.now()))
        while True:
            try:
                items, version = await list_all(transport, path, params)
                break
            except Retryable as trouble:
                await clock.sleep(trouble.after)


async def _follow(
    transport: Transport,
    path: str,
    params: Mapping[str, Any],
    version: str,
    known: dict[str, dict[str, Any]],
) -> AsyncIterator[WatchEvent]:
    """Events from `version` on, until the watch ends for whatever reason that a new list mends."""
    query = {
        **params,
        "watch": True,
        "allowWatchBookmarks": True,
        "resourceVersion": version,
        "timeoutSeconds": LASTS,
    }
    try:
        async with transport.stream(path, query, quiet=QUIET) as response:
            async for line in response.content:
                raw = msgspec.json.decode(line)
                kind, found = raw["type"], raw["object"]
                if kind == "ERROR":
                    return  # 410 Expired, mostly; a list tells
                if kind != "BOOKMARK":
                    _remember(known, kind, found)
                    yield WatchEvent(kind, found)
    except (Gone, Retryable, aiohttp.ClientError, OSError, msgspec.DecodeError):
        return


def _difference(known: dict[str, dict[str, Any]], items: list[dict[str, Any]]) -> list[WatchEvent]:
    """Bring `known` to `items` and tell what that changed. A new uid under an old name is two events."""
    now = {item["metadata"]["uid"]: item for item in items}
    events = [WatchEvent("DELETED", known.pop(uid)) for uid in list(known) if uid not in now]
    for uid, item in now.items():
        before = known.get(uid)
        if before is None:
            events.append(WatchEvent("ADDED", item))
        elif before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            events.append(WatchEvent("MODIFIED", item))
        known[uid] = item
    return events


def _remember(known: dict[str, dict[str, Any]], kind: str, found: dict[str, Any]) -> None:
    uid = found["metadata"]["uid"]
    if kind == "DELETED":
        known.pop(uid, None)
    else:
        known[uid] = found
