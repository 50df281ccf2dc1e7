"""Reading what a side serves: it takes seconds for thousands of hosts, and holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster.execute import ExecResult
from blueshift.errors import BlueshiftError
from blueshift.steps.context import Tools
from blueshift.steps.parity import configured
from blueshift.traffic.routes import Route, Routes

DUMP = b"# configuration file"


def tools(routes: Any, code: int = 0) -> Tools:
    async def found(*_: Any, **__: Any) -> Any:
        return "pod"

    async def execute(*_: Any, **__: Any) -> ExecResult:
        return ExecResult(DUMP, b"no such file", code)

    profile = SimpleNamespace(
        container_name=lambda _: "controller", config_dump_command=("nginx", "-T"), routes=routes
    )
    witness = SimpleNamespace(workload=found, newest_ready=found, namespace=lambda _: "ingress")
    return cast(
        Tools,
        SimpleNamespace(
            profile=profile,
            witness=witness,
            kube=SimpleNamespace(exec=execute),
            places=SimpleNamespace(kubectl="kubectl"),
        ),
    )


async def test_services_of_a_run_go_on_while_a_configuration_is_read() -> None:
    looked_after = threading.Event()
    read: list[bool] = []

    def routes(dump: str) -> Routes:
        read.append(looked_after.wait(5.0))
        return Routes((Route(dump, "/"),))

    async def service() -> None:
        while not read:
            looked_after.set()
            await asyncio.sleep(0)

    found, _ = await asyncio.gather(configured(tools(routes), "primary"), service())
    assert read == [True]
    assert found == Routes((Route(DUMP.decode(), "/"),))


async def test_a_configuration_that_cannot_be_had_is_told_with_the_command() -> None:
    with pytest.raises(BlueshiftError, match="nginx -T failed in ingress/pod: no such file") as caught:
        await configured(tools(Routes, code=1), "primary")
    assert caught.value.hint == "kubectl exec -n ingress pod -c controller -- nginx -T"
