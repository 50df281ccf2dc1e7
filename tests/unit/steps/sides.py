"""A side whose pods write access logs that can be cut and rotated, as a kubelet serves them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from blueshift.cluster.errors import ApiUnreachable
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.engine.state import SideName
from blueshift.steps.follower import Follower
from blueshift.steps.witness import Whereabouts, Witness
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

FORM = (
    '{"c": "$remote_addr", "host": "$host", "code": $status, "took": $request_time, "a": "$http_user_agent"}'
)
CONFIG = {"log-format-upstream": FORM, "log-format-escape-json": "true"}
ON = (
    b"process_start_time_seconds 1.79540e+09\n"
    b'nginx_ingress_controller_config_hash{controller_pod="p1"} 5.5e+18\n'
)
QUIET = (
    b"Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n"
)


class Pods(FakeKube):
    """The pods p1 and p2 of a primary; no temporary."""

    def __init__(self, clock: ManualClock, config: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.counted: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self.unreachable = False
        self._logs: dict[str, list[tuple[datetime, bytes]]] = {"p1": [], "p2": []}
        self._news: dict[str, asyncio.Event] = {pod: asyncio.Event() for pod in self._logs}
        self._streams: defaultdict[str, int] = defaultdict(int)
        image = "registry.k8s.io/ingress-nginx/controller:v1.15.1"
        command = ["/nginx-ingress-controller", "--configmap=edge/demo", "--enable-metrics=true"]
        spec = {"containers": [{"name": "controller", "image": image, "args": command}]}
        self.objects = {
            "/apis/apps/v1/namespaces/edge/deployments/demo": {
                "kind": "Deployment",
                "metadata": {"name": "demo", "namespace": "edge"},
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": spec}},
            },
            "/api/v1/namespaces/edge/configmaps/demo": {"data": dict(CONFIG if config is None else config)},
        }
        for pod in self._logs:
            self.objects[f"/api/v1/namespaces/edge/pods/{pod}"] = {
                "metadata": {"name": pod},
                "status": {"phase": "Running", "startTime": "2026-11-23T00:00:00Z"},
            }

    def asked(
        self, host: str, *, times: int = 1, status: int = 200, pod: str = "p1", took: float = 0.01
    ) -> None:
        """Requests that the pod logs and counts now."""
        line = f'{{"c": "c1", "host": "{host}", "code": {status}, "took": {took:.3f}, "a": "curl"}}'.encode()
        self._logs[pod] += [(self.clock.utc(), line)] * times
        self.counted[pod, host, status] += times
        self._news[pod].set()

    def write(self, line: bytes, pod: str = "p1") -> None:
        """A line that is no access."""
        self._logs[pod].append((self.clock.utc(), line))
        self._news[pod].set()

    def cut(self, pod: str) -> None:
        """The stream that is open breaks."""
        self._streams[pod] += 1
        self._news[pod].set()

    def rotate(self, pod: str) -> None:
        """What was written is in a file that is not served any more."""
        self._logs[pod].clear()

    async def text(self, path: str) -> bytes:
        pod = path.rpartition("/pods/")[2].partition("%3A")[0]
        rows = [
            f'nginx_ingress_controller_requests{{controller_pod="{pod}",host="{host}",status="{code}"}} {n}\n'
            for (name, host, code), n in self.counted.items()
            if name == pod
        ]
        return ON + "".join(rows).encode()

    async def exec(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(code=0, stdout=QUIET, stderr=b"")

    async def logs(
        self, namespace: str, pod: str, container: str, *, since: datetime, **_: Any
    ) -> AsyncIterator[bytes]:
        stream = self._streams[pod]
        begin, told = since.replace(microsecond=0), 0
        while self._streams[pod] == stream:
            if self.unreachable:
                raise ApiUnreachable("no route")
            lines = self._logs[pod]
            for at, line in lines[told:]:
                if at >= begin:
                    yield at.isoformat().encode() + b" " + line
            told = len(lines)
            self._news[pod].clear()
            await self._news[pod].wait()


def follower_of(kube: Pods, side: SideName = "primary") -> Follower:
    workload = SimpleNamespace(kind="Deployment", namespace="edge", name="demo")
    where = Whereabouts("edge", cast(Any, workload), ("demo-blueshift", "demo-blueshift"))
    profile = IngressNginx()
    witness = Witness(cast(Any, kube), profile, kube.clock, where)
    return Follower(side, cast(Any, kube), witness, profile, kube.clock)


class Hand(ManualClock):
    """Its sleepers wake in the order in which they are due, when `passed` moves it: each at its own time."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._number), awake))
        await awake

    async def passed(self, seconds: float, *running: asyncio.Task[None]) -> None:
        """Let so much time pass; an error of a task that ought to go on is raised."""
        end = self.elapsed + seconds
        while True:
            for _ in range(20):  # until all have done what they do without waiting
                await asyncio.sleep(0)
            for task in running:
                assert not task.done() or task.result() is None
            if not self._sleepers or self._sleepers[0][0] > end:
                self.elapsed = end
                return
            due, _, awake = heapq.heappop(self._sleepers)
            self.elapsed = due
            if not awake.done():
                awake.set_result(None)
