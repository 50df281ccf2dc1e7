"""Whether a name has a record of its own, or a wildcard answers for it (RFC 4592)."""

from __future__ import annotations

import secrets
from typing import Literal

import msgspec

from blueshift.dns.authority import Server, reply_of
from blueshift.dns.records import canonical, parents, within
from blueshift.dns.wire import NoAnswer


class Origin(msgspec.Struct, frozen=True):
    """Where the answer for a name comes from."""

    kind: Literal["own", "wildcard", "none"]
    wildcard: str | None = None
    """The record that answers, such as `*.example.org`."""


async def origin(server: Server, name: str) -> Origin:
    """Ask an authoritative server where its answer for `name` comes from. Raises NoAnswer."""
    name = canonical(name)
    if not await _answers(server, name):
        return Origin("none")
    if await _exists(server, name):
        return Origin("own")
    for parent in parents(name):
        if not within(parent, server.zone):
            break
        if await _exists(server, f"*.{parent}"):
            return Origin("wildcard", f"*.{parent}")
    return Origin("none")


async def _answers(server: Server, name: str) -> bool:
    """Tell whether the name gets anything but NXDOMAIN."""
    reply = await reply_of(server, name, "A")
    if reply.status == "unknown":
        raise NoAnswer(f"{server}: {reply.reason}", hint=f"try `dig @{server.address} +norecurse {name}`")
    return reply.status != "nxdomain" or bool(reply.chain)


async def _exists(server: Server, name: str, depth: int = 0) -> bool:
    """Tell whether the name is really in the zone, given that it is answered.

    A name below one that exists is not covered by a wildcard above it, and a name below one that does not
    exist is (RFC 4592 §3.3.1); only a wildcard right below, which exists if it blocks in turn, hides that.
    """
    below = await _answers(server, f"blueshift-{secrets.token_hex(4)}.{name}")
    if not below:
        return await _answers(server, name)
    return depth < 2 and await _exists(server, f"*.{name}", depth + 1)
