"""The table of this very kernel."""

import socket
from pathlib import Path

import pytest

from blueshift.traffic.sockets import Ports, Socket, parse_sockets


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_this_kernels_table_is_read(family: socket.AddressFamily, host: str) -> None:
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, socket.create_connection(server.getsockname()[:2]) as client:
        port = server.getsockname()[1]
        table = b"".join(path.read_bytes() for path in tables if path.exists())
        found = parse_sockets(table, Ports(frozenset({port})))
        assert found == {Socket(host, client.getsockname()[1], port)}
        assert found <= parse_sockets(table, Ports())
        assert not found & parse_sockets(table, Ports(not_theirs=frozenset({port})))
