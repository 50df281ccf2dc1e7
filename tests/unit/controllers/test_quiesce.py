"""Keep-alive settings that end connections early: what is set, what stays, and how it is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.controllers.ingress_nginx.quiesce import keepalive_requests, quiesce
from blueshift.controllers.overrides import apply
from blueshift.controllers.profile import QuiesceFacts
from tests.unit.controllers.conftest import Values

HEAD = "# configuration file /etc/nginx/nginx.conf:\n"


def made(config: Values, **facts: int) -> Values:
    values = {"controller": {"config": config, "kind": "DaemonSet"}}
    changed = apply(values, quiesce(values, QuiesceFacts({"controller": {"config": {}}}, **facts)))
    assert changed["controller"]["kind"] == "DaemonSet"
    found: Values = changed["controller"]["config"]
    return found


def test_connections_end_after_their_next_answer_and_idle_ones_soon() -> None:
    assert made({}) == {"keep-alive": "10", "keep-alive-requests": "1"}
    assert made({"keep-alive": "75", "x": "y"}, requests=5, idle=3) == {
        "keep-alive": "3", "keep-alive-requests": "5", "x": "y",
    }  # fmt: skip


@pytest.mark.parametrize("own", [{"keep-alive": "0"}, {"keep-alive": "5s"}, {"keep-alive": 7}])
def test_what_ends_them_sooner_already_stays(own: Values) -> None:
    assert made({**own, "keep-alive-requests": 1}) == {**own, "keep-alive-requests": 1}


def test_zero_is_never_set() -> None:
    """HTTP/2 with concurrent requests breaks by it (nginx ticket 2155)."""
    for override in quiesce({}, QuiesceFacts({})):
        assert override.value != "0"


def test_no_other_value_of_any_chart_is_touched(chart: tuple[str, Values]) -> None:
    paths = {override.path for override in quiesce({}, QuiesceFacts(chart[1]))}
    assert paths == {("controller", "config", "keep-alive"), ("controller", "config", "keep-alive-requests")}


def test_the_requests_of_clients_are_told_from_those_of_upstreams() -> None:
    text = HEAD + "http { upstream u { keepalive_requests 10000; } keepalive_requests 1; server { } }"
    assert keepalive_requests(text) == 1
    assert keepalive_requests(HEAD + "http { upstream u { keepalive_requests 10000; } }") is None
    assert keepalive_requests(HEAD + "stream { keepalive_requests 3; } http { }") is None


@pytest.mark.parametrize("version", ["1.11.3", "1.15.1"])
def test_official_configurations_say_it(samples: Path, version: str) -> None:
    assert keepalive_requests((samples / f"ingress-nginx-{version}" / "nginx-T.conf").read_text()) == 1000
