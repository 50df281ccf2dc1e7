"""Counters out of a real Prometheus that reads two pods, and what is made of servers that are none."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Prometheus, Token
from blueshift.traffic.metrics import MetricNames, Sample, delta, extract
from blueshift.traffic.prometheus import samples
from tests.contract.traffic.servers import Connection, serving

NAMES = MetricNames()
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: controllers
    static_configs:
      - {{targets: ["127.0.0.1:{one}"], labels: {{cluster: ours, {target}, pod: web-0}}}}
      - {{targets: ["127.0.0.1:{other}"], labels: {{cluster: ours, {target}, pod: web-1}}}}
      - {{targets: ["127.0.0.1:{foreign}"], labels: {{cluster: theirs, {target}, pod: web-0}}}}
"""
TARGET = "namespace: ingress, service: web-controller-metrics"
"""What a ServiceMonitor adds: the pod's own `namespace` and `service` become `exported_…` by it."""


class Pod:
    """What a controller's pod exports, as ingress-nginx writes it."""

    def __init__(self, name: str, requests: int) -> None:
        self.name = name
        self.requests = {"a.example.com": requests, "b.example.com": requests * 2}
        self.started = 1_700_000_000.5

    def exposition(self) -> bytes:
        own = (
            f'controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",'
            f'controller_pod="{self.name}"'
        )
        rows = [f"process_start_time_seconds {self.started}", 'go_info{version="go1.24"} 1']
        rows.append(f"nginx_ingress_controller_nginx_process_requests_total{{{own}}} 99")
        for host, count in self.requests.items():
            rows += [
                f'nginx_ingress_controller_requests{{{own},canary="",host="{host}",ingress="i-{host[0]}",'
                f'method="{method}",namespace="shop",path="/",service="web",status="{status}"}} {count + add}'
                for method, status, add in (("GET", "200", 0), ("POST", "200", 1), ("GET", "502", 2))
            ]
        return "\n".join(rows).encode() + b"\n"

    async def serve(self, connection: Connection) -> None:
        await connection.request()
        body = self.exposition()
        await connection.answer(body, headers="Content-Type: text/plain; version=0.0.4\r\n")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Prometheus; its package is unpacked and not installed, so that no service is started."""
    if (found := shutil.which("prometheus")) is not None:
        return found
    folder = tmp_path_factory.mktemp("prometheus")
    fetch = ["apt-get", "download", "-q", "prometheus"]
    if subprocess.run(fetch, cwd=folder, check=False).returncode != 0:
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(fetch, cwd=folder, check=True)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
    return str(folder / "usr/bin/prometheus")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def reading(program: str, port: int, config: str, folder: Path) -> AsyncIterator[None]:
    (folder / "prometheus.yml").write_text(config)
    (folder / "empty").mkdir()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", f"--web.console.templates={folder}/empty",
            f"--web.console.libraries={folder}/empty",
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def until(ask: Callable[[], object], holds: Callable[[dict[str, Sample]], bool]) -> dict[str, Sample]:
    """Ask until it holds; a server that is not up yet is asked again."""
    found: dict[str, Sample] = {}
    async with asyncio.timeout(60):
        while True:
            try:
                found = await ask()  # type: ignore[misc]
            except BlueshiftError:
                found = {}
            if holds(found):
                return found
            await asyncio.sleep(0.25)


async def test_a_real_prometheus_tells_what_the_pods_themselves_would(
    program: str, port: int, tmp_path: Path
) -> None:
    one, other, foreign = Pod("web-0", 7), Pod("web-1", 40), Pod("web-0", 100_000)
    source = Prometheus(f"http://127.0.0.1:{port}/", labels={"cluster": "ours"})

    async def ask() -> dict[str, Sample]:
        return await samples(source, ["web-0", "web-1", "web-9"], "ingress", NAMES, SystemClock())

    async with serving(one.serve) as a, serving(other.serve) as b, serving(foreign.serve) as c:
        config = CONFIG.format(one=a.port, other=b.port, foreign=c.port, target=TARGET)
        async with reading(program, port, config, tmp_path):
            first = await until(ask, lambda found: len(found) == 2)
            for pod in (one, other):
                own = extract(pod.exposition(), pod.name, 0.0)
                told = first[pod.name]
                assert told.counters == own.counters
                assert (told.handled, told.started, told.counting) == (99.0, pod.started, True)
                assert (told.pod, told.told) == (pod.name, "prometheus")
                assert abs(told.at - SystemClock().utc().timestamp()) < 30

            one.requests["a.example.com"] += 1  # what `increase` would call 1.07, or none at all
            del other.requests["b.example.com"]  # its Ingress was deleted
            before = first["web-1"].counters.keys()
            later = await until(
                ask,
                lambda found: (
                    len(found) == 2
                    and sum(delta(first["web-0"], found["web-0"]).counts.values()) > 0
                    and found["web-1"].counters.keys() < before
                ),
            )
            step = delta(first["web-0"], later["web-0"])
            assert {(series.host, series.status, count) for series, count in step.counts.items()} == {
                ("a.example.com", 200, 2.0),
                ("a.example.com", 502, 1.0),
            }
            assert not step.reset
            assert not delta(first["web-1"], later["web-1"]).counts

            one.started += 60.0
            one.requests = {"a.example.com": 3, "b.example.com": 30}
            anew = await until(ask, lambda found: found["web-0"].started > later["web-0"].started)
            step = delta(later["web-0"], anew["web-0"])
            assert step.reset
            assert sum(step.counts.values()) == sum(anew["web-0"].counters.values())


@asynccontextmanager
async def answering(status: int, body: bytes, headers: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """A server with one answer; its URL, and the credentials that came."""
    came: list[str] = []

    async def answer(connection: Connection) -> None:
        request = await connection.request()
        came.append(request.headers.get("authorization", ""))
        await connection.answer(body, status=status, headers=headers)

    async with serving(answer) as server:
        yield f"http://127.0.0.1:{server.port}", came


EMPTY = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}).encode()


async def asked(source: Prometheus) -> dict[str, Sample]:
    return await samples(source, ["web-0"], "ingress", NAMES, SystemClock())


def series(name: str, at: float, value: str, **labels: str) -> dict[str, object]:
    return {"metric": {"__name__": name, **labels}, "values": [[at, value]]}


async def test_another_container_that_tells_its_start_later_hides_no_counters() -> None:
    told = [
        series(NAMES.requests, 100.0, "7", controller_pod="web-0", host="a.org", status="200"),
        series(NAMES.started, 100.0, "50", pod="web-0"),
        series(NAMES.started, 110.0, "60", pod="web-0", container="sidecar"),
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": told}}).encode()
    async with answering(200, body) as (url, _):
        found = (await asked(Prometheus(url)))["web-0"]
    assert (found.at, found.started, found.counting) == (100.0, 50.0, True)
    assert list(found.counters.values()) == [7]


async def test_the_token_is_read_anew_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with answering(200, EMPTY) as (url, came):
        for text in ("first\n", "second\n"):
            token.write_text(text)
            assert await asked(Prometheus(url, token=Token(file=str(token)))) == {}
    assert came == ["Bearer first"] * 2 + ["Bearer second"] * 2


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"Unauthorized", "status 401, and not the answer of its API"),
        (422, b'{"status":"error","errorType":"execution","error":"query timed out"}', "query timed out"),
        (200, b"<html>", "not the answer of its API"),
        (302, b"", "status 302"),
    ],
)
async def test_no_answer_is_an_error_that_holds_no_token(
    status: int, body: bytes, says: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("hunter22")
    async with answering(200, EMPTY) as (elsewhere, came):
        lead = f"Location: {elsewhere}\r\n" if status == 302 else ""
        async with answering(status, body, lead) as (url, _):
            with pytest.raises(BlueshiftError) as caught:
                await asked(Prometheus(url, token=Token(file=str(token))))
    assert says in caught.value.message
    assert "hunter22" not in repr(caught.value) + str(caught.value)
    assert not came, "a redirect would carry the token to another server"


@pytest.mark.parametrize("text", ["", "two words", "line\nline", "päss"])
async def test_what_is_no_token_is_not_sent(text: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(text)
    async with answering(200, EMPTY) as (url, came):
        with pytest.raises(BlueshiftError, match="no bearer token") as caught:
            await asked(Prometheus(url, token=Token(file=str(token))))
    assert caught.value.place == str(token)
    assert not came


async def test_a_server_that_is_not_there_and_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(BlueshiftError, match="Prometheus cannot be asked"):
        await asked(Prometheus("http://127.0.0.1:9"))
    (tmp_path / "ca.pem").write_text("no")
    with pytest.raises(BlueshiftError, match="no certificate"):
        await asked(Prometheus("https://127.0.0.1:9", ca=str(tmp_path / "ca.pem")))
