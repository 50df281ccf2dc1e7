"""HTTP to one API server: explicit timeouts, reads retried a bounded number of times, writes sent once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from yarl import URL

from blueshift.clock import Clock
from blueshift.cluster import wire
from blueshift.cluster.access import Access
from blueshift.cluster.errors import (
    ApiFailing,
    ApiUnreachable,
    Endless,
    NotKubernetes,
    TooMany,
    Untrusted,
    WriteLost,
    refusal,
)
from blueshift.errors import BlueshiftError, Retryable

# Seconds. A write may wait for admission webhooks, which Kubernetes lets take up to 30 s each.
CONNECT = 5.0
READ = 30.0
WRITE = 65.0
# Seconds for the whole of a read, however steadily it trickles: a page of 500 objects over a slow line.
WHOLE = 120.0
# Tries of one read: about 7 s of pauses in all, which rides out an API server's restart behind a balancer.
TRIES = 5

Params = Mapping[str, Any]
_WARNING = re.compile(r'299 \S+ "(.*)"')
"""RFC 7234, 5.5, as the API server writes it (apimachinery: net.NewWarningHeader)."""


class Transport:
    """One session; created and closed within one event loop."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self.access = access
        self._clock = clock
        self._session = wire.session()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def read(
        self,
        method: str,
        path: str,
        params: Params,
        body: Any = None,
        *,
        accept: str = "application/json",
        tries: int = TRIES,
    ) -> Any:
        """The decoded answer to a request that changes nothing; tried again while that may help."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_attempt(tries),
            wait=_pause,
            sleep=self._clock.sleep,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                return (await self._answer(method, path, params, body, read=True, accept=accept))[0]
        raise AssertionError("tenacity ends by answer or error")

    async def raw(self, path: str) -> bytes:
        """What a path answers, undecoded; asked once."""
        timeout = aiohttp.ClientTimeout(total=WHOLE, sock_connect=CONNECT, sock_read=READ)
        async with self._request("GET", path, {}, timeout=timeout, read=True) as response:
            return await response.read()

    async def write(
        self, method: str, path: str, params: Params, body: Any, *, content: str = "application/json"
    ) -> Any:
        """The decoded answer to a request that is sent at most once.

        Raises WriteLost when it may have been stored, ApiUnreachable when it never left.
        """
        return (await self._answer(method, path, params, body, read=False, content=content))[0]

    async def dry_run(
        self, method: str, path: str, params: Params, body: Any, *, content: str
    ) -> tuple[Any, tuple[str, ...]]:
        """The decoded answer to a write that stores nothing, and the server's warnings; asked once."""
        answer, response = await self._answer(
            method, path, {**params, "dryRun": "All"}, body, read=True, content=content
        )
        texts = (_WARNING.match(line) for line in response.headers.getall("Warning", []))
        return answer, tuple(found[1].replace('\\"', '"') for found in texts if found)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Params, *, quiet: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that goes on; TimeoutError while reading when nothing came for `quiet` seconds."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=quiet)
        async with self._request("GET", path, params, timeout=timeout, read=True) as response:
            yield response

    @asynccontextmanager
    async def websocket(
        self, path: str, params: list[tuple[str, str]], protocols: tuple[str, ...]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to a streaming subresource."""
        place = f"GET {path}"
        try:
            async with self._session.ws_connect(
                self._url(path, params),
                protocols=protocols,
                headers=await self.access.headers(),
                ssl=self.access.tls,
                proxy=self.access.proxy,
                server_hostname=self.access.server_name,
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT),
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            headers = dict(error.headers or {})
            status = {"message": error.message}
            raise refusal(error.status, status, headers, place=place, read=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error

    async def _answer(
        self,
        method: str,
        path: str,
        params: Params,
        body: Any,
        *,
        read: bool,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[Any, aiohttp.ClientResponse]:
        headers = {"Accept": accept}
        data = None
        if body is not None:
            headers["Content-Type"] = content
            data = msgspec.json.encode(body)
        timeout = aiohttp.ClientTimeout(
            total=WHOLE if read else WRITE, sock_connect=CONNECT, sock_read=READ if read else WRITE
        )
        async with self._request(
            method, path, params, headers=headers, data=data, timeout=timeout, read=read
        ) as response:
            raw = await wire.whole(response)
        return self._decoded(raw, f"{method} {path}", read=read), response

    def _decoded(self, raw: bytes | None, place: str, *, read: bool) -> dict[str, Any]:
        try:
            answer = {} if raw == b"" else msgspec.json.decode(raw or b"")
            why = "" if isinstance(answer, dict) else "its answer is no object"
        except (msgspec.DecodeError, RecursionError):
            why = (
                "its answer is no JSON"
                if raw is not None
                else f"its answer is bigger than {wire.LARGEST:,} bytes"
            )
        if not why:
            return dict(answer)
        if read:
            raise NotKubernetes(self.access.server, why, place=place)
        raise WriteLost(why, place=place, hint="look whether it landed before trying again")

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        params: Params,
        *,
        timeout: aiohttp.ClientTimeout,
        read: bool,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request, at most repeated once after 401, which is given before anything is done."""
        place = f"{method} {path}"
        for anew in (False, True):
            everything = {**(headers or {}), **await self.access.headers(anew=anew)}
            try:
                async with self._session.request(
                    method,
                    self._url(path, params),
                    headers=everything,
                    data=data,
                    timeout=timeout,
                    ssl=self.access.tls,
                    proxy=self.access.proxy,
                    server_hostname=self.access.server_name,
                    allow_redirects=False,
                ) as response:
                    self._learn(response)
                    if response.status == 401 and not anew:
                        continue
                    if response.status >= 300:
                        status = wire.status_of(await wire.whole(response) or b"")
                        raise refusal(response.status, status, response.headers, place=place, read=read)
                    yield response
                    return
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                raise self._unreachable(error) from error
            except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                if read and wire.trickles(error):
                    raise Endless(self.access.server, WHOLE, place=place) from error
                if read:
                    raise self._unreachable(error) from error
                raise WriteLost(
                    f"the answer was lost ({str(error) or type(error).__name__})",
                    place=place,
                    hint="look whether it landed before trying again",
                ) from error

    def _url(self, path: str, params: Params | list[tuple[str, str]]) -> URL:
        pairs = params if isinstance(params, list) else list(wire.pairs(params))
        query = f"?{urlencode(pairs)}" if pairs else ""
        return URL(f"{self.access.server}{path}{query}", encoded=True)

    def _learn(self, response: aiohttp.ClientResponse) -> None:
        try:
            server = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        self._clock.learn(server)

    def _unreachable(self, error: BaseException) -> BlueshiftError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Untrusted(self.access.server, wire.mistrust(error.certificate_error))
        return ApiUnreachable(
            f"the API server {self.access.server} cannot be reached: {wire.reason(error)}",
            hint="is the address right, the VPN up, the cluster there? `kubectl cluster-info` asks it too",
        )


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asked for, else 0.5, 1, 2, 4."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, TooMany | ApiFailing) else 0.0
    return max(asked, 2.0 ** (state.attempt_number - 2))
