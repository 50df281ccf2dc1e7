"""The table of this very kernel."""

import socket
from pathlib import Path

import pytest

from blueshift.traffic.sockets import Socket, parse_sockets


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_this_kernels_table_is_read(family: socket.AddressFamily, host: str) -> None:
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, socket.create_connection(server.getsockname()[:2]) as client:
        port = server.getsockname()[1]
        table = b"".join(Path(f"/proc/net/{name}").read_bytes() for name in ("tcp", "tcp6"))
        assert parse_sockets(table, (port,)) == {Socket(host, client.getsockname()[1], port)}
