"""What `blueshift probe` says at its end, to a person."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import click

from blueshift.app.asked import Asked
from blueshift.app.probe import Probed, Target
from blueshift.cli.output import fits, print_table, say
from blueshift.traffic.prober.summary import Failure

COLUMNS = ("url", "requests", "failed", "p50 ms", "p95 ms", "p99 ms", "statuses", "addresses")
SHOWN_FAILURES = 10
SHOWN_LASTING = 1.0  # seconds


def tell(found: Probed, asked: Asked) -> None:
    """Say what failed, print the figures of each URL, and say what the whole comes to.

    In this order, as the end is what a terminal still shows.
    """
    summary = found.summary
    for failure in summary.failures[:SHOWN_FAILURES]:
        _say(_failure(failure, found.began))
    if (more := summary.failed - SHOWN_FAILURES) > 0:
        _say(f"and {more} more; `--ledger FILE` keeps every one, `blueshift ledger FILE` shows them")
    rows = [_row(one) for one in found.targets]
    if fits(COLUMNS, rows):
        print_table(COLUMNS, rows)
    else:
        for one in found.targets:
            click.echo("\n".join(_lines(one)))
    phases = ", ".join(f"{phase} {count}" for phase, count in summary.by_phase.items())
    failed = f"{summary.failed} failed ({phases})" if phases else f"{summary.failed} failed"
    _say(
        f"{summary.requests} {'request' if summary.requests == 1 else 'requests'} in {summary.seconds:.1f} s "
        f"(asked for {asked.rate:g}/s), "
        f"{failed}, {summary.stale_closed - summary.repeated} kept connections found closed, "
        f"sent {summary.late_p99_ms:.1f} ms late at most (p99)"
    )
    _say(
        f"itself: {found.own.cpu_s:.1f} s of the processor ({found.own.cpu_share:.0%} of one, "
        f"{found.own.cpu_ms_per_request:.2f} ms a request), {found.own.peak_rss_mb:.0f} MiB of memory at most"
    )
    for remark in found.remarks:
        _say(f"note: {remark}")
    for reason in summary.void_reasons:
        _say(f"void: {reason}")


def _say(sentence: str) -> None:
    """One line, or on a terminal as many as it takes without a word in two."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        sentence = textwrap.fill(
            sentence, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    say(sentence)


def _failure(one: Failure, began: datetime) -> str:
    """When it failed, by the clock that a run's own lines have; of what had lasted, since when too."""
    lasted = one.ended - one.at
    moment = (began + timedelta(seconds=one.ended)).isoformat(" ", "milliseconds").replace("+00:00", "Z")
    since = f", {lasted:.1f} s after it was due" if lasted >= SHOWN_LASTING else ""
    where = f"{one.host}{one.path} at {one.address or 'no address'}"
    return f"failed at {moment}{since}: {where} in {one.phase}: {one.reason}"


def _row(one: Target) -> Sequence[object]:
    times = (one.ms.p50, one.ms.p95, one.ms.p99) if one.ms else (None, None, None)
    return (one.url, one.requests, one.failed, *times, _counts(one.statuses), _counts(one.addresses))


def _lines(one: Target) -> Iterator[str]:
    """The same where the terminal is too narrow for a row."""
    yield one.url
    yield f"  {one.requests} requests, {one.failed} failed"
    if one.ms:
        yield f"  p50 {one.ms.p50} ms, p95 {one.ms.p95} ms, p99 {one.ms.p99} ms"
    if one.statuses:
        yield f"  statuses: {_counts(one.statuses)}"
    yield f"  addresses: {_counts(one.addresses) or '-'}"


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(found.items()))
