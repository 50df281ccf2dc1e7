"""A TCP proxy in front of the API server that loses answers and cuts connections when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Proxy:
    """`pass` passes all on; `swallow` passes requests on and cuts at the first byte of the answer;
    `silent` passes requests on and answers never; `refuse` cuts new connections at once."""

    target: int
    port: int = 0
    mode: Literal["pass", "swallow", "silent", "refuse"] = "pass"
    connections: int = 0
    """How many were opened so far."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """End every connection as a dead balancer does: with RST."""
        for writer in list(self._open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.mode == "refuse":
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.target)
        both = {writer, upstream_writer}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, upstream_writer, writer))
                group.create_task(self._answers(upstream_reader, writer, upstream_writer))
        finally:
            self._open -= both

    async def _requests(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                to.write(data)
                await to.drain()
        to.transport.abort()
        back.transport.abort()

    async def _answers(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.mode == "swallow":
                    break
                if self.mode != "silent":
                    to.write(data)
                    await to.drain()
        to.transport.abort()
        back.transport.abort()


@asynccontextmanager
async def proxied(target: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
