"""One BIND for all tests of a module's run; each test keeps to names of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator

import pytest

from tests.contract.dns.bind import Bind, free_port, running, until_ready


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    if shutil.which("named") is None:
        pytest.skip("BIND is not installed (apt-get install bind9)")
    bind = Bind(port=free_port(), secondary_port=free_port(), folder=tmp_path_factory.mktemp("bind"))
    with running(bind, bind.port):
        # A secondary that finds no primary asks again only a minute later.
        asyncio.run(until_ready(bind, bind.port))
        with running(bind, bind.secondary_port):
            asyncio.run(until_ready(bind, bind.secondary_port))
            yield bind
