"""Keep-alive settings with which connections end early, and how to see that nginx has taken them.

A change of the ConfigMap reloads nginx (`--sync-rate-limit`: within seconds). The old workers close what is
idle, let what is under way end with its answer, and cut what is left (WebSockets) when the time of
`worker-shutdown-timeout` is over. New connections end by `keepalive_requests`: HTTP/1.1 with
`Connection: close`, HTTP/2 with a GOAWAY that names the last request which is answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.controllers.ingress_nginx.lexer import statements
from blueshift.controllers.ingress_nginx.routes import START
from blueshift.controllers.ingress_nginx.settings import seconds
from blueshift.controllers.overrides import Override, Path, Values, dig, merge
from blueshift.controllers.profile import QuiesceFacts

_CONFIG: Path = ("controller", "config")


def quiesce(values: Values, facts: QuiesceFacts) -> tuple[Override, ...]:
    """The changes; what of the user ends connections sooner stays.

    `keep-alive: "0"` is never set: it breaks concurrent requests of HTTP/2 from nginx 1.19.7 on (the page of
    ingress-nginx on its ConfigMap; nginx ticket 2155).
    """
    return tuple(_changes(merge(facts.defaults, values), facts))


def _changes(seen: Values, facts: QuiesceFacts) -> Iterator[Override]:
    requests = dig(seen, (*_CONFIG, "keep-alive-requests"))
    if requests is None or not str(requests).isdigit() or int(requests) > facts.requests:
        answers = "its next answer" if facts.requests == 1 else f"{facts.requests} answers"
        reason = f"a busy connection never asks DNS again: each ends after {answers}"
        yield Override((*_CONFIG, "keep-alive-requests"), str(facts.requests), reason)
    idle = dig(seen, (*_CONFIG, "keep-alive"))
    if idle is None or seconds(str(idle), 75) > facts.idle:
        reason = "a connection without requests ends soon (never 0, which breaks HTTP/2)"
        yield Override((*_CONFIG, "keep-alive"), str(facts.idle), reason)


def keepalive_requests(dump: str) -> int | None:
    """Requests after which what `nginx -T` prints ends a client's connection; None if it does not say.

    Upstreams have a directive of the same name: only that of `http` itself counts. Raises BlueshiftError for
    text that is no configuration.
    """
    blocks: list[str] = []
    for statement in statements(dump[max(0, dump.find(START)) :]):
        words = statement.words
        if statement.kind == "open":
            blocks.append(words[0] if words else "")
        elif statement.kind == "close":
            blocks.pop()
        elif blocks == ["http"] and len(words) == 2 and words[0] == "keepalive_requests":
            return int(words[1]) if words[1].isdigit() else None
    return None
