from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.errors import BlueshiftError
from blueshift.traffic.metrics import MetricNames, Sample, Series, delta, extract
from blueshift.traffic.status import Connections

NAME = "nginx_ingress_controller_requests"


def series(host: str = "a.org", status: int = 200, pod: str = "p1") -> Series:
    return Series(pod, host, "shop", "web", "web", status)


def sample(at: float, counts: dict[Series, float], *, pod: str = "p1", started: float = 1.0) -> Sample:
    return Sample(pod=pod, at=at, counters=counts, handled=sum(counts.values()), started=started)


def exposition(*lines: str) -> bytes:
    return ("# HELP x y\n# TYPE x counter\n" + "\n".join(lines) + "\n").encode()


def labelled(host: str = "a.org", status: str = "200", method: str = "GET", value: str = "3") -> str:
    labels = (
        f'controller_pod="p1",host="{host}",ingress="web",method="{method}",namespace="shop",service="web"'
    )
    return f'{NAME}{{{labels},status="{status}"}} {value}'


def test_methods_are_added_up_and_numbers_may_be_in_exponent_form() -> None:
    body = exposition(labelled(), labelled(method="POST", value="1.2e+03"), labelled(status="502", value="1"))
    found = extract(body, "other", 7.0)
    assert found.counters == {series(): 1203.0, series(status=502): 1.0}
    assert (found.pod, found.at) == ("other", 7.0)


def test_longer_names_are_other_series() -> None:
    body = exposition(f"{NAME}_total 5", labelled(), f"{NAME}_created{{}} 9")
    assert sum(extract(body, "p", 0.0).counters.values()) == 3


@pytest.mark.parametrize(("said", "status"), [("2xx", 200), ("5xx", 500), ("", 0), ("-", 0), ("012", 12)])
def test_a_status_may_be_a_class(said: str, status: int) -> None:
    assert extract(exposition(labelled(status=said)), "p1", 0.0).counters == {series(status=status): 3.0}


def test_an_exemplar_is_no_value() -> None:
    line = labelled(value="5") + ' # {trace_id="x"} 1.0 1700000000.5'
    assert extract(exposition(line, labelled(host="x # {y")), "p1", 0.0).counters == {
        series(): 5.0,
        series("x # {y"): 3.0,
    }


def test_what_is_no_number_counts_nothing() -> None:
    assert extract(exposition(labelled(value="NaN")), "p1", 0.0).counters == {}


@pytest.mark.parametrize(
    "body",
    [
        exposition(labelled())[:-3],
        b"nginx_ingress_controller_requests{host=",
        b'nginx_ingress_controller_nginx_process_connections{state="active"} +Inf\n',
    ],
)
def test_a_line_that_is_none_is_an_error(body: bytes) -> None:
    with pytest.raises(BlueshiftError, match="metrics of p1"):
        extract(body, "p1", 0.0)


def test_connections_requests_and_start() -> None:
    base = "nginx_ingress_controller_nginx_process"
    body = exposition(
        *[
            f'{base}_connections{{state="{state}"}} {n}'
            for state, n in (("active", 3), ("writing", 1), ("waiting", 2))
        ],
        f"{base}_requests_total{{}} 213",
        "process_start_time_seconds 1.79547729681e+09",
    )
    found = extract(body, "p", 0.0)
    assert found.connections == Connections(3, 0, 1, 2)
    assert (found.handled, found.started) == (213.0, 1795477296.81)


def test_what_an_exposition_does_not_say_stays_unknown() -> None:
    found = extract(b"", "p", 0.0)
    assert (found.counters, found.connections, found.handled, found.started) == ({}, None, None, 0.0)


@pytest.mark.parametrize(
    ("body", "counting"),
    [
        (b"go_goroutines 9\nprocess_start_time_seconds 5\n", False),
        (b"", False),
        (b'nginx_ingress_controller_config_hash{controller_pod="p"} 1\n', True),
        (b"nginx_ingress_controller_nginx_process_requests_total 0\n", True),
        (labelled().encode(), True),
    ],
)
def test_whether_requests_are_counted_at_all(body: bytes, counting: bool) -> None:
    assert extract(body, "p", 0.0).counting is counting


def test_the_first_line_and_a_last_one_without_newline_count() -> None:
    assert sum(extract(labelled().encode(), "p", 0.0).counters.values()) == 3


def test_other_names() -> None:
    body = b'requests_total{code="404",svc="x"} 2\n'
    found = extract(body, "p", 0.0, MetricNames(requests="requests_total", status="code", service="svc"))
    assert found.counters == {Series("p", "", "", "", "x", 404): 2.0}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30), st.integers(0, 10**15))
def test_any_label_and_count_come_back(host: str, count: int) -> None:
    escaped = host.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    found = extract(exposition(labelled(host=escaped, value=str(count))), "p", 0.0)
    assert found.counters == {series(host=host): float(count)}


def test_a_delta_is_what_was_added() -> None:
    before = sample(0, {series(): 5, series(status=500): 1, series("gone.org"): 9})
    after = sample(10, {series(): 8, series(status=500): 1, series("new.org"): 2})
    step = delta(before, after)
    assert step.counts == {series(): 3, series("new.org"): 2}
    assert not step.reset


@pytest.mark.parametrize("started", [1.0, 5.0])
def test_a_counter_that_fell_or_a_new_process_begins_at_zero(started: float) -> None:
    after = sample(10, {series(): 4 if started == 1.0 else 7}, started=started)
    step = delta(sample(0, {series(): 5}), after)
    assert step.reset
    assert step.counts == after.counters
    assert step.handled == after.handled


def test_official(samples: Path) -> None:
    body = (samples / "ingress-nginx-1.15.1" / "metrics.txt").read_bytes()
    unasked = [line for line in body.splitlines(keepends=True) if not line.startswith(NAME.encode())]
    assert extract(b"".join(unasked), "p", 0.0).counting
    found = extract(body, "p", 0.0)
    hosts = {key.host for key in found.counters}
    assert not [host for host in hosts if "wild" in host or host == ""]
    refused = [key for key in found.counters if key.status == 413]
    assert {(key.ingress, key.service) for key in refused} == {("", "")}
    assert found.counters[Series(refused[0].pod, "paths.example.com", "shop", "paths", "", 404)] == 2
    assert (found.connections, found.handled) == (Connections(3, 0, 1, 2), 213)
    older = extract((samples / "ingress-nginx-1.11.3" / "metrics.txt").read_bytes(), "p", 0.0)
    assert sum(count for key, count in older.counters.items() if key.host == "_") == 1
