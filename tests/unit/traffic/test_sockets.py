import pytest

from blueshift.traffic.sockets import HELD_FOR, Socket, Staying, parse_sockets

V4 = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1 1 0 100 0 0 10 0
   1: 084012C6:0050 640012C6:A3F2 01 00000000:00000000 02:00000000 00000000   101        0 2 2 0 20 4 30 10 -1
   2: 084012C6:0050 640012C6:A3F4 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   3: 084012C6:280E 640012C6:A3F6 01 00000000:00000000 00:00000000 00000000   101        0 4 1 0 20 4 30 10 -1
"""
V6 = b"""  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0
   1: 02000120000000000000000001000000:01BB 02000120000004000000000009000000:D431 08 00000000:00000000 00:0
   2: 0000000000000000FFFF0000084012C6:01BB 0000000000000000FFFF0000640012C6:D433 01 00000000:00000000 00:0
"""
A, B = Socket("198.18.0.100", 40_000, 80), Socket("198.18.0.101", 40_001, 443)


def test_the_kernels_table_is_read() -> None:
    assert parse_sockets(V4 + V6, (80, 443)) == {
        Socket("198.18.0.100", 0xA3F2, 80),
        Socket("2001:2:4::9", 0xD431, 443),
        Socket("198.18.0.100", 0xD433, 443),
    }


def test_who_passes_does_not_stay() -> None:
    staying = Staying()
    staying.look("p", frozenset({A}), 0.0)
    assert staying.held("p") is None, "one look tells nothing"
    staying.look("p", frozenset({A, B}), HELD_FOR - 1)
    assert staying.held("p") is None
    staying.look("p", frozenset({A, B}), HELD_FOR)
    assert staying.held("p") == (A,)
    staying.look("p", frozenset({B}), HELD_FOR + 1)
    assert staying.held("p") == ()
    staying.look("p", frozenset({A, B}), 2 * HELD_FOR)
    assert staying.held("p") == (B,), "another one with the same port, or the same one after all"


@pytest.mark.parametrize(("found", "at"), [(None, 11.0), (frozenset({A}), 1000.0)])
def test_what_nobody_saw_for_a_while_begins_anew(found: frozenset[Socket] | None, at: float) -> None:
    staying = Staying()
    staying.look("p", frozenset({A}), 0.0)
    staying.look("p", frozenset({A}), 10.0)
    staying.look("p", found, at)
    assert staying.held("p") is None
    staying.look("p", frozenset({A}), at + 1)
    assert staying.held("p") is None
    assert staying.held("q") is None
