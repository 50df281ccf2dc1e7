"""`make bench-traffic`: the witnesses of traffic, beside another tool in the same run where there is one.

Writes build/bench/traffic.json. Everything is on loopback, bounded in count and time, and ends by itself.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from blueshift.traffic.metrics import extract
from blueshift.traffic.sketch import Sketch
from tests.bench import asking, ledgers, lines
from tests.bench.pinned import peak_mb

OUT = Path("build/bench/traffic.json")
INGRESSES = 500
STATUSES = ("200", "304", "502")
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
HISTOGRAMS = (
    "request_duration_seconds", "header_duration_seconds", "connect_duration_seconds",
    "response_duration_seconds", "request_size", "response_size",
)  # fmt: skip
"""What ingress-nginx keeps for each series beside its counter (its metric/collectors/socket.go)."""


class Figures(msgspec.Struct, frozen=True):
    """What the bench says. Rates are by processor time on one core where two programs are compared."""

    log_lines: int
    log_lines_per_s: float
    goaccess_lines_per_s: float
    log_times_goaccess: float
    log_rss_mb: float
    exposition_mb: float
    exposition_s: float
    prober_requests_per_s: float
    """Held, HTTP/1.1 over TLS with the full ledger."""
    prober_late_p99_ms: float
    prober_sent_p99_ms: float
    """From when a request was due to its first byte: the wait for a connection and its making included."""
    prober_rows: float
    ledger_mb_per_10m: float
    """Of disk, for ten million requests of 2,000 streams, one in a hundred failed (`ledgers`)."""
    wrk_requests_per_s: float
    sketch_p99_error: float
    peak_rss_mb: float
    """Of any program of ours or of others in this run."""


def exposition() -> bytes:
    """One of 500 Ingresses with three statuses each, and every histogram of the controller."""
    rows = []
    for number in range(INGRESSES):
        for status in STATUSES:
            labels = (
                f'controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",'
                f'controller_pod="web-7d9f-{number % 2}",host="app{number}.example.com",'
                f'ingress="app{number}",method="GET",namespace="shop",path="/",service="web{number}",'
                f'status="{status}"'
            )
            rows.append(f'nginx_ingress_controller_requests{{canary="",{labels}}} {number * 7 + 1}')
            for name in HISTOGRAMS:
                rows += [
                    f'nginx_ingress_controller_{name}_bucket{{{labels},le="{bucket}"}} {number}'
                    for bucket in BUCKETS
                ]
                rows += [
                    f"nginx_ingress_controller_{name}_{kind}{{{labels}}} {number}"
                    for kind in ("sum", "count")
                ]
    return "\n".join(rows).encode() + b"\n"


def exposition_s(body: bytes) -> float:
    """Seconds of the processor to read it; the best of five."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        sample = extract(body, "web-0", 0.0)
        best = min(best, time.process_time() - began)
    assert len(sample.counters) == INGRESSES * len(STATUSES)
    return best


def sketch_error() -> float:
    """The largest relative error of the 99th percentile, over distributions as latencies have them."""
    source, worst = random.Random(11), 0.0  # latencies, not secrets
    draws: tuple[Callable[[], float], ...] = (
        lambda: source.lognormvariate(-4, 1.2),
        lambda: source.expovariate(20),
        lambda: source.paretovariate(1.5) / 100,
        lambda: source.uniform(0.001, 3.0),
    )
    for draw in draws:
        values = sorted(draw() for _ in range(100_000))
        sketch = Sketch()
        for value in values:
            sketch.add(value)
        exact, found = values[98_999], sketch.quantile(0.99)
        assert found is not None
        worst = max(worst, abs(found - exact) / exact)
    return worst


def main() -> None:
    """Measure all, and write the figures."""
    if missing := [name for name in ("goaccess", "taskset", "wrk") if shutil.which(name) is None]:
        raise SystemExit(f"{', '.join(missing)} must be installed; `make bench-traffic` does that")
    body = exposition()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        read = lines.speeds(Path(folder))
        print(f"logs: {read}", flush=True)
        asked = asking.held(Path(folder))
        kept = ledgers.written(Path(folder))
        print(f"ledger: {kept}", flush=True)
    figures = Figures(
        log_lines=read.lines,
        log_lines_per_s=read.ours,
        goaccess_lines_per_s=read.goaccess,
        log_times_goaccess=round(read.ours / read.goaccess, 2),
        log_rss_mb=round(read.ours_rss_mb),
        exposition_mb=round(len(body) / 1e6, 1),
        exposition_s=round(exposition_s(body), 3),
        prober_requests_per_s=asked.requests_per_s,
        prober_late_p99_ms=asked.late_p99_ms,
        prober_sent_p99_ms=asked.sent_p99_ms,
        prober_rows=asked.rows,
        ledger_mb_per_10m=kept.mb_per_10m,
        wrk_requests_per_s=asked.wrk_requests_per_s,
        sketch_p99_error=round(sketch_error(), 5),
        peak_rss_mb=round(peak_mb()),
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    print(OUT.read_text())


if __name__ == "__main__":
    main()
