"""A run of three hours as its report has it: 6 pods a side, 4 name servers, 2,500 hosts, 200 failures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from blueshift import events
from blueshift.app.report import Failing, Failure, Probed, Report, step_at
from blueshift.engine.entries import Did, Entry, Intended, Started, StepSettled, StoodStill, apply
from blueshift.engine.evidence import Evidence
from blueshift.engine.journal import Journal, Software, Versions
from blueshift.engine.protocol import Intent
from blueshift.engine.state import State
from blueshift.traffic.judge import Verdict
from tests.unit.report.story import RUN, TRACK, at

HOSTS = tuple(f"host-{number:04}.shop.example.com" for number in range(2500))
SECONDS = 3 * 3600
EACH = SECONDS / len(TRACK)
"""Seconds that a step takes."""
SERVERS = ("192.0.2.53", "192.0.2.54", "2001:db8::53", "2001:db8::54")
PODS = 6
AWAY = (5 * EACH, 13 * EACH)
"""When traffic is at the temporary."""


def journal(seconds: float = SECONDS) -> Journal:
    """Every step took as long; each wave's command and records name every host."""
    made = Journal(
        RUN, "ingress-nginx", "ingress", "0d8a5e6f-uid", "5f3c", "blue-green", at(0), TRACK,
        chart=Versions("4.11.3", "4.12.1", "1.11.3", "1.12.1"),
        software=Software("0.1.0", "3.18.4", "v1.33.1"),
    )  # fmt: skip
    each = seconds / len(TRACK)
    for number, step in enumerate(TRACK):
        for second, entry in _step(step):
            made = apply(made, entry, at(each * (number + second)))
    return made


def _step(step: str) -> Iterator[tuple[float, Entry]]:
    yield 0, Started(step)
    if step.startswith("shift") and not step.endswith("floor"):
        records = [f"{host} A 60 192.0.2.1" for host in HOSTS[int(step[-1]) - 1 :: 3]]
        command = "aws route53 change-resource-record-sets --change-batch '" + " ".join(records) + "'"
        intent = Intent(f"move {len(records)} names", ["A 60 192.0.2.1"], ["A 60 192.0.2.9"], command=command)
        yield 0.1, Intended(step, "swap", intent)
        yield 0.2, Did(step, "swap")
    if step == "upgrade":
        command = "helm upgrade ingress-nginx ingress-nginx --version 4.12.1 -n ingress --values -"
        yield 0.1, Intended(step, "revision", Intent("upgrade ingress-nginx", command=command))
        yield 0.4, StoodStill(step, "2 of 6 pods are not ready: ImagePullBackOff")
        yield 0.5, Did(step, "revision")
    facts = {}
    if step == "soak":
        numbers = {f"{host}.{name}": 0.25 for host in HOSTS[:500] for name in ("new", "old")}
        reason = "12 of 410233 failed (95 % interval 0.00% to 0.01%), old 0.00%"
        facts = {"Verdict": msgspec.to_builtins(Verdict("pass", (reason,), numbers))}
    yield 0.95, StepSettled(step, f"{step} is proven", State(), facts)


def looks(seconds: float = SECONDS, every: float = 5.0) -> Iterator[events.Event]:
    """What the services of a run tell, as often as they do."""
    dice = random.Random(7)
    second, scale = 0.0, seconds / SECONDS
    while second <= seconds:
        moment: dict[str, Any] = {"at": at(second), "run": RUN}
        away = AWAY[0] * scale <= second < AWAY[1] * scale
        for side, busy in (("primary", not away), ("temporary", away)):
            rate = 800 + 60 * dice.random() if busy else 2 * dice.random()
            broken = 4 * dice.random() if busy and dice.random() < 0.03 else 0.0
            statuses = {"2xx": rate * 0.95, "3xx": rate * 0.03, "4xx": rate * 0.02, "5xx": broken}
            yield events.SideSeen(
                **moment, side=side, ready=PODS, wanted=PODS, requests_per_s=rate, errors_per_s=broken,
                statuses_per_s=statuses, p50_s=0.02 + 0.004 * dice.random(), p95_s=0.08 + 0.1 * dice.random(),
            )  # fmt: skip
        for server in SERVERS:
            moved = min(60, max(0, int((second - AWAY[0] * scale + 300 * scale) / 10 / scale))) if away else 0
            counts: dict[str, Any] = {"primary": 60 - moved, "temporary": moved, "other": 0, "unknown": 0}
            yield events.AnswersSeen(**moment, server=server, **counts)
        late = 60 if AWAY[0] * scale + 200 * scale <= second < AWAY[1] * scale + 200 * scale else 0
        yield events.AnswersSeen(
            **moment, server="1.1.1.1", recursive=True, primary=20 - late // 3, temporary=late // 3,
            other=0, unknown=0,
        )  # fmt: skip
        for number, side in ((8, "primary"), (16, "temporary")):
            into = second - EACH * scale * number
            if 0 <= into < 0.9 * EACH * scale:
                left = int(40 * (1 - into / (0.9 * EACH * scale)))
                why = f"{left} clients asked {left * 3} times, the last one 3 s ago" if left else ""
                yield events.DrainSeen(
                    **moment, side=side, clients=left, requests=left * 3, connections=left, reason=why
                )
        second += every
    yield from _witnesses(seconds)


def _witnesses(seconds: float) -> Iterator[events.Event]:
    for side, generations in (("primary", 3), ("temporary", 1)):
        for generation in range(generations):
            for number in range(PODS):
                begin, end = (seconds * (generation + part) / generations for part in (0, 1))
                for witness in ("log", "metrics"):
                    gap = (at(begin + 60), at(begin + 90)) if number == 2 and witness == "log" else None
                    yield events.WitnessSeen(
                        at=at(end), run=RUN, side=side, witness=witness,
                        pod=f"ingress-nginx-{side}-{generation}bd9f7c-{number}x7k2", since=at(begin),
                        until=at(end), gaps=(gap,) if gap else (),
                        blind="3 hosts have their access log off" if witness == "log" else "",
                    )  # fmt: skip


def evidence(seconds: float = SECONDS, every: float = 5.0) -> Evidence:
    """Kept as the recorder keeps it."""
    kept = Evidence()
    for event in looks(seconds, every):
        kept.add(event)
    return kept


def asked(of: Journal, failed: int = 200, seconds: float = SECONDS) -> Probed:
    """Failures all over the run."""
    moments = [at(seconds * (number + 0.5) / failed) for number in range(failed)]
    failures = tuple(
        Failure(
            one, HOSTS[number], "/checkout/cart?item=1", "192.0.2.1", "headers", "the server closed it",
            step_at(of, one), "http2",
        )
        for number, one in enumerate(moments)
    )  # fmt: skip
    return Probed(
        800 * int(seconds), failed, at(0), at(seconds), failures,
        tuple(Failing(_second(one), 1) for one in moments), {"headers": failed},
    )  # fmt: skip


def _second(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=moment.microsecond)


def report(**changes: Any) -> Report:
    """The whole."""
    of = journal()
    fields: dict[str, Any] = {
        "made": at(SECONDS + 60),
        "version": "0.1.0",
        "journal": of,
        "evidence": evidence(),
    }
    return Report(**fields | {"asked": asked(of)} | changes)
