"""The lab's traffic as a process of its own: `python -m blueshift.lab.traffic --config FILE`.

It sends what the file's plan says, prints a line every 10 s on standard error, ends on SIGTERM or when the
plan's duration is over, waits for what is under way, asks the backends what they served, and writes the
summary.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import secrets
import signal
import sys
from pathlib import Path

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.dns.resolver import query
from blueshift.dns.wire import NoAnswer
from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.backends import Backend, fetch_all, ids_of
from blueshift.traffic.prober.client import tls_of
from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import LedgerWriter
from blueshift.traffic.prober.names import Resolve, Resolved
from blueshift.traffic.prober.plan import Plan, check_plan
from blueshift.traffic.prober.run import Run
from blueshift.traffic.prober.summary import Summary

FETCH_EVERY = 5.0
"""Seconds between looks at the backends' ids: no more than these are lost with one that dies."""
_TRIES = 3
_NICE = -10


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the process is told."""

    plan: Plan
    ledger: str
    """File to write the rows to."""
    summary: str
    """File to write the figures to, as JSON (count.Summary)."""
    backends: tuple[str, ...] = ()
    """Admin addresses of the echo application's pods: `http://ADDRESS:9090`."""
    resolver: str = ""
    """Address of the recursive resolver that every client asks."""
    resolver_port: int = 53
    attended: bool = False
    """End when standard input does: whoever started it has gone, however that came."""
    pinned: dict[str, tuple[str, ...]] = {}
    """Hosts that are not looked up, with their addresses of both families."""


def load_config(path: Path) -> Config:
    """Read and check the file. Raises BlueshiftError."""
    try:
        config = msgspec.json.decode(path.read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise BlueshiftError(
            f"not a configuration of the traffic generator: {error}",
            place=str(path),
            hint="`blueshift lab demo` writes one; its fields are in blueshift/lab/traffic.py",
        ) from error
    check_plan(config.plan, str(path))
    return config


async def run_traffic(config: Config, clock: Clock) -> Summary:
    """Run the whole of it; SIGTERM and SIGINT end the sending. Writes the ledger."""
    name = secrets.token_hex(4)
    backends = [Backend(url) for url in config.backends]
    tls = tls_of(config.plan)
    with LedgerWriter(Path(config.ledger), name, clock.utc()) as ledger:
        run = Run(config.plan, tls, name, _resolver(config, clock), clock, ledger, report=_report)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, run.stop)
        if config.attended:
            _attend(run)
        fetching = asyncio.create_task(_fetch_often(backends, clock))
        # Nothing that exists now goes away before the end; looking through it would only delay requests.
        gc.collect()
        gc.freeze()
        try:
            counter = await run.go()
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
    if run.fault is not None:
        raise run.fault
    for _ in range(_TRIES):
        await fetch_all(backends, clock)
        if not any(backend.lost for backend in backends):
            break
        await clock.sleep(FETCH_EVERY)
    lost = [f"{backend.url} ({backend.lost})" for backend in backends if backend.lost]
    if not backends:
        lost = ["(none was named)"]
    return counter.summary(run.seconds, ids_of(backends), lost)


def _attend(run: Run) -> None:
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(sys.stdin)
        run.stop()

    loop.add_reader(sys.stdin, gone)


def write_summary(summary: Summary, path: Path) -> None:
    """Write it whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2))
    part.replace(path)


def _resolver(config: Config, clock: Clock) -> Resolve:
    async def resolve(host: str, family: int) -> Resolved:
        if host in config.pinned:
            found = tuple(a for a in config.pinned[host] if (":" in a) == (family == 6))
            return Resolved(found, 3600.0)
        # A stub resolver repeats a lost datagram (glibc: twice by default); that is DNS and hides no request.
        rdtype = "AAAA" if family == 6 else "A"
        turn = 1
        while True:
            try:
                answer = await query(config.resolver, config.resolver_port, host, rdtype, clock)
            except NoAnswer:
                turn += 1
                if turn > _TRIES:
                    raise
            else:
                return Resolved(answer.values, answer.ttl)

    return resolve


async def _fetch_often(backends: list[Backend], clock: Clock) -> None:
    while True:
        await clock.sleep(FETCH_EVERY)
        await fetch_all(backends, clock)


def _report(seconds: float, counter: Counter) -> None:
    line = (
        f"traffic: {seconds:.0f} s, sent {counter.sent}, ended {counter.requests}, failed {counter.failed}, "
        f"stale {counter.stale_closed}, late p99 {counter.late_p99() * 1000:.1f} ms"
    )
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # its only way to say something while it runs


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 if no request failed and the run is not void, 1 if not, 2 if a file is of no use."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        config = load_config(given.config)
        # It measures, so it must not wait for what it measures; only root may ask for that.
        with contextlib.suppress(PermissionError):
            os.nice(_NICE)
        summary = asyncio.run(run_traffic(config, SystemClock()))
        write_summary(summary, Path(config.summary))
    except BlueshiftError as error:
        print(f"{error}\n{error.hint or ''}", file=sys.stderr)  # noqa: T201  # a process of its own
        return 2
    return 1 if summary.failed or summary.void else 0


if __name__ == "__main__":
    sys.exit(main())
