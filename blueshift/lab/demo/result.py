"""What a demo came to: `build/demo.json`, and the same for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from blueshift.traffic.prober.summary import KindCount, Summary


class Run(msgspec.Struct, frozen=True):
    """How the upgrade itself ended."""

    state: str
    """succeeded, holding, refused; `failed` for anything else."""
    step: str
    """Where: the last step, or the one that holds. `preflight` when nothing was begun."""
    wall_s: float
    """From the start of `blueshift upgrade` to its end."""
    inherent_wait_s: float
    """What the settings make any run wait, however fast everything else is; 0 when it was refused."""
    settings: Mapping[str, Mapping[str, Any]]
    """The overrides, by step."""


class Traffic(msgspec.Struct, frozen=True):
    """The figures of the generator (prober.count.Summary); sessions of five minutes in `long` alone."""

    scheduled: int
    sent: int
    requests: int
    failed: int
    stale_closed: int
    unmatched: int
    late_p99_ms: float
    max_gap_s: float
    void: bool
    by_kind: Mapping[str, KindCount]
    backend_count: int
    long: KindCount
    void_reasons: tuple[str, ...]
    answered_by: Mapping[str, int]
    clients: Mapping[str, KindCount] = {}
    """Those beside the ordinary ones. Who asks from outside is part of the figures above too."""
    noise: Mapping[str, int] = {}
    """What a scanner's tries came to: a status, `open`, `closed`, `nobody`. No part of the figures above."""


class Primary(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """Chart versions of the primary's newest revision."""

    before: str
    after: str


class Temporary(msgspec.Struct, frozen=True):
    """Whether nothing of the temporary release was left, and what was."""

    purged: bool
    left: tuple[str, ...]


class Dns(msgspec.Struct, frozen=True):
    """Whether each server gives every record and TTL as before, and how many sites do not answer."""

    equal: bool
    unanswered: int


class Result(msgspec.Struct, frozen=True):
    """One demo."""

    run: Run
    traffic: Traffic
    primary: Primary
    temporary: Temporary
    dns: Dns

    @property
    def sound(self) -> bool:
        """No request failed, the count proves something, and every name leads to a side that answers."""
        traffic = self.traffic
        failed = traffic.failed + traffic.long.failed + sum(each.failed for each in traffic.clients.values())
        return not (failed or traffic.void or self.dns.unanswered)


def traffic_of(
    summary: Summary,
    clients: Mapping[str, KindCount] = MappingProxyType({}),
    noise: Mapping[str, int] = MappingProxyType({}),
    doubts: Sequence[str] = (),
) -> Traffic:
    """The generator's figures as the result has them; `doubts` are reasons for which others prove nothing."""
    return Traffic(
        scheduled=summary.scheduled,
        sent=summary.sent,
        requests=summary.requests,
        failed=summary.failed,
        stale_closed=summary.stale_closed,
        unmatched=summary.unmatched,
        late_p99_ms=summary.late_p99_ms,
        max_gap_s=summary.max_gap_s,
        void=summary.void or bool(doubts),
        by_kind=summary.by_kind,
        backend_count=summary.backend_count,
        long=summary.long,
        void_reasons=(*summary.void_reasons, *doubts),
        answered_by=summary.answered_by,
        clients=dict(clients),
        noise=dict(noise),
    )


def write(result: Result, path: Path) -> None:
    """Write it whole or not at all; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    part.replace(path)


def told(result: Result) -> str:
    """The figures as a few lines."""
    run, traffic = result.run, result.traffic
    kinds = ", ".join(f"{name} {count.requests}" for name, count in traffic.by_kind.items())
    versions = ", ".join(f"{count} by {version}" for version, count in traffic.answered_by.items())
    names = "as before, TTLs too" if result.dns.equal else "not as before the run"
    answer = f"{result.dns.unanswered} do not answer" if result.dns.unanswered else "every one answers"
    gone = "gone" if result.temporary.purged else "left: " + ", ".join(result.temporary.left[:6])
    table = {
        "run": f"{run.state} in {run.step} after {run.wall_s:.0f} s (waits {run.inherent_wait_s:.0f} s)",
        "requests": f"{traffic.requests} of {traffic.scheduled}, {traffic.failed} failed ({kinds})",
        "sessions": f"{traffic.long.requests} of five minutes, {traffic.long.failed} failed",
        "answered": versions,
        "backends": f"{traffic.backend_count} requests arrived, {traffic.unmatched} ids unmatched",
        "generator": f"late by {traffic.late_p99_ms:.1f} ms (p99), {traffic.stale_closed} stale connections",
        "gap": f"{traffic.max_gap_s:.2f} s at most without an answer of a host that was asked",
        "primary": f"{result.primary.before} → {result.primary.after}",
        "temporary": gone,
        "names": f"{names}; {answer}",
    }
    if traffic.clients:
        each = [f"{count.requests} {name}, {count.failed} failed" for name, count in traffic.clients.items()]
        table["clients"] = "; ".join(each)
    if traffic.noise:
        each = [f"{what}: {count}" for what, count in traffic.noise.items()]
        table["noise"] = f"{sum(traffic.noise.values())} tries of a scanner ({', '.join(each)})"
    lines = [f"{name:<10} {said}" for name, said in table.items()]
    lines += [f"VOID       {reason}" for reason in traffic.void_reasons[:5]]
    return "\n".join(lines)
