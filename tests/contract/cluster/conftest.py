"""A namespace for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from tests.contract.lab.conftest import lab, state_folder, tools  # noqa: F401


@pytest.fixture
async def namespace(kube: KubeApi) -> AsyncIterator[str]:
    name = f"test-{uuid4().hex[:8]}"
    await kube.create(paths.core("namespaces"), {"metadata": {"name": name}})
    yield name
    await kube.delete(paths.core("namespaces", None, name))
