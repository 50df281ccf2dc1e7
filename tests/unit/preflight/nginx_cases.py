"""Where the checks of what the target would put into force fire."""

from __future__ import annotations

from typing import Any

import msgspec

from blueshift.discovery.seen_neighbours import StandIn
from blueshift.discovery.seen_sides import Change, Comparison, Effect, Running
from blueshift.discovery.settings import Side
from blueshift.discovery.world import Rendered
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import HARDENED, NEW, SAFER, SETTINGS, SIDE, TARGET_SIDE, but, seen

UNSEEN = {"not-looked": "configmaps is forbidden", "hint": "grant get"}


def changed(rule: str, effect: Effect, what: str, *objects: str) -> dict[str, Any]:
    return compared(changes=(Change(rule, effect, what, objects),))


def compared(**fields: Any) -> dict[str, Any]:
    return {"findings": seen(nginx_compared=Comparison(**fields))}


def running(**fields: Any) -> dict[str, Any]:
    return {"findings": seen(nginx_running=Running(**{"side": SIDE, "release": "v1.11.3", **fields}))}


def having(**settings: Any) -> Side:
    return msgspec.structs.replace(SIDE, settings=but(SETTINGS, **settings))


def target(**settings: Any) -> dict[str, Any]:
    return {"target": Rendered(chart="ingress-nginx", side=but(TARGET_SIDE, settings=but(SAFER, **settings)))}


def temporary(side: Side) -> dict[str, Any]:
    return {"temporary": Rendered(chart="ingress-nginx", side=side)}


def standing_in(**fields: Any) -> dict[str, Any]:
    return {"findings": seen(nginx_prometheus=StandIn("https://prometheus.test", **fields))}


SENDING = but(having(proxy_protocol=True), sends_proxy={"ingress/web": "aws-load-balancer-proxy-protocol: *"})
STREAMS = but(SIDE, streams={"TCP 9000": "shop/echo:9000"})

