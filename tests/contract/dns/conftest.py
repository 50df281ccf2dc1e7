"""One BIND for all tests of a module's run; each test keeps to names of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.contract.dns.bind import Bind, both


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    if shutil.which("named") is None:
        pytest.skip("BIND is not installed (apt-get install bind9)")
    with both(tmp_path_factory.mktemp("bind")) as bind:
        yield bind
