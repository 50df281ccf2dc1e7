"""nginx's own count of its connections, from `stub_status` text."""

from __future__ import annotations

import re

import msgspec

from blueshift.errors import BlueshiftError

_STATUS = re.compile(
    rb"Active connections:\s*(\d+).*?"
    rb"requests\s+(\d+)\s+(\d+)\s+(\d+).*?"
    rb"Reading:\s*(\d+)\s+Writing:\s*(\d+)\s+Waiting:\s*(\d+)",
    re.DOTALL,
)


class Connections(msgspec.Struct, frozen=True):
    """Client connections of one nginx at one moment; TCP and UDP services count too.

    Reading the status is itself one active, writing connection (ngx_http_stub_status_module).
    """

    active: int
    reading: int
    writing: int
    waiting: int
    """Kept alive and idle: its client may send at any moment."""
    accepted: int = 0
    requests: int = 0
    """Since nginx started; a smaller number than before means that it was started again."""

    def foreign(self, own: int = 1) -> int:
        """Active connections beside `own`: the reader's, and those of probes that are open now."""
        return max(0, self.active - own)


def parse_status(text: bytes) -> Connections:
    """Read the status page. Raises BlueshiftError for anything else, such as an error page."""
    found = _STATUS.search(text)
    if found is None:
        raise BlueshiftError(
            "this is not nginx's status page: " + repr(text[:80].decode(errors="replace")),
            hint="ask for /nginx_status at the controller's status port (10246) inside the pod",
        )
    active, accepted, _handled, requests, reading, writing, waiting = map(int, found.groups())
    return Connections(
        active=active,
        reading=reading,
        writing=writing,
        waiting=waiting,
        accepted=accepted,
        requests=requests,
    )
