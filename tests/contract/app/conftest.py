"""The front: one release for all tests of this folder, which change nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.apiserver import ApiServer
from tests.contract.app.front import Front, install
from tests.contract.dns.bind import OTHER_SECRET, SECRET, WRITER, Bind
from tests.contract.dns.conftest import bind

__all__ = ["bind"]


@pytest.fixture(scope="session")
def installed(apiserver: ApiServer) -> ApiServer:
    install(apiserver)
    return apiserver


@pytest.fixture
def front(installed: ApiServer, bind: Bind, tmp_path: Path) -> Front:
    """With the key that may write in update.key, and one with another secret in wrong.key."""
    (tmp_path / "update.key").write_text(WRITER)
    (tmp_path / "wrong.key").write_text(WRITER.replace(SECRET, OTHER_SECRET))
    return Front(installed, bind, tmp_path)
