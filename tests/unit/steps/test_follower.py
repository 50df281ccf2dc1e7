"""The follower, from what pods print to the judgement of a drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Prometheus
from blueshift.steps import witness
from blueshift.steps.follower import Follower
from blueshift.steps.witness import Whereabouts, Witness
from blueshift.traffic.drain import Drained, DrainRules, Remaining, Unknown, drained
from blueshift.traffic.judge import Observed
from blueshift.traffic.metrics import extract
from blueshift.traffic.routes import Route, Routes
from blueshift.traffic.sides import Answered, judge_sides
from blueshift.traffic.witnesses import DrainEvidence
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

GO = b"go_goroutines 90\nprocess_start_time_seconds 1.79540e+09\n"
"""What the port of a controller with --enable-metrics=false says."""
ON = GO + b'nginx_ingress_controller_config_hash{controller_pod="p1"} 5.5e+18\n'
REQUESTS = b'nginx_ingress_controller_requests{controller_pod="p1",host="a.org",status="200"} '
QUIET = (
    b"Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n"
)
JSON = '{"client": "$remote_addr", "host": "$host", "status": $status, "for": "$proxy_upstream_name"}'
ASKED = b'{"client": "c1", "host": "a.org", "status": 200, "for": "shop-web-80"}'


class OnePod(FakeKube):
    """One pod of a primary: its metrics, its log."""

    def __init__(self, metrics: bytes, log: tuple[bytes, ...], config: Mapping[str, str], args: str) -> None:
        super().__init__()
        self.metrics, self.log = metrics, log
        self.forbidden = False
        command = ["/nginx-ingress-controller", "--configmap=edge/demo", *args.split()]
        image = "registry.k8s.io/ingress-nginx/controller:v1.15.1"
        spec = {"containers": [{"name": "controller", "image": image, "args": command}]}
        self.objects = {
            "/apis/apps/v1/namespaces/edge/deployments/demo": {
                "kind": "Deployment",
                "metadata": {"name": "demo", "namespace": "edge"},
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": spec}},
            },
            "/api/v1/namespaces/edge/configmaps/demo": {"data": dict(config)},
            "/api/v1/namespaces/edge/pods/p1": {
                "metadata": {"name": "p1"},
                "status": {"phase": "Running", "startTime": "2026-11-23T00:00:00Z"},
            },
        }

    async def text(self, path: str) -> bytes:
        assert path.endswith("p1%3A10254/proxy/metrics")
        if self.forbidden:
            raise BlueshiftError("pods/proxy is forbidden")
        return self.metrics

    async def exec(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(code=0, stdout=QUIET, stderr=b"")

    async def logs(self, *_: Any, **__: Any) -> AsyncIterator[bytes]:
        for line in self.log:
            yield line
        await asyncio.Event().wait()


def follower_of(kube: OnePod, clock: ManualClock, stand_in: Prometheus | None = None) -> Follower:
    workload = SimpleNamespace(kind="Deployment", namespace="edge", name="demo")
    where = Whereabouts("edge", cast(Any, workload), ("demo-blueshift", "demo-blueshift"))
    profile = IngressNginx()
    witness = Witness(cast(Any, kube), profile, clock, where, stand_in)
    return Follower("primary", cast(Any, kube), witness, profile, clock)


async def until(second: float, clock: ManualClock, running: asyncio.Task[None]) -> None:
    """The follower's own sleeps move the clock; an error of its own ends the wait."""
    while clock.elapsed < second and not running.done():  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert not running.done() or running.result() is None


async def followed(
    metrics: bytes = ON,
    log: tuple[bytes, ...] = (),
    *,
    config: Mapping[str, str] | None = None,
    args: str = "--enable-metrics=true",
    later: bytes = b"",
) -> DrainEvidence:
    """An hour of one pod that traffic has left; `later` are its metrics at the end."""
    clock = ManualClock()
    kube = OnePod(metrics, log, config or {}, args)
    follower = follower_of(kube, clock)
    running = asyncio.create_task(follower.run())
    await until(3600, clock, running)
    kube.metrics = later or metrics
    routes = Routes((Route("a.org", "/"),))
    found = await follower.evidence(
        RULES, swapped=clock.start.timestamp(), ttl=60, routes=routes, baseline=1.0, dns=""
    )
    running.cancel()
    return found


RULES = DrainRules()


async def test_counters_alone_prove_a_drain_also_of_a_pod_that_never_served() -> None:
    assert isinstance(drained(await followed(config={"disable-access-log": "true"}), RULES), Drained)


@pytest.mark.parametrize(("counted", "judged"), [(3, Drained), (4, Remaining)])
async def test_what_counters_have_and_the_log_knows_as_probes_of_ours_is_nobodys(
    counted: int, judged: type
) -> None:
    """Also those of `blueshift probe` at another desk, of which this process knows nothing."""
    log = tuple(
        f"2026-11-24T00:5{minute}:00.5Z 10.0.0.9 - - [24/Nov/2026:00:5{minute}:00 +0000] "
        f'"GET / HTTP/1.1" 200 1 "-" "blueshift-probe/1.0" 9 0.0 [shop-web-80] [] - - - - id'.encode()
        for minute in (6, 7, 8)
    )
    found = await followed(ON + REQUESTS + b"5\n", log, later=ON + REQUESTS + b"%d\n" % (5 + counted))
    assert isinstance(drained(found, RULES), judged)
    assert (found.own, found.logged) == (3, 0)


