"""The real ingress-nginx binary with our template, Lua and chart, on a real cluster."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from base64 import b64decode
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.controllers.ingress_nginx.routes import parse
from blueshift.lab.image_set import build_images, import_images
from blueshift.lab.paths import Lab
from tests.contract.lab.conftest import quiet
from tests.contract.lab.edge import (
    APPLICATION,
    CONTROLLER,
    NAMESPACE,
    VALUES,
    Answer,
    Edge,
    certificate,
    counter,
    secret,
    service,
    until,
)
from tests.contract.lab.edge_ingresses import AUTH, CANARY, EVERYTHING, INGRESSES, RARE

pytestmark = pytest.mark.lab

REFUSED = ("--retry", "20", "--retry-connrefused", "--retry-delay", "1")
"""For the moment in which a pod has gone and the node's rules still name it."""


@pytest.fixture(scope="module")
def edge(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Edge:
    """The release with every Ingress of this module, answering."""
    asyncio.run(import_images(lab, asyncio.run(build_images(print, quiet))))
    edge = Edge(lab)
    edge.install("4.11.3", VALUES)
    edge.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    edge.apply(yaml.safe_load(APPLICATION), service("echo-a", 8080), service("echo-b", 8081))
    # A canary belongs to the upstream and not to the host: only this one may have it.
    edge.apply(service("stable", 8080), service("auth", 8082, AUTH))
    empty = service("empty", 8080)
    empty["spec"]["selector"] = {"app": "nothing"}
    cert, key = certificate(tmp_path_factory.mktemp("tls"), "tls.test")
    # ann / secret, by `openssl passwd -apr1`
    users = subprocess.run(
        ["openssl", "passwd", "-apr1", "-salt", "12345678", "secret"], check=True, capture_output=True
    ).stdout
    edge.apply(
        empty,
        secret("tls", {"tls.crt": cert, "tls.key": key}, "kubernetes.io/tls"),
        secret("users", {"auth": b"ann:" + users}),
        *INGRESSES,
        CANARY,
    )
    edge.run("kubectl", "-n", "shop", "rollout", "status", "deployment/echo", "--timeout=180s")
    serving(edge)
    return edge


def serving(edge: Edge) -> None:
    """Wait until every pod has the last Ingress and an endpoint for it."""
    page = (
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        "Host: last.test",
        "http://127.0.0.1/",
    )
    until(lambda: all(edge.inside(pod, *page) == "200" for pod in edge.pods()))


def endpoints(edge: Edge, count: int) -> None:
    """Wait until every pod balances over so many endpoints; the controller syncs at most every 3.3 s."""

    def known(pod: str) -> int:
        return edge.inside(pod, "/dbg", "backends", "get", "shop-echo-a-80").count('"address"')

    until(lambda: all(known(pod) == count for pod in edge.pods()))


def configured(edge: Edge, text: str) -> bool:
    """Whether every pod's configuration holds this."""
    return all(text in edge.dump(pod) for pod in edge.pods())


def test_every_ingress_reached_the_application(edge: Edge) -> None:
    answer = edge.curl("plain.test", "/a/b?x=1")
    assert answer.status == 200
    assert (answer.seen["service"], answer.seen["path"], answer.seen["host"]) == (
        "echo-a",
        "/a/b",
        "plain.test",
    )
    assert answer.headers["x-lab-controller"] == "v1.11.3"
    assert "server" not in answer.headers


def test_https_has_the_ingresss_own_certificate(edge: Edge, tmp_path: Path) -> None:
    path = "jsonpath={.data.tls\\.crt}"
    encoded = edge.run("kubectl", "-n", "shop", "get", "secret", "tls", "-o", path)
    (tmp_path / "cert.pem").write_bytes(b64decode(encoded))
    answer = edge.curl("tls.test", "/", "--cacert", str(tmp_path / "cert.pem"), scheme="https")
    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    with pytest.raises(AssertionError, match="certificate"):  # the default certificate
        edge.curl("plain.test", "/", "--cacert", str(tmp_path / "cert.pem"), scheme="https")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_both_http_versions(edge: Edge, version: str) -> None:
    assert edge.curl("tls.test", "/", "-k", version, scheme="https").seen["service"] == "echo-a"


@pytest.mark.parametrize(
    ("host", "path", "options", "status", "headers"),
    [
        ("regex.test", "/item/12", (), 200, {}),
        ("regex.test", "/item/x", (), 404, {}),
        ("exact.test", "/only", (), 200, {}),
        ("exact.test", "/only/more", (), 404, {}),
        ("exact.test", "/under/more", (), 200, {}),
        ("exact.test", "/underneath", (), 404, {}),
        ("auth.test", "/", (), 401, {"www-authenticate": 'Basic realm="staff"'}),
        ("auth.test", "/", ("-u", "ann:wrong"), 401, {}),
        ("auth.test", "/", ("-u", "ann:secret"), 200, {}),
        ("allow.test", "/", (), 403, {}),
        ("deny.test", "/", (), 403, {}),
        ("moved.test", "/", (), 301, {"location": "https://new.test/there"}),
        ("later.test", "/", (), 302, {"location": "https://new.test/now"}),
        ("root.test", "/", (), 302, {"location": "http://root.test/start"}),
        ("tls.test", "/a?b=c", (), 308, {"location": "https://tls.test/a?b=c"}),
        ("force.test", "/", (), 308, {"location": "https://force.test/"}),
        ("www.bare.test", "/x", (), 308, {"location": "http://bare.test/x"}),
        ("other.test", "/", (), 200, {}),
        ("any.wild.test", "/", (), 200, {}),
        ("snippet.test", "/", (), 200, {"x-snippet": "yes"}),
        ("snippet.test", "/own", (), 418, {}),
        ("small.test", "/", ("--data", "x" * 2000), 413, {}),
        ("cors.test", "/", ("-X", "OPTIONS", "-H", "Origin: https://app.test"), 204,
         {"access-control-allow-origin": "https://app.test"}),
        ("extauth.test", "/", (), 200, {}),
        ("nobody.test", "/", (), 503, {}),
        ("unknown.test", "/", (), 404, {}),
    ],
)  # fmt: skip
def test_what_an_ingress_asks_for(
    edge: Edge, host: str, path: str, options: tuple[str, ...], status: int, headers: dict[str, str]
) -> None:
    answer = edge.curl(host, path, *options)
    assert answer.status == status
    assert headers.items() <= answer.headers.items()


def test_rewrites_and_upstream_vhost(edge: Edge) -> None:
    assert edge.curl("rewrite.test", "/v1/items/7").seen["path"] == "/api/items/7"
    assert edge.curl("vhost.test").seen["host"] == "inner.test"


def test_a_rate_limit(edge: Edge) -> None:
    answers = edge.run(
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} ", "--resolve", f"limits.test:80:{edge.address}",
        "http://limits.test/?[1-20]", clients=True,
    ).split()  # fmt: skip
    assert {"200", "503"} == set(answers)


