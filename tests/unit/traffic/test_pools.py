"""Which kept connection a request goes over, and what is counted when it cannot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Generic

import pytest

from blueshift.traffic.http1 import Http1
from blueshift.traffic.http2 import Exchange, Http2
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.pools import C, Http1Pool, Http2Pool, Kept, Limits
from tests.fakes import ManualClock

KEY = ("a.test", 443, True)


class Wire(asyncio.Transport):
    """A transport that writes nowhere and remembers that it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        self.closed = True


def row() -> Row:
    return Row(id=0, kind="http1", persona="p", host="a.test", path="/", expected="", scheduled=0.0)


class Connected(Generic[C]):
    """A kept connection and its peer's end."""

    def __init__(self, kind: Callable[[Callable[[], float]], C]) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.wire = Wire()
        connection = kind(lambda: 0.0)
        connection.connection_made(self.wire)
        self.kept: Kept[C] = Kept(connection, ours, "192.0.2.1", 0.0)


async def test_the_connection_used_last_is_used_first() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    first, second = Connected(Http1), Connected(Http1)
    pool.give(KEY, first.kept, 0.0)
    pool.give(KEY, second.kept, 0.0)
    taking = row()
    assert await pool.get(KEY, taking, lambda: 1.0) == second.kept
    assert await pool.get(KEY, taking, lambda: 1.0) == first.kept
    assert await pool.get(KEY, taking, lambda: 1.0) is None
    assert taking.stale_closed == 0


async def test_an_end_that_the_loop_has_not_seen_yet_is_seen_by_the_peek() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    alive, ended = Connected(Http1), Connected(Http1)
    pool.give(KEY, alive.kept, 0.0)
    pool.give(KEY, ended.kept, 0.0)
    ended.peer.close()
    assert not ended.kept.connection.lost
    taking = row()
    assert await pool.get(KEY, taking, lambda: 1.0) == alive.kept
    assert taking.stale_closed == 1
    assert ended.wire.closed


async def test_every_closed_connection_on_the_way_is_counted() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    for _ in range(3):
        ended = Connected(Http1)
        pool.give(KEY, ended.kept, 0.0)
        ended.kept.connection.connection_lost(None)
    taking = row()
    assert await pool.get(KEY, taking, lambda: 1.0) is None
    assert taking.stale_closed == 3


async def test_an_idle_one_that_ended_below_a_live_one_is_not_counted() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    below, top = Connected(Http1), Connected(Http1)
    pool.give(KEY, below.kept, 0.0)
    pool.give(KEY, top.kept, 0.0)
    below.kept.connection.connection_lost(None)
    taking = row()
    assert await pool.get(KEY, taking, lambda: 1.0) == top.kept
    assert await pool.get(KEY, taking, lambda: 1.0) is None
    assert taking.stale_closed == 0


@pytest.mark.parametrize("limits", [Limits(age=30.0), Limits(idle=15.0)])
async def test_our_own_limit_is_not_the_servers_doing(limits: Limits) -> None:
    pool = Http1Pool(limits, 16, ManualClock())
    old = Connected(Http1)
    pool.give(KEY, old.kept, 0.0)
    old.peer.close()
    taking = row()
    assert await pool.get(KEY, taking, lambda: 31.0) is None
    assert taking.stale_closed == 0
    assert old.wire.closed


def test_use_makes_a_connection_no_younger_but_less_idle() -> None:
    kept = Connected(Http1).kept._replace(used=20.0)
    assert Limits(age=30.0, idle=15.0).allow(kept, 29.0)
    assert not Limits(age=30.0, idle=15.0).allow(kept, 31.0)
    assert not Limits(age=None, idle=15.0).allow(kept, 36.0)
    assert Limits().allow(kept, 1e6)


async def test_hosts_do_not_share_connections() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    pool.give(KEY, Connected(Http1).kept, 0.0)
    assert await pool.get(("b.test", 443, True), row(), lambda: 1.0) is None
    assert await pool.get(("a.test", 80, False), row(), lambda: 1.0) is None


class Makes:
    """Makes connections, one after the other."""

    def __init__(self) -> None:
        self.made: list[Connected[Http2]] = []

    async def __call__(self) -> Kept[Http2]:
        await asyncio.sleep(0)
        self.made.append(Connected(Http2))
        return self.made[-1].kept


async def get(pool: Http2Pool, make: Makes, taking: Row, now: float = 1.0) -> tuple[Kept[Http2], bool]:
    return await pool.get(KEY, taking, lambda: now, make)


async def test_requests_that_come_together_share_one_new_connection() -> None:
    pool, make = Http2Pool(None), Makes()
    got = await asyncio.gather(*(get(pool, make, row()) for _ in range(5)))
    assert len(make.made) == 1
    assert [reused for _, reused in got] == [False, True, True, True, True]


async def test_a_connection_that_the_server_left_is_replaced_without_a_count() -> None:
    pool, make, taking = Http2Pool(None), Makes(), row()
    kept, _ = await get(pool, make, taking)
    kept.connection.data_received(b"\x00\x00\x08\x07\x00" + bytes(4) + bytes(8))  # GOAWAY
    assert (await get(pool, make, taking))[1] is False
    assert taking.stale_closed == 0
    assert make.made[0].wire.closed


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_connection_that_ended_without_a_word_is_stale(noticed: bool) -> None:
    pool, make, taking = Http2Pool(None), Makes(), row()
    kept, _ = await get(pool, make, taking)
    make.made[0].peer.close()
    if noticed:
        kept.connection.eof_received()
    assert (await get(pool, make, taking))[1] is False
    assert taking.stale_closed == 1


async def test_a_busy_connection_that_ended_gets_no_further_request() -> None:
    pool, make, taking = Http2Pool(None), Makes(), row()
    kept, _ = await get(pool, make, taking)
    asking = asyncio.create_task(kept.connection.exchange([(":method", "GET")], b"", Exchange()))
    await asyncio.sleep(0)
    assert kept.connection.busy
    assert (await get(pool, make, taking))[0] is kept
    make.made[0].peer.close()
    assert (await get(pool, make, taking))[1] is False
    assert taking.stale_closed == 1
    assert not make.made[0].wire.closed
    asking.cancel()


async def test_a_connection_past_its_age_is_replaced() -> None:
    pool, make, taking = Http2Pool(30.0), Makes(), row()
    await get(pool, make, taking)
    assert (await get(pool, make, taking, now=29.0))[1] is True
    assert (await get(pool, make, taking, now=31.0))[1] is False
    assert taking.stale_closed == 0


async def test_what_comes_free_goes_to_who_waits_and_is_looked_at_before_its_first_byte() -> None:
    pool = Http1Pool(Limits(), 16, ManualClock())
    ended, alive = Connected(Http1), Connected(Http1)
    assert await pool.get(KEY, row(), lambda: 1.0) is None
    assert await pool.get(KEY, row(), lambda: 2.0) is None
    taking, later = row(), row()
    asking = asyncio.create_task(pool.get(KEY, taking, lambda: 2.0))
    await asyncio.sleep(0)
    pool.give(KEY, ended.kept, 2.0)
    ended.peer.close()
    assert await asking is None  # it takes the place of the one that ended
    assert taking.stale_closed == 1
    waiting = asyncio.create_task(pool.get(KEY, later, lambda: 2.0))
    await asyncio.sleep(0)
    pool.give(KEY, alive.kept, 2.0)
    got = await waiting
    assert got is not None
    assert got.connection is alive.kept.connection
