"""The reflector against a scripted server: expiry, broken streams, pauses between lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest

from blueshift.cluster.errors import ApiUnreachable, Forbidden, Gone
from blueshift.cluster.transport import Transport
from blueshift.cluster.watch import watch
from tests.fakes import ManualClock

Json = dict[str, Any]


def item(name: str, version: int = 1, uid: str = "") -> Json:
    return {"metadata": {"name": name, "uid": uid or name, "resourceVersion": str(version)}}


def listing(*items: Json, version: str = "10") -> Json:
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": version}, "items": items}


class Server:
    """Answers each list and each watch with the next of its script; the script's end ends the test."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[Json] = []

    async def read(self, method: str, path: str, params: Json, *, accept: str) -> Any:
        return self._next(dict(params))

    @asynccontextmanager
    async def stream(self, path: str, params: Json, *, quiet: float) -> AsyncIterator[Any]:
        yield _Response(self._next(dict(params)))

    def _next(self, params: Json) -> Any:
        self.asked.append(params)
        if not self.script:
            raise Forbidden("the end of the script")
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Response:
    def __init__(self, events: list[Any]) -> None:
        self.content = self._lines(events)

    async def _lines(self, events: list[Any]) -> AsyncIterator[bytes]:
        for event in events:
            if isinstance(event, Exception):
                raise event
            yield event if isinstance(event, bytes) else msgspec.json.encode(event)


async def run(server: Server, clock: ManualClock | None = None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    with pytest.raises(Forbidden, match="end of the script"):  # noqa: PT012
        async for event in watch(cast(Transport, server), clock or ManualClock(), "/p", {"a": "b"}):
            found.append((event.type, event.object["metadata"]["name"]))  # noqa: PERF401
    return found


EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}


@pytest.mark.parametrize(
    "end",
    [
        [],
        [EXPIRED],
        [TimeoutError()],
        [ConnectionResetError()],
        [b'{"type": "ADD'],
        Gone("too old"),
        ApiUnreachable("away"),
    ],
    ids=["eof", "410 event", "timeout", "reset", "cut line", "410 answer", "unreachable"],
)
async def test_every_end_of_a_watch_is_mended_by_a_list_that_tells_the_difference(end: Any) -> None:
    server = Server(
        listing(item("kept"), item("changed"), item("gone"), item("remade", uid="1")),
        end,
        listing(item("kept"), item("changed", 2), item("new"), item("remade", uid="2")),
        [],
    )
    assert await run(server) == [
        ("ADDED", "kept"),
        ("ADDED", "changed"),
        ("ADDED", "gone"),
        ("ADDED", "remade"),
        ("DELETED", "gone"),
        ("DELETED", "remade"),
        ("MODIFIED", "changed"),
        ("ADDED", "new"),
        ("ADDED", "remade"),
    ]


async def test_what_a_watch_told_is_not_told_again_by_the_list_after_it() -> None:
    events = [
        {"type": "ADDED", "object": item("b", 11)},
        {"type": "BOOKMARK", "object": item("", 12)},
        {"type": "DELETED", "object": item("a", 13)},
    ]
    server = Server(listing(item("a")), events, listing(item("b", 11)), [])
    assert await run(server) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


async def test_the_watch_begins_at_the_list_and_asks_for_bookmarks_and_an_end() -> None:
    server = Server(listing(version="77"), [])
    await run(server)
    asked = server.asked[1]
    assert (asked["resourceVersion"], asked["allowWatchBookmarks"], asked["a"]) == ("77", True, "b")
    assert asked["timeoutSeconds"] > 0


async def test_a_server_that_ends_every_watch_is_not_asked_without_pause() -> None:
    clock = ManualClock()
    await run(Server(listing(), [], listing(), []), clock)
    assert clock.elapsed >= 2.0


async def test_an_unreachable_server_is_waited_for_after_the_first_list() -> None:
    clock = ManualClock()
    server = Server(listing(item("a")), [], ApiUnreachable("away", after=7.0), listing(item("a")), [])
    assert await run(server, clock) == [("ADDED", "a")]
    assert 7.0 in clock.sleeps


async def test_the_first_list_raises() -> None:
    with pytest.raises(ApiUnreachable):
        async for _ in watch(cast(Transport, Server(ApiUnreachable("away"))), ManualClock(), "/p", {}):
            pass
