"""What a bad line to the API server does to reads, writes and watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths, transport
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiUnreachable, Conflict, Endless, WriteLost
from blueshift.cluster.watch import WatchEvent
from tests.contract.apiserver import ApiServer
from tests.contract.cluster.proxy import Proxy, proxied
from tests.contract.cluster.test_requests import config_map

MAP = "configmaps"


@pytest.fixture
async def proxy(apiserver: ApiServer) -> AsyncIterator[Proxy]:
    async with proxied(apiserver.port) as proxy:
        yield proxy


@pytest.fixture
async def far(apiserver: ApiServer, proxy: Proxy, tmp_path: Path) -> AsyncIterator[KubeApi]:
    """The API through the proxy."""
    kubeconfig = apiserver.write_kubeconfig(tmp_path / "far", token=apiserver.admin, port=proxy.port)
    api = await KubeApi.connect(SystemClock(), kubeconfig=kubeconfig)
    yield api
    await api.close()


async def test_a_write_whose_answer_is_lost_is_ambiguous_and_sent_once(
    kube: KubeApi, far: KubeApi, proxy: Proxy, namespace: str
) -> None:
    path = paths.core(MAP, namespace, "one")
    first = await far.create(paths.core(MAP, namespace), config_map("one", a="1"))
    before = proxy.connections
    proxy.mode = "swallow"
    with pytest.raises(WriteLost):
        await far.replace(path, {**first, "data": {"a": "2"}})
    # It did land, once, on the pooled connection: aiohttp would have sent the PUT again on a new one.
    assert proxy.connections == before
    assert (await kube.get(path))["data"] == {"a": "2"}
    proxy.mode = "pass"
    with pytest.raises(Conflict):
        await far.replace(path, {**first, "data": {"a": "2"}})


async def test_a_write_that_is_never_answered_is_ambiguous(
    far: KubeApi, proxy: Proxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "WRITE", 1.0)
    proxy.mode = "silent"
    with pytest.raises(WriteLost):
        await far.create(paths.core(MAP, namespace), config_map("one"))


async def test_a_write_that_never_left_is_not_ambiguous(
    far: KubeApi, proxy: Proxy, namespace: str, apiserver: ApiServer
) -> None:
    proxy.mode = "refuse"
    proxy.cut()
    await asyncio.sleep(0.1)
    with pytest.raises(ApiUnreachable):
        await far.create(paths.core(MAP, namespace), config_map("one"))


async def test_a_read_is_tried_again(far: KubeApi, proxy: Proxy, namespace: str) -> None:
    proxy.mode = "swallow"
    asyncio.get_running_loop().call_later(0.3, setattr, proxy, "mode", "pass")
    assert (await far.get(paths.core("namespaces", None, namespace)))["kind"] == "Namespace"


async def test_a_read_gives_up_in_the_end(
    far: KubeApi, proxy: Proxy, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(_: SystemClock, seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(SystemClock, "sleep", sleep)
    proxy.mode = "swallow"
    with pytest.raises(ApiUnreachable):
        await far.get(paths.core("namespaces", None, namespace))
    assert slept == [0.5, 1.0, 2.0, 4.0]


async def take(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str, dict[str, Any]]]:
    found: list[tuple[str, str, dict[str, Any]]] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            event = await anext(events)
            found.append((event.type, event.object["metadata"]["name"], event.object.get("data") or {}))
    return found


async def test_a_watch_tells_what_is_there_and_what_changes(kube: KubeApi, namespace: str) -> None:
    collection = paths.core(MAP, namespace)
    await kube.create(collection, config_map("one"))
    events = kube.watch(collection)
    assert await take(events, 1) == [("ADDED", "one", {})]
    await kube.create(collection, config_map("two"))
    await kube.patch(f"{collection}/two", {"data": {"a": "1"}})
    await kube.delete(f"{collection}/two")
    assert await take(events, 3) == [
        ("ADDED", "two", {}),
        ("MODIFIED", "two", {"a": "1"}),
        ("DELETED", "two", {"a": "1"}),
    ]


async def test_a_cut_watch_tells_afterwards_what_it_missed(
    kube: KubeApi, far: KubeApi, proxy: Proxy, namespace: str
) -> None:
    collection = paths.core(MAP, namespace)
    for name in ("changed", "deleted", "remade"):
        await kube.create(collection, config_map(name))
    events = far.watch(collection)
    assert len(await take(events, 3)) == 3
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)
    proxy.mode = "refuse"
    proxy.cut()
    await kube.patch(f"{collection}/changed", {"data": {"a": "1"}})
    await kube.delete(f"{collection}/deleted")
    await kube.delete(f"{collection}/remade")
    await kube.create(collection, config_map("remade", b="2"))
    await kube.create(collection, config_map("new"))
    proxy.mode = "pass"
    first = await asyncio.wait_for(waiting, 20)
    rest = await take(events, 4)
    found = [(first.type, first.object["metadata"]["name"], first.object.get("data") or {}), *rest]
    assert sorted(found, key=str) == sorted(
        [
            ("DELETED", "deleted", {}),
            ("DELETED", "remade", {}),
            ("ADDED", "remade", {"b": "2"}),
            ("ADDED", "new", {}),
            ("MODIFIED", "changed", {"a": "1"}),
        ],
        key=str,
    )


async def test_an_answer_that_trickles_for_ever_is_given_up_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "WHOLE", 1.0)
    asked = 0

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
        with suppress(OSError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        cluster = {"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        context = {"name": "here", "context": {"cluster": "here", "user": "me"}}
        user = {"name": "me", "user": {"token": "none"}}
        content = {"current-context": "here", "contexts": [context], "clusters": [cluster], "users": [user]}
        (tmp_path / "kubeconfig").write_text(json.dumps(content))
        with pytest.raises(Endless, match=rf"http://127.0.0.1:{port} did not end within 1 s"):
            await KubeApi.connect(SystemClock(), kubeconfig=str(tmp_path / "kubeconfig"))
    assert asked == 1
