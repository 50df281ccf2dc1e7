"""A big access log, and how fast it is summed up by us and by GoAccess: the same file, one core each."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench.pinned import Ended, pinned

LINES = 1_000_000
GOACCESS_FORMAT = '%h - %e [%d:%t %^] "%r" %s %b "%R" "%u" %^ %T [%v] %^'
"""ingress-nginx's default format in GoAccess's words: with the time and the upstream, as ours has them."""
_LINE = (
    "198.18.{:d}.{:d} - - [23/Nov/2026:{:02d}:{:02d}:{:02d} +0000] "
    '"GET /shop/item/{:d}?page={:d} HTTP/2.0" {:d} {:d} "https://www.example.com/" '
    '"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" {:d} {:.3f} '
    "[shop-web{:d}-80] [] {} {:032x}\n"
)


class Speeds(NamedTuple):
    """Lines per second of processor time, the start of the program included."""

    lines: int
    ours: float
    goaccess: float
    ours_rss_mb: float


def write(path: Path, lines: int = LINES) -> None:
    """500 upstreams, 5,000 clients, some errors, some tries at several servers; every line another."""
    source = random.Random(7)  # a log, not a secret
    with path.open("w") as file:
        for number in range(lines):
            second = number * 86_400 // lines
            status = 200 if source.random() < 0.97 else source.choice((301, 304, 404, 499, 502))
            seconds = source.lognormvariate(-4.5, 1.0)
            tried = f"10.0.{number % 7:d}.{number % 250:d}:8080 {900:d} {seconds:.3f} 200"
            if number % 50 == 0:
                tried = f"10.0.0.1:8080, 10.0.0.2:8080 0, 900 0.001, {seconds:.3f} 502, 200"
            file.write(
                _LINE.format(
                    number % 20, number % 250, second // 3600, second // 60 % 60, second % 60,
                    number % 1000, number % 9, status, source.randrange(200, 40_000),
                    source.randrange(100, 900), seconds, number % 500, tried, source.getrandbits(128),
                )
            )  # fmt: skip


def speeds(folder: Path) -> Speeds:
    """Both programs over the same file, one after the other."""
    log = folder / "access.log"
    write(log)
    blueshift = str(Path(sys.executable).with_name("blueshift"))
    ours = pinned([blueshift, "logs", "analyze", str(log), "-o", "json"])
    found = json.loads(ours.out)
    assert found["requests"] == LINES, found["requests"]
    assert found["unread"] == found["duplicates"] == 0
    other = pinned(
        [
            "goaccess", str(log), "--log-format", GOACCESS_FORMAT, "--date-format", "%d/%b/%Y",
            "--time-format", "%H:%M:%S", "-o", "json", "--no-progress", "--no-global-config",
        ]
    )  # fmt: skip
    counted = json.loads(other.out)["general"]["valid_requests"]
    assert counted == LINES, f"GoAccess read {counted} lines"
    return Speeds(LINES, _rate(ours), _rate(other), ours.rss_mb)


def _rate(ended: Ended) -> float:
    return round(LINES / ended.processor_s)