def test_a_sticky_session_stays(edge: Edge) -> None:
    edge.run("kubectl", "-n", "shop", "scale", "deployment/echo", "--replicas=2")
    endpoints(edge, 2)
    first = edge.curl("sticky.test")
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("stay=")
    served = {edge.curl("sticky.test", "/", "-b", cookie).headers["x-echo-pod"] for _ in range(6)}
    assert served == {first.headers["x-echo-pod"]}


def _many(edge: Edge, host: str, count: int, *options: str) -> list[str]:
    """The Services that served `count` requests."""
    text = edge.run(
        "curl", "-sS", "-w", "\n", "--resolve", f"{host}:80:{edge.address}", *options,
        f"http://{host}/?[1-{count}]", clients=True,
    )  # fmt: skip
    return [Answer(200, {}, line).seen["service"] for line in text.splitlines()]


def test_a_canary_by_weight(edge: Edge) -> None:
    share = _many(edge, "canary.test", 400).count("echo-b") / 400
    assert 0.2 < share < 0.4  # 30 %, six standard deviations either way are 0.16 and 0.44


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-H", "X-Canary: always"), {"echo-b"}),
        (("-H", "X-Canary: never"), {"echo-a"}),
        (("-b", "canary=always"), {"echo-b"}),
        (("-b", "canary=never"), {"echo-a"}),
    ],
)
def test_a_canary_by_header_and_cookie(edge: Edge, options: tuple[str, ...], expected: set[str]) -> None:
    assert set(_many(edge, "canary.test", 20, *options)) == expected


def test_endpoints_change_without_a_reload(edge: Edge) -> None:
    def reloads() -> list[float]:
        return [counter(edge.metrics(pod), "nginx_ingress_controller_success") for pod in edge.pods()]

    def spread(over: int) -> bool:
        text = edge.run(
            "curl", "-sS", "-o", "/dev/null", "-w", "%header{x-echo-pod}\n",
            "--resolve", f"plain.test:80:{edge.address}", "http://plain.test/?[1-30]", clients=True,
        )  # fmt: skip
        return len(set(text.split())) == over

    before = reloads()
    for replicas in (3, 1):
        edge.run("kubectl", "-n", "shop", "scale", "deployment/echo", f"--replicas={replicas}")
        until(partial(spread, replicas))
    assert reloads() == before


