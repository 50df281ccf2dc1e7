"""The servers that faults stand in front of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster.api import KubeApi
from tests.contract.apiserver import ApiServer
from tests.contract.dns.conftest import bind  # noqa: F401
from tests.crash.faults.api import Proxy, Settings, fault


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
