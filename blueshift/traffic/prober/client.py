"""One client that behaves: asks a route over its own connections and fills the row, hiding nothing.

A request is sent once. The one exception is HTTP/2's own: where the server says that it did nothing with a
request (http2.Untouched), every client sends it again on another connection, so a failure would count what no
user sees. It is counted all the same: as `repeated` and with the stale ones, whose share is limited.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple

from blueshift.clock import Clock
from blueshift.traffic.connect import Failed, Target, dial, trusting
from blueshift.traffic.http1 import Http1, encode_request
from blueshift.traffic.http1_answer import Response
from blueshift.traffic.http2 import Exchange, Http2, Untouched
from blueshift.traffic.prober.check import check, upload_of
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.names import Names, Resolve
from blueshift.traffic.prober.plan import Persona, Plan, Protocol, Route
from blueshift.traffic.prober.pools import Http1Pool, Http2Pool, Kept, Limits, key_of

ID_HEADERS = ("X-Request-ID", "X-Blueshift-Id")
"""The first is what controllers log and pass on; some replace it, so the application reads the second."""
ANSWERED_BY = "x-lab-controller"
NO_HTTP2 = "no http/2 offered"
_ID = "0" * 31 + "@"  # stands in a prepared request where its id goes


class Watch(NamedTuple):
    """The run's clock, counted from its start."""

    clock: Clock
    zero: float

    def now(self) -> float:
        """Return seconds since the start of the run."""
        return self.clock.now() - self.zero


def patience(plan: Plan, route: Route) -> float:
    """Return the seconds after which a client gives up waiting for a whole answer."""
    return plan.answer_timeout + route.wait + route.lines


Tls = Mapping[Protocol, ssl.SSLContext]


def tls_of(plan: Plan) -> Tls:
    """Return the TLS settings of each protocol that a plan's clients speak, which they share.

    To read what the machine trusts takes 20 ms and more: of 60 clients, one after the other, the last would
    begin a second late, and the first request is late by it where the clock runs already.
    """
    spoken = {persona.protocol for persona in plan.personas}
    return {one: trusting(plan.ca, alpn=("h2",) if one == "http2" else ("http/1.1",)) for one in spoken}