def test_a_websocket_is_passed_on(edge: Edge) -> None:
    script = (
        "import asyncio, aiohttp, sys\n"
        "async def main():\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        url, headers = f'http://{sys.argv[1]}/ws', {'Host': 'plain.test'}\n"
        "        async with session.ws_connect(url, headers=headers) as ws:\n"
        "            await ws.receive_str()\n"
        "            await ws.send_str('hello')\n"
        "            print(await ws.receive_str())\n"
        "asyncio.run(main())\n"
    )
    assert edge.run(sys.executable, "-c", script, edge.address, clients=True) == "hello\n"


def test_a_tcp_service_follows_its_endpoints(edge: Edge) -> None:
    assert edge.curl("any.test", "/tcp", port=9000).seen["path"] == "/tcp"
    name = edge.run("kubectl", "-n", "shop", "get", "pods", "-o", "name").split()
    edge.run("kubectl", "-n", "shop", "delete", *name)
    edge.run("kubectl", "-n", "shop", "rollout", "status", "deployment/echo", "--timeout=180s")
    # Without an endpoint the controller closes the port, and syncs at most every 3.3 s.
    assert edge.curl("any.test", "/again", *REFUSED, port=9000).seen["path"] == "/again"
    serving(edge)


def test_requests_are_counted_with_the_official_labels(edge: Edge) -> None:
    def counted() -> float:
        return sum(
            counter(
                edge.metrics(pod), "nginx_ingress_controller_requests",
                host="plain.test", namespace="shop", ingress="plain", service="echo-a", path="/",
                method="PUT", status="200", canary="", controller_namespace=NAMESPACE,
            )
            for pod in edge.pods()
        )  # fmt: skip

    before = counted()
    for _ in range(5):
        edge.curl("plain.test", "/", "-X", "PUT")
    until(lambda: counted() == before + 5)
    page = edge.metrics(edge.pods()[0])
    for name in (
        "nginx_ingress_controller_nginx_process_connections",
        "nginx_ingress_controller_request_duration_seconds_bucket",
        "nginx_ingress_controller_config_last_reload_successful",
        "nginx_ingress_controller_build_info",
    ):
        assert f"\n{name}{{" in page
    assert 'release="v1.11.3"' in page


def test_the_access_log_has_the_official_form(edge: Edge) -> None:
    edge.curl("plain.test", "/marked", "-A", "tester")
    edge.curl("unseen.test", "/unseen")

    def lines() -> list[str]:
        return [line for pod in edge.pods() for line in edge.logs(pod).splitlines() if "/marked" in line]

    (line,) = until(lines)
    client, dash, user, *_ = line.split()
    assert client.startswith("198.18.0.1"), "the client's own address, by externalTrafficPolicy Local"
    assert (dash, user) == ("-", "-")
    assert '"GET /marked HTTP/1.1" 200' in line
    assert "[shop-echo-a-80] [] 198.18." in line
    assert not any("/unseen" in edge.logs(pod) for pod in edge.pods()), "unknown hosts are not logged"


def test_nginx_status_and_health(edge: Edge) -> None:
    pod = edge.pods()[0]
    status = edge.inside(pod, "curl", "-s", "http://127.0.0.1:10246/nginx_status")
    assert status.startswith("Active connections: ")
    assert edge.inside(pod, "curl", "-s", "http://127.0.0.1:10246/is-dynamic-lb-initialized") == "OK\n"
    assert "shop-echo-a-80" in edge.inside(pod, "/dbg", "backends", "list").split()


def test_the_dump_reads_like_the_official_one(edge: Edge, samples: Path) -> None:
    """The official controller's configuration and ours, for the same Ingresses, have the same routes."""
    listed = yaml.safe_load((samples / "ingress-nginx-1.11.3" / "shop-services.yaml").read_text())["items"]
    for name in ("shop", "blog"):
        edge.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    edge.apply(*_services(listed))
    objects = [
        item
        for item in yaml.safe_load_all((samples / "ingresses-applied.yaml").read_text())
        # The loser of a duplicate host: our webhook refuses it, as the official one would.
        if item and item["metadata"]["name"] != "duplicate"
    ]
    edge.run("kubectl", "delete", "ingress", "-n", "shop", "--all")
    edge.apply(secret("basic-auth", {"auth": b"ann:x"}), *objects)
    official = parse((samples / "ingress-nginx-1.11.3" / "nginx-T.conf").read_text())
    ours = until(lambda: _settled(edge, len(official.routes)))
    assert ours.routes == official.routes
    edge.run("kubectl", "delete", "ingress", "-A", "--all")
    edge.apply(*INGRESSES, CANARY)
    serving(edge)


