"""Unit tests reach no network: only unix sockets, which asyncio's own loop needs."""

import hypothesis
import pytest
from pytest_socket import disable_socket

# A busy machine must not fail a property: time is no part of any.
hypothesis.settings.register_profile("blueshift", deadline=None)
hypothesis.settings.load_profile("blueshift")


@pytest.fixture(autouse=True)
def _no_network() -> None:
    disable_socket(allow_unix_socket=True)
