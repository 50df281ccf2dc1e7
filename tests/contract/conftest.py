"""Servers that several contract tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster.api import KubeApi
from tests.contract import apiserver as server_of
from tests.contract.apiserver import ApiServer


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One API server for all; each test keeps to names of its own."""
    with server_of.running(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
async def kube(apiserver: ApiServer) -> AsyncIterator[KubeApi]:
    """A cluster-admin's API."""
    api = await KubeApi.connect(SystemClock(), kubeconfig=apiserver.kubeconfig)
    yield api
    await api.close()
