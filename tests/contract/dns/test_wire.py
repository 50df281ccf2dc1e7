"""A question on its way, and whoever asked it is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import dns.message
import pytest

from blueshift.dns.wire import ask, question


class _Echo(asyncio.DatagramProtocol):
    """Answers every question with nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = dns.message.make_response(dns.message.from_wire(data))
        self._transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    transport.close()


async def test_who_asks_can_be_ended_at_every_moment(port: int) -> None:
    """In one of them the answer has just come: there asyncio.wait_for goes on as if nobody had said so."""
    await ask(question("example.test", "A", recursive=False), "127.0.0.1", port)
    for moments in range(1000):
        asking = asyncio.create_task(ask(question("example.test", "A", recursive=False), "127.0.0.1", port))
        for _ in range(moments):
            await asyncio.sleep(0)
        if not asking.cancel():
            break  # it was over before
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert 5 < moments < 999
