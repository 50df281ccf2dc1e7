"""Unit tests reach no network: only unix sockets, which asyncio's own loop needs."""

import pytest
from pytest_socket import disable_socket


@pytest.fixture(autouse=True)
def _no_network() -> None:
    disable_socket(allow_unix_socket=True)
