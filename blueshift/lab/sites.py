"""The sites of the lab's application: for each Ingress its rules, and the questions with their right answers.

One table for both, so that what is deployed and what the traffic expects cannot drift apart.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from blueshift.lab.zone import APPS, SHARED, ZONE
from blueshift.traffic.prober.plan import Route

A, B, C = "echo-a", "echo-b", "echo-c"
SERVICES = {A: 8080, B: 8081, C: 8082}
"""Services of the echo application, each on a port of its own of the same pods."""
SHOP = f"shop.{ZONE}"
USER, PASSWORD = "visitor", "open-sesame"
"""Of an example site, not of anything."""
_DIGEST = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
HTPASSWD = f"{USER}:{{SHA}}{_DIGEST}"
AUTH_SECRET = "visitors"  # noqa: S105  # a name
POLL_SECONDS = 20.0
UPLOAD = 1_000_000
"""Bytes."""
_PREFIX = "nginx.ingress.kubernetes.io/"


class Site(msgspec.Struct, frozen=True):
    """One Ingress. `asked` are the ordinary questions, `polled` and `joined` those that take long.

    Only what the application answers is asked: so each answer has its id there, and the counts are equal.
    """

    name: str
    host: str
    """As in the Ingress, so possibly a wildcard."""
    rules: tuple[tuple[str, str, str], ...]
    """(path, pathType, Service)."""
    asked: tuple[Route, ...] = ()
    polled: tuple[Route, ...] = ()
    """Long polls."""
    joined: tuple[Route, ...] = ()
    """WebSockets."""
    annotations: dict[str, str] = {}
    tls: bool = True


def sites() -> tuple[Site, ...]:
    """Return every site of the lab, about forty."""
    apps = iter(APPS)
    special = [
        _rewriting(next(apps)),
        _numbered(next(apps)),
        _renamed(next(apps)),
        _cross_origin(next(apps)),
        _guarded(next(apps)),
        _chat(next(apps)),
        _inbox(next(apps)),
        _ticker(next(apps)),
        _photos(next(apps)),
        _moved(next(apps)),
        _welcoming(next(apps)),
        _from_anywhere(next(apps)),
    ]
    plain = [_plain(host, number) for number, host in enumerate(apps)]
    named = [_front(host, host.partition(".")[0]) for host in (SHARED, SHOP)]
    return (*special, *plain, *named, _front(ZONE, "apex"), _wild())


def _annotated(**settings: str) -> dict[str, str]:
    return {_PREFIX + name.replace("_", "-"): value for name, value in settings.items()}


def _plain(host: str, number: int) -> Site:
    """All path types side by side; every third is plain HTTP."""
    tls = number % 3 != 2
    rules = (("/", "Prefix", A), ("/account", "Prefix", B), ("/health", "Exact", C))
    asked = (
        Route(host=host, path="/", tls=tls, service=A),
        Route(host=host, path="/accounting", tls=tls, service=A),  # a prefix ends at a whole segment
        Route(host=host, path="/account/7", tls=tls, service=B),
        Route(host=host, path="/health", tls=tls, service=C),
        Route(host=host, path="/health/more", tls=tls, service=A),
    )
    return Site(name=host.partition(".")[0], host=host, rules=rules, asked=asked, tls=tls)


def _front(host: str, name: str) -> Site:
    asked = (
        Route(host=host, path="/", service=A),
        Route(host=host, path="/cart/3", service=B),
    )
    return Site(name=name, host=host, rules=(("/", "Prefix", A), ("/cart", "Prefix", B)), asked=asked)


def _wild() -> Site:
    asked = tuple(Route(host=f"{label}.wild.{ZONE}", service=C) for label in ("red", "green"))
    return Site(name="wild", host=f"*.wild.{ZONE}", rules=(("/", "Prefix", C),), asked=asked)


def _rewriting(host: str) -> Site:
    return Site(
        name="rewriting",
        host=host,
        rules=(("/api(/|$)(.*)", "ImplementationSpecific", B),),
        annotations=_annotated(use_regex="true", rewrite_target="/$2"),
        asked=(
            Route(host=host, path="/api/orders/5?page=2", service=B, backend_path="/orders/5"),
            Route(host=host, path="/api", service=B, backend_path="/"),
        ),
    )


def _numbered(host: str) -> Site:
    return Site(
        name="numbered",
        host=host,
        rules=(("/item/[0-9]+$", "ImplementationSpecific", C), ("/", "ImplementationSpecific", A)),
        annotations=_annotated(use_regex="true"),
        asked=(
            Route(host=host, path="/item/42", service=C),
            Route(host=host, path="/item/none", service=A),
        ),
    )


def _renamed(host: str) -> Site:
    return Site(
        name="renamed",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(upstream_vhost="inside.example"),
        asked=(Route(host=host, path="/who", service=A, backend_host="inside.example"),),
    )


def _cross_origin(host: str) -> Site:
    origin = f"https://{SHOP}"
    return Site(
        name="cross-origin",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(enable_cors="true", cors_allow_origin=origin),
        asked=(
            Route(
                host=host,
                path="/font",
                service=A,
                headers={"Origin": origin},
                answer_headers={"access-control-allow-origin": origin},
            ),
        ),
    )


def _guarded(host: str) -> Site:
    login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return Site(
        name="guarded",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(auth_type="basic", auth_secret=AUTH_SECRET, auth_realm="visitors only"),
        asked=(Route(host=host, path="/private", service=A, headers={"Authorization": login}),),
    )


def _chat(host: str) -> Site:
    return Site(
        name="chat",
        host=host,
        rules=(("/", "Prefix", A), ("/ws", "Prefix", B)),
        annotations=_annotated(proxy_read_timeout="3600", proxy_send_timeout="3600"),
        asked=(Route(host=host, path="/", service=A),),
        joined=(Route(host=host, path="/ws/room", service=B),),
    )


def _inbox(host: str) -> Site:
    path = f"/inbox?wait={POLL_SECONDS:g}"
    return Site(
        name="inbox",
        host=host,
        rules=(("/", "Prefix", C),),
        asked=(Route(host=host, path="/", service=C),),
        polled=(Route(host=host, path=path, service=C, wait=POLL_SECONDS),),
    )


def _ticker(host: str) -> Site:
    return Site(
        name="ticker",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(proxy_buffering="off"),
        asked=(
            Route(host=host, path="/", service=A),
            Route(host=host, path="/prices?stream=10&every=0.2", service=A, lines=10, share=0.1),
        ),
    )


def _photos(host: str) -> Site:
    return Site(
        name="photos",
        host=host,
        rules=(("/", "Prefix", B),),
        annotations=_annotated(proxy_body_size="2m"),
        asked=(
            Route(host=host, path="/", service=B),
            Route(host=host, path="/upload", service=B, method="POST", upload=UPLOAD, share=0.1),
        ),
    )


def _moved(host: str) -> Site:
    return Site(
        name="moved",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(permanent_redirect=f"https://{SHOP}/"),
    )


def _welcoming(host: str) -> Site:
    return Site(
        name="welcoming",
        host=host,
        rules=(("/", "Prefix", A),),
        annotations=_annotated(app_root="/start"),
        asked=(Route(host=host, path="/start", service=A),),
    )


def _from_anywhere(host: str) -> Site:
    return Site(
        name="from-anywhere",
        host=host,
        rules=(("/", "Prefix", C),),
        annotations=_annotated(whitelist_source_range="0.0.0.0/0,::/0"),
        asked=(Route(host=host, path="/", service=C),),
    )
