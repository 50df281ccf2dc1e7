"""Request counters out of a controller's Prometheus exposition, and what was counted between two looks.

Only the few series that are needed are parsed: an exposition of 2,500 hosts is 39 MB, nearly all histograms.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.traffic.judge import is_error
from blueshift.traffic.status import Connections

_LABEL = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_EXEMPLAR = re.compile(rb"(?<=\d) # \{[^{}]*\} \S+(?: \S+)?$")
"""Of OpenMetrics, behind a value."""


class MetricNames(msgspec.Struct, frozen=True):
    """What a controller calls its series and labels; the defaults are ingress-nginx's."""

    requests: str = "nginx_ingress_controller_requests"
    connections: str = "nginx_ingress_controller_nginx_process_connections"
    handled: str = "nginx_ingress_controller_nginx_process_requests_total"
    """All requests of the data plane, also those of unknown hosts and of health checks."""
    on: str = "nginx_ingress_controller_config_hash"
    """Exported from the first look on, before any request, but only with metrics switched on."""
    started: str = "process_start_time_seconds"
    pod: str = "controller_pod"
    pod_namespace: str = "controller_namespace"
    host: str = "host"
    namespace: str = "namespace"
    ingress: str = "ingress"
    service: str = "service"
    status: str = "status"


class Series(NamedTuple):
    """What one counter counts; methods, paths and canaries are added up."""

    pod: str
    host: str
    """`_` for requests without a Host header; requests for unknown hosts have no series."""
    namespace: str
    ingress: str
    service: str
    status: int


Told = Literal["metrics", "prometheus"]
"""Who told a pod's counters: the pod itself, or a Prometheus that had read them."""

Labelled = Iterable[tuple[dict[str, str], float]]
"""The series of one name: labels and value of each."""


class Sample(msgspec.Struct, frozen=True):
    """One pod's counters at one moment."""

    pod: str
    at: float
    """Seconds since the epoch, by the corrected clock."""
    counters: dict[Series, float]
    connections: Connections | None = None
    handled: float | None = None
    started: float = 0.0
    """When the controller's process started, seconds since the epoch; 0 if it does not say."""
    counting: bool = True
    """Whether anything in the exposition shows that requests are counted.

    With `--enable-metrics=false` (the charts' default) the port still answers, with Go's series alone.
    """
    told: Told = "metrics"


class Delta(msgspec.Struct, frozen=True):
    """What one pod counted between two samples."""

    counts: dict[Series, float]
    handled: float = 0.0
    reset: bool = False
    """The process was started again in between: what it had counted since `before` is lost."""


class Window(msgspec.Struct, frozen=True):
    """What pods counted in a stretch of time, and for which parts of it that is known."""

    counts: dict[Series, float]
    covered: dict[str, tuple[float, float]]
    """Pod → first and last instant between which nothing was missed."""
    gaps: tuple[tuple[str, float, float], ...] = ()
    """(pod, from, to) of each stretch whose counts were lost, as its process started again."""
    uncounted: frozenset[str] = frozenset()
    """Pods whose newest sample shows no sign that requests are counted: their silence says nothing."""
    risen: float = 0.0
    """The latest look that saw a count higher than the look before it, whatever it counts; 0 for none."""
    told: dict[str, Told] = {}
    """Pod → who told its newest sample."""

    def by_host(self) -> dict[str, float]:
        """Requests by host."""
        hosts: defaultdict[str, float] = defaultdict(float)
        for series, count in self.counts.items():
            hosts[series.host] += count
        return dict(hosts)

    def errors(self) -> float:
        """Requests whose answer was an error."""
        return sum(count for series, count in self.counts.items() if is_error(series.status))

    def total(self) -> float:
        """All requests."""
        return sum(self.counts.values())


def extract(body: bytes, pod: str, at: float, names: MetricNames | None = None) -> Sample:
    """Read one exposition.

    `pod` stands for series without a pod label. Raises BlueshiftError for a line that is none.
    """
    try:
        return _sample(body, pod, at, names or MetricNames())
    except (ValueError, IndexError, OverflowError) as error:
        raise BlueshiftError(f"cannot be read: {error}", place=f"metrics of {pod}") from error


def _sample(body: bytes, pod: str, at: float, names: MetricNames) -> Sample:
    return sample_of(lambda name: _series(body, name), pod, at, names)


def sample_of(
    series: Callable[[str], Labelled], pod: str, at: float, names: MetricNames, told: Told = "metrics"
) -> Sample:
    """Put one pod's sample together out of the series of each name."""
    counters: dict[Series, float] = {}
    for labels, value in series(names.requests):
        if not math.isfinite(value):  # a stale marker, say
            continue
        counted = Series(
            pod=labels.get(names.pod, pod),
            host=labels.get(names.host, ""),
            namespace=labels.get(names.namespace, ""),
            ingress=labels.get(names.ingress, ""),
            service=labels.get(names.service, ""),
            status=_status(labels.get(names.status, "")),
        )
        counters[counted] = counters.get(counted, 0.0) + value
    handled = [value for _, value in series(names.handled)]
    connections = _connections(series(names.connections))
    signs = (counters, handled, connections, any(True for _ in series(names.on)))
    return Sample(
        pod=pod,
        at=at,
        counters=counters,
        connections=connections,
        handled=sum(handled) if handled else None,
        started=max((value for _, value in series(names.started)), default=0.0),
        counting=any(signs),
        told=told,
    )


def _status(text: str) -> int:
    """A number, or the class of some (`5xx`), told as its first one; 0 for what is neither."""
    if text[1:] in ("xx", "XX") and text[0].isdecimal():
        return int(text[0]) * 100
    return int(text) if text.isdecimal() else 0


def _connections(series: Labelled) -> Connections | None:
    states = {labels.get("state", ""): int(value) for labels, value in series}
    if "active" not in states:
        return None
    return Connections(
        active=states["active"],
        reading=states.get("reading", 0),
        writing=states.get("writing", 0),
        waiting=states.get("waiting", 0),
    )


def _series(body: bytes, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Each series of one name. Finding the name by memory search is what makes a big exposition quick."""
    needle = name.encode()
    start = 0 if body.startswith(needle) else _after_newline(body, needle, 0)
    while start >= 0:
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        rest = body[start + len(needle) : end]
        if rest[:1] in (b"{", b" "):  # and not a longer name
            rest = _EXEMPLAR.sub(b"", rest) if b" # {" in rest else rest
            labels, _, value = rest.rpartition(b"}")
            yield {key.decode(): _text(text) for key, text in _LABEL.findall(labels)}, float(value.split()[0])
        start = _after_newline(body, needle, end)


def _after_newline(body: bytes, needle: bytes, start: int) -> int:
    found = body.find(b"\n" + needle, start)
    return found + 1 if found >= 0 else -1


def _text(value: bytes) -> str:
    text = value.decode(errors="replace")
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def delta(before: Sample, after: Sample) -> Delta:
    """What was counted between two samples of one pod.

    A counter that fell, or a process that started in between, began again at zero. A series that is gone
    (its Ingress was deleted) counts nothing.
    """
    began_again = after.started > before.started > 0
    fell = any(value < before.counters.get(series, 0.0) for series, value in after.counters.items())
    reset = began_again or fell
    old: dict[Series, float] = {} if reset else before.counters
    counts = {
        series: value - old.get(series, 0.0)
        for series, value in after.counters.items()
        if value != old.get(series, 0.0)
    }
    handled = (after.handled or 0.0) - (0.0 if reset else before.handled or 0.0)
    return Delta(counts=counts, handled=handled, reset=reset)