def _services(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for item in listed:
        if item["kind"] == "Service":
            ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in item["spec"]["ports"]]
            spec = {"ports": ports, "selector": item["spec"].get("selector", {})}
            name = item["metadata"]["name"]
            for namespace in ("shop", "blog") if name == "web" else ("shop",):
                meta = {"name": name, "namespace": namespace}
                found.append({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    return found


def _settled(edge: Edge, count: int) -> Any:
    dump = edge.dump(edge.pods()[0])
    routes = parse(dump) if dump else None
    return routes if routes and len(routes.routes) == count else None


def test_every_setting_gives_a_configuration_that_nginx_takes(edge: Edge, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "ca.test")
    edge.apply(secret("ca", {"ca.crt": cert, "tls.crt": cert, "tls.key": key}))
    controller = {**VALUES["controller"], "config": EVERYTHING, "addHeaders": {"X-Added": "yes"}}
    edge.install("4.11.3", {**VALUES, "controller": controller, "udp": {"9001": "shop/echo-a:80"}})
    edge.apply(*RARE)
    for mark in ("main", "http", "server", "location", "stream", "mirror.test"):
        until(partial(configured, edge, mark))
    serving(edge)
    for pod in edge.pods():
        assert counter(edge.metrics(pod), "nginx_ingress_controller_config_last_reload_successful") == 1
    forwarded = ("-H", "X-Forwarded-Host: told.test", "-H", "X-Forwarded-For: 203.0.113.5")
    answer = edge.curl("hash.test", "/?x", *REFUSED, *forwarded)
    assert (answer.status, answer.seen["host"], answer.headers["x-added"]) == (200, "told.test", "yes")
    assert edge.curl("unknown.test", "/", *REFUSED).status == 404
    assert edge.curl("both.test", "/", *REFUSED).status == 200
    edge.run("kubectl", "-n", "shop", "delete", "ingress", *(item["metadata"]["name"] for item in RARE))
    edge.install("4.11.3", VALUES)
    serving(edge)


def test_a_pod_that_is_deleted_finishes_what_it_has(edge: Edge) -> None:
    pods = edge.pods()
    answers: list[Answer] = []
    slow = [
        threading.Thread(target=lambda: answers.append(edge.curl("plain.test", "/?wait=20")))
        for _ in range(6)
    ]
    for thread in slow:
        thread.start()
    busy = until(lambda: [pod for pod in pods if _writing(edge, pod) > 1], seconds=15)[0]
    edge.run("kubectl", "-n", NAMESPACE, "delete", "pod", busy, "--wait=false")
    log = edge.logs(busy, "--follow")
    for thread in slow:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 6
    assert "Received SIGTERM" in log
    assert log.rstrip().splitlines()[-1].endswith('"Exiting" code=0')
    ended = log.index('"NGINX process has stopped"')
    assert log.rindex("?wait=20") < ended, "the request in flight ended before nginx did"
    edge.run("kubectl", "-n", NAMESPACE, "rollout", "status", f"deployment/{CONTROLLER}", "--timeout=180s")


def _writing(edge: Edge, pod: str) -> int:
    return int(
        edge.inside(pod, "curl", "-s", "http://127.0.0.1:10246/nginx_status").split("Writing: ")[1].split()[0]
    )


def test_an_upgrade_to_the_other_version(edge: Edge) -> None:
    edge.install("4.12.1", VALUES)
    serving(edge)
    until(lambda: edge.curl("plain.test", "/", *REFUSED).headers["x-lab-controller"] == "v1.12.1")
    assert configured(edge, "\thttp2 on;")
    assert "nginx/1.26" in edge.logs(edge.pods()[0])
    assert edge.curl("tls.test", "/", "-k", "--http2", scheme="https").status == 200
    # 1.12 takes no snippets by its risk level: the Ingress that has one is gone, as users saw (#13358).
    until(lambda: edge.curl("snippet.test").status == 404)


def test_proxy_protocol_and_json_logs(edge: Edge) -> None:
    """Last: from here on only clients with a PROXY line are served."""
    values = {**VALUES, "controller": {**VALUES["controller"]}}
    values["controller"]["config"] = {
        "use-proxy-protocol": "true",
        "log-format-escape-json": "true",
        "log-format-upstream": '{"client": "$remote_addr", "host": "$host", "path": "$uri"}',
        "keep-alive": "7",
        "worker-shutdown-timeout": "33s",
    }
    edge.install("4.12.1", values)
    argv = (
        "curl",
        "-sS",
        "--haproxy-protocol",
        "--resolve",
        f"plain.test:80:{edge.address}",
        "http://plain.test/proxied",
    )
    until(lambda: "echo-a" in edge.run("sh", "-c", " ".join(argv) + " || true", clients=True))
    found = until(
        lambda: [
            line
            for pod in edge.pods()
            for line in edge.logs(pod).splitlines()
            if '"path": "/proxied"' in line
        ]
    )
    assert yaml.safe_load(found[0])["host"] == "plain.test"
    assert yaml.safe_load(found[0])["client"].startswith("198.18.0.1")
    for directive in ("keepalive_timeout 7s;", "worker_shutdown_timeout 33s;"):
        until(partial(configured, edge, directive))
