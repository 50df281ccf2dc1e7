from blueshift.traffic.sockets import HELD_FOR, Ports, Socket, Staying, parse_sockets

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
    expected = {
        Socket("198.18.0.100", 0xA3F2, 80),
        Socket("2001:2:4::9", 0xD431, 443),
        Socket("198.18.0.100", 0xD433, 443),
    }
    assert parse_sockets(V4 + V6, Ports()) == expected, "at whatever it listens"
    assert parse_sockets(V4 + V6, Ports(not_theirs=frozenset({443}))) == {Socket("198.18.0.100", 0xA3F2, 80)}
    assert parse_sockets(V4 + V6, Ports(frozenset({80, 443}), frozenset({443}))) == expected
    assert parse_sockets(V4, Ports(frozenset({0x280E}))) == {Socket("198.18.0.100", 0xA3F6, 0x280E)}


def test_what_comes_from_the_pod_itself_is_no_client() -> None:
    """The controller asks nginx for its status, and keeps the connection: nginx counts it."""
    own = parse_sockets(V4.replace(b"640012C6", b"0100007F"), Ports())
    assert [one.inside for one in own] == [True]
    staying = Staying()
    for at in (0.0, HELD_FOR):
        staying.look(own, at, counted=1)
    assert staying.held() == ()


def test_who_passes_does_not_stay() -> None:
    staying = Staying()
    staying.look({A}, 0.0)
    assert staying.held() is None, "one look tells nothing"
    staying.look({A}, HELD_FOR - 1)
    assert staying.held() is None
    staying.look({A, B}, HELD_FOR)
    assert staying.held() == (A,)
    staying.look({B}, HELD_FOR + 1)
    assert staying.held() == ()
    staying.look({A, B}, 2 * HELD_FOR)
    assert staying.held() == (B,), "another one with the same port, or the same one after all"


def test_what_is_new_may_be_as_old_as_the_look_before() -> None:
    staying = Staying()
    staying.look((), 0.0)
    staying.look({A}, HELD_FOR + 20)
    assert staying.held() == (A,)


def test_what_nobody_saw_for_a_while_begins_anew() -> None:
    staying = Staying()
    staying.look({A}, 0.0)
    staying.look({A}, HELD_FOR)
    staying.look({A}, 1000.0)
    assert staying.held() is None


def test_a_table_that_lacks_what_nginx_counts_tells_nothing() -> None:
    staying = Staying()
    for second in range(0, 21, 2):
        staying.look((), float(second), counted=int(second > 4))
        if second == 12:
            assert staying.held() == (), "a moment lies between the count and the table"
    assert staying.held() is None
    staying.look({A}, 22.0, counted=1)
    assert staying.held() == ()
