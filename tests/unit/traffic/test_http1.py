"""Reading HTTP/1.1 answers, however they are cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueshift.cli.probe import probe
from blueshift.traffic.http1 import encode_request
from blueshift.traffic.http1_answer import Response, ResponseReader

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a: b \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"5\r\nhello\r\nA;name=value\r\n, world!\r\n\r\n0\r\nTrailer: yes\r\n\r\n"
)
HINTED = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN


def feed(data: bytes, cuts: list[int], method: str = "GET") -> tuple[Response | None, ResponseReader]:
    reader = ResponseReader(method)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    response = None
    for start, end in pairwise(edges):
        if response is None:
            response = reader.feed(data[start:end])
        else:
            reader.extra += data[start:end]
    return response, reader


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_the_cuts_make_no_difference(cuts: list[int]) -> None:
    for data, status, body in (
        (PLAIN, 200, b"hello"),
        (CHUNKED, 201, b"hello, world!\r\n"),
        (HINTED, 200, b"hello"),
    ):
        response, _ = feed(data, cuts)
        assert response is not None
        assert (response.status, response.keep) == (status, True)
        assert response.body == body


@settings(deadline=None)
@given(
    cuts=st.lists(st.integers(0, 500), max_size=12),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=4, max_size=4),
    body=st.sampled_from([b"hello", b"\n\n\r\n\r", b"\r\n\r\n\n"]),
)
def test_a_line_may_end_with_lf_alone(cuts: list[int], ends: list[bytes], body: bytes) -> None:
    lines = (b"HTTP/1.1 200", b"Content-Length: 5", b"X-Two: a", b"")
    head = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    response, _ = feed(head + body, cuts)
    assert response is not None
    assert (response.status, response.header("x-two")) == (200, "a")
    assert (response.body, response.keep) == (body, True)


@settings(deadline=None)
@given(
    cuts=st.lists(st.integers(0, 500), max_size=12),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=10, max_size=10),
    trailer=st.sampled_from([(), (b"X-Trailer: yes",)]),
)
def test_the_lines_of_chunks_too(cuts: list[int], ends: list[bytes], trailer: tuple[bytes, ...]) -> None:
    head = (b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", b"")
    lines = (*head, b"5", b"\n\r\n\r\n", b"A; name=value", b"0123456789", b"0", *trailer)
    data = b"".join(line + end for line, end in zip((*lines, b""), ends, strict=False))
    response, _ = feed(data, cuts)
    assert response is not None
    assert (response.body, response.keep) == (b"\n\r\n\r\n0123456789", True)


def test_a_header_may_go_on_in_the_next_line() -> None:
    response, _ = feed(b"HTTP/1.1 200 OK\r\nX-A: one\r\n  two: 2\r\n\tthree\r\nContent-Length: 0\r\n\r\n", [])
    assert response is not None
    assert response.header("x-a") == "one two: 2 three"


@pytest.mark.parametrize("lengths", ["2, 2", "2,2 ,2", "2\r\nX: y\r\nContent-Length: 2"])
def test_the_same_length_several_times_is_one(lengths: str) -> None:
    response, _ = feed(f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\nhi".encode(), [])
    assert response is not None
    assert (response.body, response.keep) == (b"hi", True)


def test_headers_are_found_by_lower_case_name() -> None:
    response, _ = feed(PLAIN, [])
    assert response is not None
    assert response.header("x-two") == "a: b"
    assert response.header("missing") == ""


@pytest.mark.parametrize(
    ("data", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: x\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 None\r\n\r\n", True),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", True),
        # Bytes after the answer would be taken for the next one.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 408 Late\r\n", False),
    ],
)
def test_whether_the_connection_may_be_kept(data: bytes, keep: bool) -> None:
    response, _ = feed(data, [])
    assert response is not None
    assert response.keep is keep


def test_a_head_has_no_body_whatever_its_length_says() -> None:
    response, _ = feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", [], "HEAD")
    assert response is not None
    assert response.body == b""


def test_what_follows_a_switch_is_handed_on() -> None:
    response, reader = feed(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x02hi", [])
    assert response is not None
    assert reader.extra == b"\x81\x02hi"


def test_an_answer_without_length_ends_with_the_connection() -> None:
    response, reader = feed(b"HTTP/1.1 200 OK\r\n\r\nall of it", [])
    assert response is None
    ended = reader.end()
    assert (ended.body, ended.keep) == (b"all of it", False)


@pytest.mark.parametrize("coding", ["gzip", "xchunked", "chunked, gzip", "gzip\r\nTransfer-Encoding: x"])
def test_an_answer_whose_last_coding_is_not_chunked_ends_with_the_connection(coding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n"
    response, reader = feed(head.encode() + b"all of it", [])
    assert response is None
    ended = reader.end()
    assert (ended.body, ended.keep) == (b"all of it", False)


@pytest.mark.parametrize("coding", ["gzip, Chunked", "chunked, ,\t", "gzip\r\nTransfer-Encoding: chunked"])
def test_an_answer_whose_last_coding_is_chunked_is_read_by_its_chunks(coding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n"
    response, _ = feed(head.encode() + b"5\r\nhello\r\n0\r\n\r\n", [])
    assert response is not None
    assert (response.body, response.keep) == (b"hello", True)


@pytest.mark.parametrize("cut", range(1, len(CHUNKED)))
def test_an_end_within_an_answer_is_never_an_answer(cut: int) -> None:
    response, reader = feed(CHUNKED[:cut], [])
    assert response is None
    with pytest.raises(EOFError):
        reader.end()


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 \u00b2\u00b2\u00b2 OK\r\n\r\n".encode("latin-1"),
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\rX",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1_0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_what_is_not_http_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(not an HTTP answer|malformed \w+|(headers|trailer) too long)$"):
        feed(data, [])


@pytest.mark.parametrize(
    "banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/2 200"]
)
def test_who_speaks_something_else_is_known_before_its_next_word(banner: bytes) -> None:
    with pytest.raises(ValueError, match="not an HTTP answer"):
        feed(banner, [])


@pytest.mark.parametrize("length", ["-5", "2, 3", "\u00b2"])
def test_a_length_that_is_none_is_a_fault_of_the_headers(length: str) -> None:
    reader = ResponseReader("GET")
    with pytest.raises(ValueError, match="malformed length"):
        reader.feed(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhi!".encode("latin-1"))
    assert reader.phase == "headers"


@pytest.mark.parametrize("length", ["9" * 20, "9" * 5000, "1, " + "1" * 5000])
def test_a_length_of_many_digits_is_told_in_our_words(length: str) -> None:
    with pytest.raises(ValueError, match=r"^(answer longer than 8 MiB.*|malformed length)$"):
        feed(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhi".encode(), [])


def test_zeros_before_a_length_make_it_no_longer() -> None:
    response, _ = feed(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 5000 + b"2\r\n\r\nhi", [])
    assert response is not None
    assert response.body == b"hi"


@pytest.mark.parametrize(("begun", "says"), [(b"", "before"), (b"HTTP/1.1 200 OK\r\nX", "within")])
def test_an_end_says_whether_anything_came(begun: bytes, says: str) -> None:
    _, reader = feed(begun, [])
    with pytest.raises(EOFError, match=f"closed {says} the answer"):
        reader.end()


@pytest.mark.parametrize("length", ["", "Content-Length: {0}\r\n", "Transfer-Encoding: chunked\r\n"])
def test_an_answer_that_is_too_long_says_how_long_it_may_be(length: str) -> None:
    def answer(size: int) -> bytes:
        body = b"x" * size
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if "chunked" in length else body
        return f"HTTP/1.1 200 OK\r\n{length.format(size)}\r\n".encode() + body

    reader = ResponseReader("GET")
    most = reader.feed(answer(8 << 20)) or reader.end()
    assert len(most.body) == 8 << 20
    with pytest.raises(ValueError, match="answer longer than 8 MiB"):
        ResponseReader("GET").feed(answer((8 << 20) + 1))
    if length:  # it is not read on for what its own words say
        with pytest.raises(ValueError, match="answer longer than 8 MiB"):
            ResponseReader("GET").feed(answer((8 << 20) + 1)[:100])
    assert "more than 8 MiB" in (probe.help or "")


def test_a_request_says_how_long_its_body_is() -> None:
    assert encode_request("GET", "a.test", "/p?q=1", {"X-A": "b"}) == (
        b"GET /p?q=1 HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n"
    )
    assert encode_request("POST", "a.test", "/", {}, b"xyz").endswith(b"\r\nContent-Length: 3\r\n\r\nxyz")
    assert b"Content-Length: 0" in encode_request("POST", "a.test", "/", {})
