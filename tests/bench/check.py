"""`make bench-check`: `blueshift check` on a cluster with 500 Ingresses: time, requests and memory.

Prints and writes build/bench/check.json. Two manners are measured in turn, in one run and on one cluster: as
it is, and `apart`, where every check asks the API server for itself. What they find must be the same.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.crowd import Crowd, made
from tests.bench.installed import compiled

OUT = Path("build/bench/check.json")
INGRESSES, ROUNDS = 500, 5
MANNERS = {"shared": "tests.bench.counted", "apart": "tests.bench.apart"}
_HERE = Path(__file__).resolve().parents[2]


class Figures(msgspec.Struct, frozen=True):
    """Medians of one manner."""

    wall_s: float
    cpu_s: float
    """Of the command, its start included, without helm's."""
    helm_cpu_s: float
    server_cpu_s: float
    """That the API server worked meanwhile."""
    requests: float
    peak_rss_mb: float


class Found(msgspec.Struct, frozen=True):
    """One command."""

    figures: Figures
    results: list[dict[str, Any]]


def check(crowd: Crowd, manner: str, noted: Path) -> Found:
    """Run it once. Raises AssertionError where it does not end well."""
    before, began = crowd.server_cpu(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", MANNERS[manner], str(noted), "check", "-o", "json"],
        cwd=crowd.front.folder,
        env={**crowd.front.environment(crowd.runner), "PYTHONPATH": str(_HERE)},
        capture_output=True,
        text=True,
    )
    wall = time.monotonic() - began
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    counts = json.loads(noted.read_text())
    figures = Figures(
        wall_s=wall,
        cpu_s=counts["cpu_s"],
        helm_cpu_s=counts["helm_cpu_s"],
        server_cpu_s=crowd.server_cpu() - before,
        requests=sum(counts["requests"].values()),
        peak_rss_mb=counts["peak_rss_mb"],
    )
    return Found(figures, json.loads(done.stdout))


def median(rounds: list[Found]) -> Figures:
    """Of each figure for itself."""
    names = Figures.__struct_fields__
    return Figures(
        **{name: round(statistics.median(getattr(one.figures, name) for one in rounds), 2) for name in names}
    )


def measure(crowd: Crowd, folder: Path) -> dict[str, Figures]:
    """By manner. Raises AssertionError where the two find something else."""
    found: dict[str, list[Found]] = {manner: [] for manner in MANNERS}
    for _ in range(ROUNDS):
        for manner in MANNERS:
            found[manner].append(check(crowd, manner, folder / "noted.json"))
    shared, apart = (
        [(one["check"], one["outcome"], one["objects"]) for one in found[manner][-1].results]
        for manner in MANNERS
    )
    assert shared == apart, [pair for pair in zip(shared, apart, strict=False) if pair[0] != pair[1]]
    return {manner: median(rounds) for manner, rounds in found.items()}


def main() -> None:
    """Measure, write, and print the figures."""
    compiled()
    with tempfile.TemporaryDirectory(prefix="bench-check-") as folder, made(Path(folder), INGRESSES) as crowd:
        figures = measure(crowd, Path(folder))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    for manner, one in figures.items():
        told = ", ".join(f"{name} {value}" for name, value in msgspec.structs.asdict(one).items())
        print(f"{manner:8} {told}")
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
