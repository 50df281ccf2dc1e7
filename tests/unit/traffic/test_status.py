from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError
from blueshift.traffic.status import Connections, parse_status

TEXT = (
    b"Active connections: 3 \nserver accepts handled requests\n 201 201 203 \n"
    b"Reading: 0 Writing: 1 Waiting: 2 \n"
)


def test_the_page_is_read() -> None:
    assert parse_status(TEXT) == Connections(3, 0, 1, 2, accepted=201, requests=203)


@pytest.mark.parametrize(("active", "own", "foreign"), [(3, 1, 2), (1, 1, 0), (0, 1, 0), (5, 4, 1)])
def test_reading_it_is_a_connection_too(active: int, own: int, foreign: int) -> None:
    assert Connections(active, 0, 1, 0).foreign(own) == foreign


@pytest.mark.parametrize("text", [b"", b"<html>404</html>", TEXT[:60]])
def test_another_page_is_refused(text: bytes) -> None:
    with pytest.raises(BlueshiftError, match="not nginx's status page") as caught:
        parse_status(text)
    assert "10246" in str(caught.value.hint)


def test_official(samples: Path) -> None:
    for version in ("1.11.3", "1.15.1"):
        found = parse_status((samples / f"ingress-nginx-{version}" / "nginx_status.txt").read_bytes())
        assert (found.active, found.waiting) == (3, 2)
