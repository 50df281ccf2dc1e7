"""What the backends say that they served, fetched in parts while the run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from blueshift.clock import Clock
from blueshift.traffic.connect import Failed, Target, dial
from blueshift.traffic.http1 import Http1, encode_request
from blueshift.traffic.http1_answer import Response


class _Head(msgspec.Struct):
    boot: str
    total: int


class Backend:
    """One backend's ids so far, from its admin address `http://ADDRESS:PORT`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ids: list[str] = []
        self.lost = ""
        """Why ids may be missing; "" if they are all here."""
        self._boot = ""
        self._taken = 0

    async def fetch(self, clock: Clock, timeout: float = 10.0) -> None:
        """Take the ids that came since the last time; a failure stays in `lost` until a call mends it."""
        parts = urlsplit(self.url)
        target = Target(parts.hostname or "", parts.port or 80, parts.hostname or "", None)
        path = f"/ids?after={self._taken}"
        connection: Http1 | None = None
        try:
            connection, _ = await dial(target, lambda: Http1(clock.now), clock, timeout)
            async with clock.timeout(timeout):
                response = await connection.exchange("GET", encode_request("GET", target.host, path, {}))
            self._take(response)
        except (Failed, TimeoutError, msgspec.DecodeError) as error:
            self.lost = self.lost or str(error) or "timeout"
        finally:
            if connection is not None:
                connection.close()

    def _take(self, response: Response) -> None:
        first, _, rest = response.body.partition(b"\n")
        head = msgspec.json.decode(first, type=_Head)
        if self._boot and head.boot != self._boot:
            # What it served between our last look and its end is gone; what it serves now is counted anew.
            self.lost = "it was restarted"
            self._boot, self._taken = head.boot, 0
            return
        self._boot = head.boot
        ids = rest.decode("ascii", "replace").split()
        self.ids += ids
        self._taken += len(ids)
        if self.lost != "it was restarted":
            self.lost = ""


async def fetch_all(backends: Sequence[Backend], clock: Clock) -> None:
    """Take the new ids of each."""
    for backend in backends:
        await backend.fetch(clock)


def ids_of(backends: Sequence[Backend]) -> Iterator[str]:
    """Yield every id of every backend, once for each time that it was served."""
    for backend in backends:
        yield from backend.ids
