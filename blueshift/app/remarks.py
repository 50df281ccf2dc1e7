"""What a person should know of a probe's figures: what is no failure, and what an option would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from blueshift.app.asked import Asked, is_websocket
from blueshift.traffic.prober.count import STALE_SHARE
from blueshift.traffic.prober.summary import Summary

if TYPE_CHECKING:
    from blueshift.app.probe import Target

_UNREACHED = ("network is unreachable", "no route to host")  # in the kernel's, as `reason_of` has them
_UNTRUSTED = ("issuer certificate", "self-signed", "self signed")  # in OpenSSL's own words


def remarks_on(asked: Asked, targets: Sequence[Target], summary: Summary) -> tuple[str, ...]:
    """Return sentences on the figures of all URLs."""
    found = list(_stale(summary))
    for target in targets:
        found += _one_status(target, asked)
    found += _untrusted(summary)
    if len(asked.families) > 1:
        found += _unreached(targets, summary)
    return tuple(dict.fromkeys(found))


def _stale(summary: Summary) -> Iterator[str]:
    closed = summary.stale_closed - summary.repeated
    share = closed / max(1, summary.requests)
    if share > STALE_SHARE:
        yield (
            f"kept connections found closed by the server: {closed}, {share:.2%} of the requests; servers "
            "end idle ones after a time of their own, and all of them at a reload; others took their place, "
            "and no request failed for it"
        )
    if summary.repeated:
        yield (
            f"requests that the server refused without having touched them: {summary.repeated}; each was "
            "sent once more, as HTTP/2 has it"
        )


def _one_status(target: Target, asked: Asked) -> Iterator[str]:
    """Of a server that is well, and answers otherwise than was thought: every request, and each alike."""
    url = target.url
    if is_websocket(url) or len(target.statuses) != 1:
        return
    ((known, times),) = target.statuses.items()
    status = int(known)
    if times != target.requests:
        return
    if status == asked.status or status >= 500:
        return
    if status in (301, 302, 303, 307, 308):
        yield (
            f"{url} answered {status} each time, and redirects are not followed: ask where it leads, "
            f"or let `--status {status}` take it for right"
        )
    else:
        yield f"{url} answered {status} each time: `--status {status}` takes it for right"


def _untrusted(summary: Summary) -> Iterator[str]:
    hosts = sorted(
        {
            one.host
            for one in summary.failures
            if one.phase == "tls" and any(words in one.reason for words in _UNTRUSTED)
        }
    )
    if hosts:
        yield (
            f"nobody vouches for the certificate of {', '.join(hosts)}: `--ca FILE` names whose are trusted, "
            "`--insecure` verifies none"
        )


def _unreached(targets: Sequence[Target], summary: Summary) -> Iterator[str]:
    """Of a family that the names have and this machine has not: others go on in the other one, unseen.

    Only where that is of use: a host that has no address in the other one would end such a run at once.
    """
    lost = {
        6 if ":" in one.address else 4
        for one in summary.failures
        if one.phase == "connect" and one.reason in _UNREACHED
    }
    if len(lost) == 1:
        (family,) = lost
        other = 10 - family
        everywhere = all(any((":" in at) == (other == 6) for at in one.addresses) for one in targets)
        if not (everywhere and any(one.statuses for one in targets)):
            return
        yield f"this machine has no way to IPv{family} addresses: `--family {other}` leaves them out"