CASES = [
    Case(
        "nginx-crossing-1.0",
        "no class: 1 Ingresses are not served by the target, and their hosts answer 404: shop/web",
        changed("1.0", "gone", "no class", "shop/web"),
    ),
    Case(
        "nginx-crossing-1.0", "forbidden: grant get", {"findings": seen(nginx_compared=UNSEEN)}, "not-looked"
    ),
    Case(
        "nginx-crossing-1.10",
        "the target ignores enable-opentracing: shop/web",
        changed("1.10", "dropped", "enable-opentracing", "shop/web"),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-crossing-1.10",
        "no chroot image: img",
        changed("1.10", "broken", "there is no chroot image", "img"),
    ),
    Case("nginx-crossing-1.10", "nginx 1.25", changed("1.10", "named", "nginx 1.25"), "info", stops=False),
    Case(
        "nginx-crossing-1.12",
        "server-snippet (Critical): 4 Ingresses are not served by the target, and their hosts answer 404: "
        "a/1, a/2, a/3 and 1 more",
        changed("1.12", "gone", "server-snippet (Critical)", "a/1", "a/2", "a/3", "a/4"),
    ),
    Case(
        "nginx-crossing-1.12",
        "1 Ingresses are denied by the target, and their paths answer 503: a/1",
        changed("1.12", "denied", "auth-secret of another namespace", "a/1"),
    ),
    Case("nginx-crossing-1.12", "served by the target without it", changed("1.12", "lost", "limits", "a/1")),
    Case(
        "nginx-crossing-1.12",
        "their next write is refused",
        changed("1.12", "refused", "odd paths", "a/1: /b~"),
        "warn",
        stops=False,
    ),
    Case("nginx-crossing-1.12", "the version of", compared(unversioned="the version of it"), "not-looked"),
    Case(
        "chart-crossing-4.8",
        "1 Ingresses are served by the target without it: a/1",
        changed("chart 4.8", "lost", "server-snippet", "a/1"),
    ),
    Case(
        "nginx-custom-template",
        "the nginx.tmpl of web/own uses OpenTracing, which controller 1.12.1 does not have",
        {**changed("template", "broken", "OpenTracing", "web/own"), **target(template="web/own")},
    ),
    Case(
        "nginx-custom-template",
        "takes the place of the target's own",
        target(template="web/own"),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-template",
        "what was changed in it is lost",
        running(side=having(template="web/own")),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-template",
        "does not render: boom",
        {"target": Rendered(error="does not render: boom")},
        "not-looked",
    ),
    Case(
        "nginx-custom-template",
        "the nginx.tmpl of web/own could not be read: forbidden",
        {"target": Rendered(side=but(having(template="web/own"), unread={"web/own": "forbidden"}))},
        "not-looked",
    ),
    Case(
        "nginx-tcp-udp",
        "the ports of web/tcp could not be read: forbidden",
        running(side=but(having(streams={"TCP": "web/tcp"}), unread={"web/tcp": "forbidden"})),
        "not-looked",
    ),
    Case(
        "nginx-lua-plugins",
        "no version from 1.12 on loads them: hello",
        changed("plugins", "lost", "no version from 1.12 on loads them", "hello"),
    ),
    Case(
        "nginx-custom-image",
        "says that it is v1.9.4, and its tag or label says 1.11.3",
        running(release="v1.9.4"),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-image",
        "the primary's image registry.example.test/own:v1.11.3 is not the one of chart 4.11.3",
        running(side=having(image="registry.example.test/own:v1.11.3")),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-image",
        f"the target's image {NEW}0 is not the one of chart 4.12.1",
        target(image=f"{NEW}0"),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-image",
        "is that of its tag or label (1.11.3): pods/exec is forbidden",
        running(release="", unasked="pods/exec is forbidden"),
        "not-looked",
        stops=False,
    ),
    Case(
        "nginx-custom-annotations",
        "global-rate-limit is not known to the target, which ignores it in 1 Ingresses: a/1",
        compared(forgotten={"global-rate-limit": ("a/1",)}),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-annotations",
        "it has no effect",
        compared(foreign={"our-own": ("a/1",)}),
        "info",
        stops=False,
    ),
    Case(
        "nginx-custom-annotations",
        "the primary's own image may know it",
        {
            "findings": seen(
                nginx_compared=Comparison(foreign={"our-own": ("a/1",)}),
                nginx_running=Running(having(image="own:v1.11.3"), "v1.11.3"),
            )
        },
        "warn",
        stops=False,
    ),
    Case(
        "nginx-custom-annotations",
        "known from",
        compared(untabled="known from 0.49.0 on"),
        "not-looked",
        stops=False,
    ),
    Case(
        "nginx-grace-arithmetic",
        "15 s hook + 30 s shutdown-grace-period + 240 s worker-shutdown-timeout + 10 s = 295 s, of 290 s",
        target(slept=15, shutdown_grace=30, grace=290),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-grace-arithmetic",
        "the harden step gives them 300 s",
        running(side=having(grace=60)),
        "info",
        stops=False,
    ),
    Case(
        "nginx-grace-arithmetic",
        "pods of the primary are killed",
        {**running(side=having(grace=60)), "harden": but(HARDENED, side=having(grace=60))},
        "warn",
        stops=False,
    ),
    Case("nginx-metrics-off", "the target has no metrics", target(metrics=False), "warn", stops=False),
    Case(
        "nginx-metrics-off",
        "the primary's metrics do not tell hosts apart",
        running(side=having(metrics_per_host=False)),
        "warn",
        stops=False,
    ),
    Case("nginx-prometheus", "401", standing_in(unusable="status 401"), "warn", stops=False),
    Case("nginx-prometheus", "no pod", standing_in(), "not-looked", stops=False),
    Case("nginx-prometheus", "45 s ago", standing_in(known=("p1",), behind=45.2), "warn", stops=False),
    Case("nginx-prometheus", "of p2", standing_in(known=("p1",), lacking=("p2",)), "warn", stops=False),
    Case(
        "nginx-access-log-off",
        "the log of the primary's pods does not show every request (disable-access-log)",
        running(side=having(access_log=False, access_log_why="disable-access-log")),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-access-log-off",
        "(enable-access-log: false): a/1",
        running(unlogged=("a/1",)),
        "warn",
        stops=False,
    ),
    Case(
        "nginx-proxy-protocol",
        "the primary does not read PROXY headers (use-proxy-protocol) and the target reads them",
        target(proxy_protocol=True),
    ),
    Case(
        "nginx-proxy-protocol",
        "sends PROXY headers, and the temporary's Service does not ask for them",
        {**running(side=SENDING), **target(proxy_protocol=True), **temporary(having(proxy_protocol=True))},
    ),
    Case(
        "nginx-proxy-protocol",
        "no annotation of its Services says what sends them",
        {
            **running(side=having(proxy_protocol=True)),
            **target(proxy_protocol=True),
            **temporary(having(proxy_protocol=True)),
        },
        "warn",
        stops=False,
    ),
    Case(
        "nginx-tcp-udp",
        "the temporary does not serve 1 of 1 TCP and UDP ports as the primary does: TCP 9000",
        running(side=STREAMS),
    ),
    Case(
        "nginx-tcp-udp",
        "1 TCP and UDP ports move with the names",
        {**running(side=STREAMS), **temporary(STREAMS), "target": Rendered(side=STREAMS)},
        "info",
        stops=False,
    ),
]
