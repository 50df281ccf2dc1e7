"""`make bench-engine`: one upgrade under traffic on the lab, and where its time went.

Writes build/bench/engine.json. `wall_s` is the whole command; `inherent_wait_s` and `helm_s` are what it had
to wait for; `added_s` is the rest. How waits are accounted for: tests/bench/account.py.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.lab import lifecycle
from blueshift.lab.cache import locked
from blueshift.lab.demo import settings, upgrade, world
from blueshift.lab.demo.generator import Generator, plan
from blueshift.lab.demo.world import World
from blueshift.lab.paths import lab_named
from blueshift.traffic.prober.ledger import read_ledger, started_of
from tests.bench.account import Noted, Waited, at_work, rounds, waits, work
from tests.bench.eyes import watching
from tests.bench.gates import Gates, journal_of, parked
from tests.bench.installed import compiled
from tests.bench.outside import Outside

OUT = Path("build/bench/engine.json")
RATE = 120.0
"""Requests per second: so few that they do not measure the machine, and enough for the soak's verdict, which
takes 1,917 without a failure: then the upper bound of 95 % is within the margin of 0.2 % (judge.py)."""

_TIMED = ("sh", "-c", 'date +%s.%N > "$0" && exec "$@"')
"""Writes down when the command begins: `blueshift lab exec`, by which it is started, is no part of it."""


class Figures(msgspec.Struct, frozen=True):
    """What the bench says; seconds, MiB."""

    wall_s: float
    inherent_wait_s: float
    helm_s: float
    added_s: float
    notice_delay_max_s: float
    journal_writes: int
    api_requests: dict[str, int]
    """By the run's own client; helm's are not among them."""
    peak_rss_mb: float
    requests: int
    failed: int
    void: bool
    """Whether the count of requests proves nothing: the machine was too busy."""
    work_s: dict[str, float]
    """Step → seconds that it looked, planned and proved, without helm's and the rounds' time."""
    waits: tuple[Waited, ...]
    gates: Gates


async def measure(made: World, clock: Clock) -> Figures:
    """Carry one upgrade and account for it. Raises AssertionError when it does not succeed."""
    gates = await parked(made, clock)
    noted_file, began_file = made.folder / "noted.json", made.folder / "began"
    traffic = Generator(made, clock)
    config = settings.write(made)
    try:
        await traffic.start(plan(made, rate=RATE))
        await traffic.warm(500, within=120.0)
        async with watching(made.lab, clock) as eyes:
            process = await upgrade.start(
                made.lab,
                *("upgrade", "--yes", "--config", str(config), "--output", "plain"),
                admin=True,
                program=(
                    *_TIMED,
                    str(began_file),
                    sys.executable,
                    "-m",
                    "tests.bench.counted",
                    str(noted_file),
                ),
            )
            code = await upgrade.followed(process, print)
            wall = clock.utc().timestamp() - float(began_file.read_text())
        assert code == 0, f"the upgrade ended with {code}"
        summary = await traffic.stop()
    finally:
        await traffic.kill()
    for failure in summary.failures[:10]:
        print(f"failed: {failure}")
    noted = msgspec.json.decode(noted_file.read_bytes(), type=Noted)
    journal = await journal_of(made.lab, "blue-green")
    outside = Outside(
        requests=_requests(made.folder / "traffic.ledger"),
        sides={"primary": made.addresses, "temporary": _temporary(journal)},
        least=20.0,
        window=15.0,
        quiet=30.0,
        answering=10.0,
    )
    accounted = waits(noted, journal, eyes, outside)
    inherent = sum(wait.inherent for wait in accounted) + rounds(noted, accounted)
    helm = at_work(noted.helm)
    return Figures(
        wall_s=round(wall, 1),
        inherent_wait_s=round(inherent, 1),
        helm_s=round(helm, 1),
        added_s=round(wall - inherent - helm, 1),
        notice_delay_max_s=round(max(wait.notice or 0.0 for wait in accounted), 2),
        journal_writes=journal["seq"],
        api_requests=noted.requests,
        peak_rss_mb=round(noted.peak_rss_mb, 1),
        requests=summary.requests,
        failed=summary.failed,
        void=summary.void,
        work_s=work(noted),
        waits=tuple(accounted),
        gates=gates,
    )


def _temporary(journal: dict[str, Any]) -> tuple[str, ...]:
    ready = journal["facts"]["TemporaryReady"]
    return (*ready["ipv4"], *ready["ipv6"])


def _requests(ledger: Path) -> dict[tuple[str, str], list[float]]:
    """Address and client → ends of requests as instants, in order."""
    started, found = started_of(ledger).timestamp(), defaultdict(list)
    for row in read_ledger(ledger):
        if row.address and row.end >= 0:
            found[row.address, row.persona].append(started + row.end)
    return {of: sorted(ends) for of, ends in found.items()}


async def bench() -> Figures:
    """Make a world, measure in it, take it down."""
    clock, lab = SystemClock(), lab_named("bench-engine")
    tools, images = await world.prepare(print, lambda _: None)
    with locked("demo", print):
        try:
            return await measure(await world.make(lab, tools, images, print, clock), clock)
        finally:
            await lifecycle.down(lab, clock)


def main() -> None:
    """Measure, write, and print the figures."""
    compiled()
    figures = asyncio.run(bench())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    for wait in figures.waits:
        notice = "      -" if wait.notice is None else f"{wait.notice:7.2f}"
        print(
            f"{wait.step + ' ' + wait.key:52} {wait.lasted:7.2f} s, inherent {wait.inherent:7.2f}, {notice}"
        )
    told = {
        name: value
        for name, value in msgspec.structs.asdict(figures).items()
        if name not in ("waits", "work_s")
    }
    for step, seconds in figures.work_s.items():
        print(f"{step:52} worked {seconds:7.2f} s")
    for name, value in told.items():
        print(f"{name:20} {value}")
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