class Client:
    """A persona at work."""

    def __init__(
        self, persona: Persona, plan: Plan, run: str, resolve: Resolve, watch: Watch, tls: ssl.SSLContext
    ) -> None:
        self.persona = persona
        self.plan = plan
        self.watch = watch
        self.agent = f"{plan.agent} ({persona.name})"
        self._run = run
        self._names = Names(resolve, persona.family, watch.clock, persona.cache)
        self._tls = tls
        self._http1 = Http1Pool(
            Limits(persona.max_age, persona.max_idle), persona.most_connections, watch.clock
        )
        self._http2 = Http2Pool(persona.max_age)
        self._prepared: dict[int, bytes] = {}

    def id_of(self, row: Row) -> str:
        """Return a request's id: 32 hex digits as nginx makes them, the run's eight first."""
        return f"{self._run}{row.id:024x}"

    def close(self) -> None:
        """Close what is kept."""
        self._http1.close()
        self._http2.close()

    async def ask(self, route: Route, row: Row) -> None:
        """Ask once, and check the answer. Raises Failed; the row holds how far it got."""
        if self.persona.protocol == "http1":
            response = await self._ask_http1(route, row)
        else:
            try:
                response = await self._ask_http2(route, row)
            except Untouched:
                row.repeated = True
                row.stale_closed += 1
                response = await self._ask_http2(route, row)
        row.status = response.status
        row.answered_by = response.header(ANSWERED_BY)
        check(route, self.id_of(row), response)
        # The application's clock and ours run alike; 50 ms is far more than their difference over a minute.
        if self.watch.now() - row.sent < route.wait - 0.05:
            raise Failed("check", "long poll ended early")

    async def target(self, route: Route, row: Row) -> Target:
        """Look the host up and return where to connect. Raises Failed."""
        row.address = self.persona.address or await self._names.pick(route.host)
        return Target(row.address, route.to_port, route.host, self.tls_of(route), self.persona.source)

    def tls_of(self, route: Route) -> ssl.SSLContext | None:
        """Return the TLS settings for a route."""
        return self._tls if route.tls else None

    async def _ask_http1(self, route: Route, row: Row) -> Response:
        slot = self._http1.slot(key_of(route))
        if slot.locked():
            try:
                async with self.watch.clock.timeout(self.plan.connect_timeout):
                    await slot.acquire()
            except TimeoutError:
                raise Failed("connect", "no connection came free") from None
        else:
            await slot.acquire()  # at once; a timer would cost a twentieth of the request
        try:
            return await self._exchange_http1(route, row)
        finally:
            slot.release()

    async def _exchange_http1(self, route: Route, row: Row) -> Response:
        key = key_of(route)
        request = self._request(route).replace(_ID.encode(), self.id_of(row).encode())
        kept = await self._http1.get(key, row, self.watch.now)
        if kept is None:
            kept = await self._new_http1(route, row)
        else:
            row.address, row.reused = kept.address, True
        connection = kept.connection
        keep = False
        try:
            async with self.watch.clock.timeout(patience(self.plan, route)):
                response = await connection.exchange(route.method, request)
            keep = response.keep
        except TimeoutError:
            raise Failed(connection.phase, "timeout") from None
        finally:
            row.sent, row.first_byte = connection.wrote_at, connection.first_byte_at
            if keep:
                self._http1.give(key, kept, self.watch.now())
            else:
                connection.close()
                self._http1.ended(key)
        return response

    async def _new_http1(self, route: Route, row: Row) -> Kept[Http1]:
        clock = self.watch.clock
        try:
            target = await self.target(route, row)
            made = await dial(target, lambda: Http1(self.watch.now), clock, self.plan.connect_timeout)
        except BaseException:
            self._http1.ended(key_of(route))
            raise
        return Kept(*made, row.address, self.watch.now())

    async def _ask_http2(self, route: Route, row: Row) -> Response:
        kept, row.reused = await self._http2.get(
            key_of(route), row, self.watch.now, lambda: self._new_http2(route, row)
        )
        row.address = kept.address
        identity = self.id_of(row)
        headers = [
            (":method", route.method),
            (":scheme", "https" if route.tls else "http"),
            (":authority", route.authority),
            (":path", route.path),
            *((name.lower(), value) for name, value in self._headers(route).items()),
            *((name.lower(), identity) for name in ID_HEADERS),
        ]
        seen = Exchange()
        try:
            async with self.watch.clock.timeout(patience(self.plan, route)):
                return await kept.connection.exchange(headers, upload_of(route.upload), seen)
        except TimeoutError:
            raise Failed(seen.phase, "timeout") from None
        finally:
            row.sent, row.first_byte = seen.wrote_at, seen.first_byte_at

    async def _new_http2(self, route: Route, row: Row) -> Kept[Http2]:
        target = await self.target(route, row)
        clock = self.watch.clock
        try:
            made = await dial(target, lambda: Http2(self.watch.now), clock, self.plan.connect_timeout)
        except Failed as failed:
            if failed.reason.endswith("no application protocol"):  # RFC 7301 §3.2, of those who say it aloud
                raise Failed("tls", NO_HTTP2) from failed
            raise
        connection, sock = made
        tls = connection.transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2":
            connection.close()
            raise Failed("tls", NO_HTTP2)
        return Kept(connection, sock, row.address, self.watch.now())

    def _request(self, route: Route) -> bytes:
        # By identity: a plan's routes live as long as the run, and hashing one costs more than sending it.
        prepared = self._prepared.get(id(route))
        if prepared is None:
            headers = {**self._headers(route), **dict.fromkeys(ID_HEADERS, _ID)}
            prepared = encode_request(
                route.method, route.authority, route.path, headers, upload_of(route.upload)
            )
            self._prepared[id(route)] = prepared
        return prepared

    def _headers(self, route: Route) -> dict[str, str]:
        return {"User-Agent": self.agent, "Accept": "*/*", **route.headers}
