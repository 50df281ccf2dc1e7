"""The lab's application: answers with what it saw, and remembers the id of every request that it served.

This one file runs in an image with Debian's python3 and python3-aiohttp 3.8, so it imports nothing of ours.
Each port stands for one Service (its marker in the answer), so that a request on the wrong route is seen.
What a request wants is in its query, which a rewrite of the path leaves alone: `wait=SECONDS` (a long poll),
`stream=LINES&every=SECONDS` (an answer in parts), or an Upgrade to WebSocket (every message comes back).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import uuid
import zlib

from aiohttp import WSMsgType, web

ID_HEADER = "X-Blueshift-Id"
MAX_UPLOAD = 8 * 1024 * 1024
KEEP_ALIVE = 3600.0
"""Seconds; longer than any proxy's own, so that the proxy is always the one who ends an idle connection."""


class Served:
    """The ids in the order in which they came. `boot` changes when a restart has lost them."""

    def __init__(self) -> None:
        self.boot = uuid.uuid4().hex
        self.ids: list[str] = []

    async def show(self, request: web.Request) -> web.Response:
        """GET /ids?after=N: one JSON line {boot, total}, then the ids from the N-th on, one per line."""
        after = int(request.query.get("after", "0"))
        ids = self.ids[after:]
        head = json.dumps({"boot": self.boot, "total": after + len(ids)})
        return web.Response(text="\n".join([head, *ids, ""]), content_type="text/plain")


class Echo:
    """The handler of one Service's port."""

    def __init__(self, service: str, served: Served) -> None:
        self.service = service
        self.served = served
        self.sockets: set[web.WebSocketResponse] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any method on any path."""
        # The id is kept before anything can fail: an answer that the client has always has its row here.
        if request_id := request.headers.get(ID_HEADER):
            self.served.ids.append(request_id)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        body = await request.read()
        if wait := float(request.query.get("wait", "0")):
            await asyncio.sleep(wait)  # noqa: TID251  # no Clock in this image
        seen = self._seen(request, body)
        if lines := int(request.query.get("stream", "0")):
            return await self._stream(request, seen, lines, float(request.query.get("every", "0.1")))
        return web.Response(
            body=json.dumps(seen).encode(), content_type="application/json", headers=_headers(request)
        )

    def _seen(self, request: web.Request, body: bytes = b"") -> dict[str, object]:
        return {
            "id": request.headers.get(ID_HEADER, ""),
            "service": self.service,
            "host": request.headers.get("Host", ""),
            "path": request.rel_url.raw_path,
            "method": request.method,
            "length": len(body),
            "crc32": zlib.crc32(body),
        }

    async def _stream(
        self, request: web.Request, seen: dict[str, object], lines: int, every: float
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **_headers(request)})
        await response.prepare(request)
        await response.write(json.dumps(seen).encode() + b"\n")
        for line in range(lines):
            await asyncio.sleep(every)  # noqa: TID251  # no Clock in this image
            await response.write(b'{"line": %d}\n' % line)
        await response.write_eof()
        return response

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        session = web.WebSocketResponse()
        session.headers.update(_headers(request))
        await session.prepare(request)
        self.sockets.add(session)
        try:
            await session.send_str(json.dumps(self._seen(request)))
            async for message in session:
                if message.type == WSMsgType.TEXT:
                    await session.send_str(message.data)
        finally:
            self.sockets.discard(session)
        return session

    async def close(self, _app: web.Application) -> None:
        """End every session with a Close frame (1001, going away), as a server owes its clients."""
        await asyncio.gather(
            *(session.close(code=1001) for session in list(self.sockets)), return_exceptions=True
        )


def _headers(request: web.Request) -> dict[str, str]:
    return {ID_HEADER: request.headers.get(ID_HEADER, ""), "X-Echo-Pod": os.environ.get("HOSTNAME", "")}


async def serve(services: dict[str, int], admin_port: int, host: str | None) -> None:
    """Listen until SIGTERM or SIGINT; then refuse new connections and finish what is in flight (≤ 60 s)."""
    served = Served()
    runners = []
    admin = web.Application()
    admin.router.add_get("/ids", served.show)
    admin.router.add_get("/healthz", _healthy)
    for application, port in [(_application(name, served), port) for name, port in services.items()] + [
        (admin, admin_port)
    ]:
        runner = web.AppRunner(application, access_log=None, keepalive_timeout=KEEP_ALIVE)
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024).start()
        runners.append(runner)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print("ready", flush=True)  # noqa: T201  # whoever started it waits for this line
    await stop.wait()
    await asyncio.gather(*(runner.cleanup() for runner in runners))


def _application(service: str, served: Served) -> web.Application:
    echo = Echo(service, served)
    application = web.Application(client_max_size=MAX_UPLOAD)
    application.router.add_route("*", "/{path:.*}", echo.handle)
    application.on_shutdown.append(echo.close)
    return application


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", action="append", metavar="NAME=PORT", help="a Service and its port")
    parser.add_argument("--admin-port", type=int, default=9090)
    parser.add_argument("--host", default=None, help="address to listen on; all if not given")
    arguments = parser.parse_args()
    pairs = [
        text.partition("=") for text in arguments.service or ["echo-a=8080", "echo-b=8081", "echo-c=8082"]
    ]
    asyncio.run(serve({name: int(port) for name, _, port in pairs}, arguments.admin_port, arguments.host))


if __name__ == "__main__":
    main()
