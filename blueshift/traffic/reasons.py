"""Why somebody still comes to a side that traffic has left, as far as what was seen of it can tell."""

from __future__ import annotations

import math

from blueshift.traffic.sockets import HELD_FOR
from blueshift.traffic.witnesses import DrainEvidence, Seen

LONG_AFTER = 10.0
"""Times the TTL, after which nobody who keeps to it still has the old answer."""
_HIDDEN = "the address is a node's or a balancer's: clients are hidden behind it (SNAT)"


def why(evidence: DrainEvidence, seen: Seen) -> str:
    """One reason, the surest of them."""
    if seen.witness == "log" and "http_user_agent" in evidence.lacks:
        return f"{_whose(evidence, seen)}; or our own probe: the log format has no $http_user_agent"
    return _whose(evidence, seen)


def staying_why(evidence: DrainEvidence, client: str) -> str:
    """Why a client has connections that stay, without a request that a log has shown yet."""
    open_ones = f"for more than {HELD_FOR:g} s: pooled, a WebSocket, or a long request"
    whose = evidence.cluster.get(client) or (_HIDDEN if evidence.hidden else "")
    return f"{open_ones}; {whose}" if whose else open_ones


def _whose(evidence: DrainEvidence, seen: Seen) -> str:
    if not seen.client:
        return f"{'metrics do' if seen.witness == 'metrics' else 'the log format does'} not name clients"
    if seen.client in evidence.cluster:
        return evidence.cluster[seen.client]
    if evidence.hidden:
        return _HIDDEN
    if seen.target in evidence.proxied:
        return "a proxy or CDN in front of this host: it keeps its origin's address for itself"
    if seen.began is not None and seen.began < evidence.swapped:
        return "a long request (WebSocket, poll) that came before the swap and has ended since"
    if evidence.dns:
        return "DNS still sends clients here"
    if math.isinf(evidence.swapped):
        return (
            "no name points here: a stale answer, a pinned address, a kept-alive connection, a proxy's cache"
        )
    if seen.last - evidence.swapped > LONG_AFTER * evidence.ttl:
        return "long after the TTL: a pinned address, a busy kept-alive connection, or a proxy's cache"
    return "a stale answer, within ten times the TTL"
