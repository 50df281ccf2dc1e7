"""Logs and exec need a kubelet: both against a pod of a real lab, from a thread inside its network."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiUnreachable, NotFound
from blueshift.cluster.workloads import is_ready
from blueshift.errors import BlueshiftError
from blueshift.lab import containerd, namespaces
from blueshift.lab.paths import Lab
from blueshift.steps.podlogs import PodLogs
from blueshift.traffic.logs import compile_format

pytestmark = pytest.mark.lab
T = TypeVar("T")
Run = Callable[[Callable[[KubeApi], Awaitable[T]]], T]

IMAGE = "localhost/blueshift-shell:1"
SCRIPT = 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.2; done'


def pod(name: str, *command: str) -> dict[str, object]:
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["/bin/busybox", *command],
    }
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"metadata": {"name": name}, "spec": spec}


def archive(target: Path) -> Path:
    """A docker-archive of one file, Debian's static busybox."""
    layer = tarred({"bin/busybox": Path("/bin/busybox").read_bytes()}, 0o755)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    target.write_bytes(tarred({"layer.tar": layer, "config.json": config, "manifest.json": manifest}, 0o644))
    return target


def tarred(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run[object]]:
    """Runs a coroutine with the lab's API in a thread that lives in the lab's network."""
    if not Path("/bin/busybox").exists():
        pytest.skip("busybox is not installed (apt-get install busybox-static)")
    asyncio.run(containerd.import_image(lab, archive(tmp_path_factory.mktemp("image") / "shell.tar")))

    async def with_kube(use: Callable[[KubeApi], Awaitable[object]]) -> object:
        kube = await KubeApi.connect(SystemClock(), kubeconfig=str(lab.kubeconfig))
        try:
            async with asyncio.timeout(60):
                return await use(kube)
        finally:
            await kube.close()

    def enter() -> None:
        namespaces.enter(lab.netns_path, namespaces.NEW_NETWORK)

    with ThreadPoolExecutor(1, initializer=enter) as inside:
        runner: Run[object] = lambda use: inside.submit(lambda: asyncio.run(with_kube(use))).result()  # noqa: E731
        runner(talking)
        yield runner


async def talking(kube: KubeApi) -> None:
    await kube.create(paths.core("pods", "default"), pod("talker", "sh", "-c", SCRIPT))
    await kube.create(paths.core("pods", "default"), pod("silent", "sleep", "1000"))
    for name in ("talker", "silent"):
        while not is_ready(await kube.get(paths.core("pods", "default", name))):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def take(lines: AsyncIterator[bytes], count: int) -> list[bytes]:
    return [await anext(lines) for _ in range(count)]


def test_followed_logs_arrive_line_by_line_as_they_are_written(run: Run[list[bytes]]) -> None:
    lines = run(lambda kube: take(kube.logs("default", "talker", "main", follow=True), 15))
    assert lines == [f"line {number}".encode() for number in range(1, 16)]


def test_logs_since_an_instant_leave_out_what_was_before(run: Run[list[bytes]]) -> None:
    async def recent(kube: KubeApi) -> list[bytes]:
        await asyncio.sleep(3)
        since = datetime.now(UTC) - timedelta(seconds=1)
        return [line async for line in kube.logs("default", "talker", "main", since=since, timestamps=True)]

    lines = run(recent)
    assert 0 < len(lines) <= 11  # two seconds at most, as sinceTime has whole ones
    assert lines[0].split(b" ", 1)[0].startswith(b"20")


def test_what_was_rotated_away_while_a_stream_was_broken_is_known(run: Run[list[float]], lab: Lab) -> None:
    """The last line that was read comes again where nothing is missing, and else does not (a log that is
    emptied stands for one that the kubelet has rotated: it serves the newest file alone)."""
    (file,) = (lab.root / "pods").glob("default_talker_*/main/0.log")

    async def gaps(kube: KubeApi) -> list[float]:
        clock = SystemClock()
        logs = PodLogs(kube, clock, compile_format(), clock.utc().timestamp())
        found: list[float] = []
        for emptied in (False, True):
            logs.follow("default", "main", {"talker": 0.0})
            await asyncio.sleep(4)
            logs.stop()
            await asyncio.sleep(2)
            if emptied:
                os.truncate(file, 0)
            logs.follow("default", "main", {"talker": 0.0})
            await asyncio.sleep(4)
            logs.stop()
            await asyncio.sleep(0)
            found.append(sum(end - begin for begin, end in logs.tally.pods["talker"].gaps))
        return found

    whole, emptied = run(gaps)
    assert whole == 0
    assert 1 < emptied < 4


def test_a_quiet_log_ends_and_does_not_hang(run: Run[list[bytes]]) -> None:
    async def quiet(kube: KubeApi) -> list[bytes]:
        return [line async for line in kube.logs("default", "silent", "main", follow=True, quiet=1.0)]

    assert run(quiet) == []


def test_logs_of_no_pod_are_not_found(run: Run[list[bytes]]) -> None:
    with pytest.raises(NotFound):
        run(lambda kube: take(kube.logs("default", "absent", "main"), 1))


def execute(run: Run[object], *argv: str, timeout: float = 10.0) -> tuple[bytes, bytes, int]:
    async def use(kube: KubeApi) -> object:
        return await kube.exec("default", "talker", argv, container="main", timeout=timeout)

    result = run(use)
    return result.stdout, result.stderr, result.code  # type: ignore[attr-defined]


def test_exec_tells_streams_and_exit_code_apart(run: Run[object]) -> None:
    assert execute(run, "/bin/busybox", "sh", "-c", "echo out; echo err >&2; exit 7") == (
        b"out\n",
        b"err\n",
        7,
    )
    assert execute(run, "/bin/busybox", "echo", "a b", "$HOME") == (b"a b $HOME\n", b"", 0)


def test_exec_passes_on_a_large_output_whole(run: Run[object]) -> None:
    out, _, code = execute(run, "/bin/busybox", "head", "-c", "3000000", "/dev/zero")
    assert (len(out), code) == (3_000_000, 0)


def test_exec_of_a_missing_program_is_an_error_that_names_it(run: Run[object]) -> None:
    with pytest.raises(BlueshiftError, match="no-such-program"):
        execute(run, "/no-such-program")


def test_exec_ends_at_its_timeout(run: Run[object]) -> None:
    with pytest.raises(ApiUnreachable, match="no answer within"):
        execute(run, "/bin/busybox", "sleep", "30", timeout=0.5)


def test_exec_in_no_pod_is_not_found(run: Run[object]) -> None:
    async def use(kube: KubeApi) -> object:
        return await kube.exec("default", "absent", ["true"], container="main")

    with pytest.raises(NotFound):
        run(use)
