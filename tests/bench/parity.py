"""`make bench-parity`: what it takes to prove that two sides serve the same 500 Ingresses over TLS.

Prints and writes build/bench/parity.json. Both sides are one site on two addresses of loopback, in a process
of its own; each Ingress has two paths, and a certificate that must be the same. The prover is a process that
has loaded what carries a run.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from blueshift.clock import SystemClock
from blueshift.controllers.registry import load
from blueshift.traffic.parity import AskedSide, ParityRules, compare_routes
from tests.bench import nginx, site
from tests.bench.counted import peak
from tests.contract.apiserver import free_ports

OUT = Path("build/bench/parity.json")
INGRESSES = 500
SIDES = ("127.0.0.1", "127.0.0.2")


class Figures(msgspec.Struct, frozen=True):
    """Of one proof."""

    configurations_s: float
    """To read both generated configurations, which are there already."""
    wall_s: float
    """That, and all questions."""
    cpu_s: float
    """Of the prover alone, without its start."""
    start_rss_mb: float
    peak_rss_mb: float
    configuration_mb: float
    """Of one side."""
    routes: int
    requests: int
    said: str


async def prove(http: int, https: int) -> Figures:
    """Prove it once. Raises AssertionError where the sides differ."""
    import blueshift.cli.work  # noqa: F401  # what a run has loaded

    clock, profile = SystemClock(), load("ingress-nginx")
    hosts = [f"shop-{number:04d}.shop.test" for number in range(INGRESSES)]
    dumps = [nginx.dump(hosts) for _ in SIDES]
    at_start, began, worked = peak(), time.monotonic(), time.process_time()
    left, right = (profile.routes(dump.decode()) for dump in dumps)
    read = time.monotonic() - began
    sides = tuple(AskedSide(address, (address,), http, https) for address in SIDES)
    compared = await compare_routes(
        (left, right), (sides[0], sides[1]), clock=clock, rules=ParityRules(), certified=hosts
    )
    assert compared.equal == INGRESSES * len(nginx.PATHS), compared.said()
    return Figures(
        configurations_s=round(read, 2),
        wall_s=round(time.monotonic() - began, 2),
        cpu_s=round(time.process_time() - worked, 2),
        start_rss_mb=round(at_start, 1),
        peak_rss_mb=round(peak(), 1),
        configuration_mb=round(len(dumps[0]) / 2**20, 1),
        routes=len(left.routes),
        requests=2 * len(left.routes),
        said=compared.said(),
    )


def main() -> None:
    """Measure, write, and print the figures."""
    if len(sys.argv) > 1:
        print(json.dumps(msgspec.to_builtins(asyncio.run(prove(int(sys.argv[1]), int(sys.argv[2]))))))
        return
    with tempfile.TemporaryDirectory(prefix="bench-parity-") as folder:
        http, https = free_ports(2)
        with site.running(Path(folder), http, https, *SIDES):
            argv = [sys.executable, "-m", "tests.bench.parity", str(http), str(https)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
    for name, value in figures.items():
        print(f"{name:20} {value}")
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
