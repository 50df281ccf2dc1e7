"""The servers that faults stand in front of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from tests.contract.apiserver import ApiServer
from tests.contract.dns.conftest import bind  # noqa: F401
from tests.crash.faults.api import Proxy, Settings, fault


@pytest.fixture
async def namespace(kube: KubeApi) -> AsyncIterator[str]:
    name = f"fault-{uuid4().hex[:8]}"
    await kube.create(paths.core("namespaces"), {"metadata": {"name": name}})
    yield name
    await kube.delete(paths.core("namespaces", None, name))


@pytest.fixture
async def proxy(apiserver: ApiServer) -> AsyncIterator[Proxy]:
    async with fault(Settings(apiserver.kubeconfig)) as proxy:
        yield proxy


@pytest.fixture
async def through(proxy: Proxy) -> AsyncIterator[KubeApi]:
    """The product's own client, by way of the proxy."""
    api = await KubeApi.connect(SystemClock(), kubeconfig=proxy.kubeconfig)
    yield api
    await api.close()