@pytest.mark.parametrize(
    ("metrics", "args", "why"),
    [
        (GO, "--enable-metrics=false", "--enable-metrics=false"),
        (GO, "", "--enable-metrics=false"),
        (GO, "--enable-metrics=true", "no series of requests"),
        (ON, "--enable-metrics=true --metrics-per-host=false", "hosts apart"),
    ],
)
@pytest.mark.parametrize("blind", ["a setting", "unreadable lines"])
async def test_metrics_that_are_off_and_a_blind_log_prove_nothing(
    metrics: bytes, args: str, why: str, blind: str
) -> None:
    setting = blind == "a setting"
    found = drained(
        await followed(
            metrics,
            () if setting else (b"2026-11-24T00:55:00.5Z what is this",),
            config={"disable-access-log": "true"} if setting else {},
            args=args,
        ),
        RULES,
    )
    assert isinstance(found, Unknown)
    assert why in found.reason
    assert ("disable-access-log" if setting else "log: a gap") in found.reason


@pytest.mark.parametrize(
    ("behind", "holds"),
    [(15.0, Drained), (90.0, Unknown), (None, Unknown)],
    ids=["reads each 15 s", "stopped reading", "cannot be asked"],
)
async def test_where_pods_cannot_be_read_prometheus_is_asked(
    behind: float | None, holds: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    kube = OnePod(ON, (), {"disable-access-log": "true"}, "--enable-metrics=true")
    kube.forbidden = True

    async def samples(source: Prometheus, pods: list[str], namespace: str, names: Any, at: Any) -> Any:
        assert (source.url, pods, namespace) == ("http://prometheus.test", ["p1"], "edge")
        if behind is None:
            raise BlueshiftError("status 503")
        told = extract(kube.metrics, "p1", at.utc().timestamp() - behind, names)
        return {"p1": msgspec.structs.replace(told, told="prometheus")}

    monkeypatch.setattr(witness, "samples", samples)
    follower = follower_of(kube, clock, Prometheus("http://prometheus.test"))
    running = asyncio.create_task(follower.run())
    await until(3600, clock, running)
    found = await follower.evidence(
        RULES,
        swapped=clock.start.timestamp(),
        ttl=60,
        routes=Routes((Route("a.org", "/"),)),
        baseline=1.0,
        dns="",
    )
    running.cancel()
    judged = drained(found, RULES)
    assert isinstance(judged, holds), judged
    if behind is None:
        assert isinstance(judged, Unknown)
        assert "pods/proxy is forbidden; Prometheus: status 503" in judged.reason
    else:
        assert {entry.witness for entry in found.coverage} == {"log", "prometheus"}


async def test_a_log_that_is_whole_is_enough_without_metrics() -> None:
    assert isinstance(drained(await followed(GO, args=""), RULES), Drained)


async def test_a_request_that_only_counters_saw_holds_it_up() -> None:
    before, later = (ON + REQUESTS + count for count in (b"7\n", b"9\n"))
    found = drained(await followed(before, later=later, config={"disable-access-log": "true"}), RULES)
    assert isinstance(found, Remaining)
    assert [(item.target, item.requests) for item in found.items] == [("a.org", 2)]


@pytest.mark.parametrize("stamp", [b"2026-11-24T00:55:00.123456789Z ", b"2026-11-24T08:55:00.1+08:00 "])
async def test_requests_in_a_format_without_a_time_hold_it_up(stamp: bytes) -> None:
    config = {"log-format-upstream": JSON, "log-format-escape-json": "true"}
    found = drained(await followed(GO, (stamp + ASKED,), config=config, args=""), RULES)
    assert isinstance(found, Remaining)
    assert [(item.client, item.target) for item in found.items] == [("c1", "a.org")]
    assert "no $http_user_agent" in found.items[0].why


async def test_what_was_observed_is_without_our_own_probes() -> None:
    clock, kube = ManualClock(), OnePod(ON + REQUESTS + b"7\n", (), {}, "--enable-metrics=true")
    follower = follower_of(kube, clock)
    assert follower.observed().requests == 0
    running = asyncio.create_task(follower.run())
    await until(60, clock, running)
    follower.sent(2)
    kube.metrics = ON + REQUESTS + b"17\n"
    await until(7200, clock, running)
    assert follower.observed().requests == 8
    assert follower.observed(clock.utc().timestamp() - 3600).requests == 0
    clock.advance(1)
    follower.sent(5)
    assert follower.observed(clock.utc().timestamp() + 1).requests == 0
    running.cancel()


async def test_errors_that_our_own_probes_met_are_no_more_than_the_requests_of_others() -> None:
    served, broken = REQUESTS, REQUESTS.replace(b"200", b"503")
    clock, kube = ManualClock(), OnePod(ON + served + b"7\n", (), {}, "--enable-metrics=true")
    follower = follower_of(kube, clock)
    running = asyncio.create_task(follower.run())
    await until(60, clock, running)
    began = clock.utc().timestamp()
    follower.sent(100)
    kube.metrics = ON + served + b"7\n" + broken + b"103\n"
    await until(120, clock, running)
    running.cancel()
    found = follower.counted(began)
    assert (found.whole.requests, found.whole.errors) == (3, 3)
    assert judge_sides(found, baseline=Answered(Observed(1000, 0))).verdict.outcome == "fail"
