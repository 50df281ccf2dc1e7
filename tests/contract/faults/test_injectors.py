"""Each injector does what it says, or a cell that uses it would prove nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import pytest

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiError
from blueshift.errors import Ambiguous
from tests.contract.apiserver import ApiServer
from tests.crash.faults import KINDS, clock, disk, helm, injector
from tests.crash.faults.api import Proxy, Rule

POST = ("POST",)


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}


def test_a_fault_is_found_by_its_kind_and_takes_no_setting_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="there is no fault rain: api, "):
        injector("rain", {})
    for kind in KINDS:
        with pytest.raises(msgspec.ValidationError, match="nonsense"):
            injector(kind, {"nonsense": 1})


async def test_the_nth_request_and_so_many_are_met(proxy: Proxy, through: KubeApi, namespace: str) -> None:
    maps = paths.core("configmaps", namespace)
    proxy.add(Rule("answer", POST, "configmaps", nth=2, times=2, code=422))
    for number, passes in enumerate([True, False, False, True]):
        if passes:
            await through.create(maps, config_map(f"m{number}"))
        else:
            with pytest.raises(ApiError, match="injected fault 422"):
                await through.create(maps, config_map(f"m{number}"))
    assert [verb for verb, _path, _rule in proxy.met] == ["POST"] * 2
    assert {found["metadata"]["name"] for found in await through.list(maps)} == {"m0", "m3"}


@pytest.mark.parametrize(("do", "lands"), [("lost", True), ("cut", False)])
async def test_an_answer_is_lost_with_and_without_the_write(
    proxy: Proxy, through: KubeApi, namespace: str, do: str, lands: bool
) -> None:
    maps = paths.core("configmaps", namespace)
    proxy.add(msgspec.convert({"do": do, "verbs": POST, "match": "configmaps"}, Rule))
    with pytest.raises(Ambiguous):
        await through.create(maps, config_map("one"))
    assert (await through.find(f"{maps}/one") is not None) == lands


async def test_the_port_closes_for_its_time(proxy: Proxy, through: KubeApi) -> None:
    proxy.add(Rule("gone", match="version", seconds=1.0))
    begin = time.monotonic()
    await through.identity()
    assert 1.0 <= time.monotonic() - begin < 6
    assert proxy.was_gone == 1


async def test_a_watch_goes_through_and_ends_with_the_server(
    proxy: Proxy, through: KubeApi, kube: KubeApi, namespace: str
) -> None:
    maps = paths.core("configmaps", namespace)
    events = through.watch(maps)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)
    proxy.cut()
    await kube.create(maps, config_map("seen"))
    assert (await asyncio.wait_for(first, 10)).object["metadata"]["name"] == "seen"


async def test_helm_goes_through(proxy: Proxy, apiserver: ApiServer) -> None:
    """Nothing here needs HTTP/2, which client-go prefers."""
    argv = [str(apiserver.helm), "list", "-A", "--kubeconfig", proxy.kubeconfig]
    process = await asyncio.create_subprocess_exec(*argv, stdout=-1, stderr=-1)
    _, said = await process.communicate()
    assert process.returncode == 0, said
    assert any("secrets" in path for _verb, path in proxy.seen)


async def test_the_wall_clock_of_one_process_jumps_and_what_the_product_tells_does_not() -> None:
    if clock.library() is None:
        pytest.skip("libfaketime is not installed (apt-get install faketime)")
    script = (
        "import sys, time\nfrom blueshift.clock import SystemClock as C\nc = C()\n"
        "for _ in sys.stdin: print(time.time(), c.utc().timestamp(), c.now(), flush=True)"
    )
    async with clock.fault(clock.Settings()) as fake:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdin=-1, stdout=-1, env={**os.environ, **fake.env}
        )
        assert process.stdin is not None
        assert process.stdout is not None
        seen = []
        for offset in (0, 3600, -3600):
            fake.jump(offset)
            process.stdin.write(b"\n")
            wall, utc, now = map(float, (await process.stdout.readline()).split())
            seen.append((round(wall - time.time()), now))
            assert abs(utc - time.time()) < 1, "the product's instants jumped with the wall clock"
        process.stdin.close()
        assert await process.wait() == 0
    assert [offset for offset, _now in seen] == pytest.approx([0, 3600, -3600], abs=1)
    assert seen[0][1] < seen[1][1] < seen[2][1] < seen[0][1] + 10


async def test_the_disk_is_full_until_it_is_freed() -> None:
    if os.geteuid() != 0:
        pytest.skip("a mount needs root")
    async with disk.fault(disk.Settings(kib=64)) as small:
        file = small.folder / "file"
        small.fill()
        with pytest.raises(OSError, match="No space left"):
            file.write_bytes(bytes(100))
        small.free()
        file.write_bytes(bytes(100))
    assert not small.folder.exists()


async def called(program: str, *words: str, wait: bool = True) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(program, *words, start_new_session=True)
    if wait:
        await process.wait()
    return process


@pytest.fixture
def real(tmp_path: Path) -> str:
    """A helm that takes half a second and leaves a file."""
    program = tmp_path / "real-helm"
    program.write_text(f'#!/bin/sh\nsleep 0.5\necho "$1" >>{tmp_path}/did\n')
    program.chmod(0o755)
    return str(program)


async def test_helm_is_killed_in_the_middle_once(real: str, tmp_path: Path) -> None:
    async with helm.fault(helm.Settings("killed", seconds=0.1, real=real)) as wrapper:
        assert (await called(wrapper.path, "version")).returncode == 0
        assert (await called(wrapper.path, "upgrade", "x")).returncode == 137
        assert (await called(wrapper.path, "upgrade", "x")).returncode == 0
        assert (wrapper.met, len(wrapper.calls)) == (1, 3)
    assert (tmp_path / "did").read_text() == "version\nupgrade\n"


async def test_helm_goes_on_after_whoever_started_it_was_killed(real: str, tmp_path: Path) -> None:
    async with helm.fault(helm.Settings("late", seconds=0.5, real=real)) as wrapper:
        process = await called(wrapper.path, "install", "x", wait=False)
        while not wrapper.met:  # noqa: ASYNC110  # another process says so in a file
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        os.killpg(process.pid, 9)
        assert await process.wait() == -9
        assert not (tmp_path / "did").exists()
        await asyncio.sleep(1.5)
    assert (tmp_path / "did").read_text() == "install\n"


async def test_helm_fails_and_does_nothing(real: str, tmp_path: Path) -> None:
    async with helm.fault(helm.Settings("fails", real=real)) as wrapper:
        assert (await called(wrapper.path, "uninstall", "x")).returncode == 1
    assert not (tmp_path / "did").exists()
