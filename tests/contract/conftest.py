"""Servers that several contract tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
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


@pytest.fixture
async def namespace(kube: KubeApi) -> AsyncIterator[str]:
    """One of the test's own, gone afterwards."""
    name = f"test-{uuid4().hex[:8]}"
    await kube.create(paths.core("namespaces"), {"metadata": {"name": name}})
    yield name
    await kube.delete(paths.core("namespaces", None, name))
