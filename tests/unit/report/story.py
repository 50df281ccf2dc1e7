"""A run as events, for the tests of the listeners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blueshift import events
from blueshift.events import Event

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RUN = "1124-1200-k7xq"
TRACK = (
    "preflight",
    "snapshot",
    "lower-ttl",
    "install-temporary",
    *(f"shift-to-temporary/{wave}" for wave in ("floor", "1", "2", "3")),
    "drain-primary",
    "harden",
    "upgrade",
    *(f"shift-to-primary/{wave}" for wave in ("floor", "1", "2", "3")),
    "drain-temporary",
    "soak",
    "purge",
    "restore-ttl",
)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def make(kind: type[Event], seconds: float, **fields: object) -> Event:
    return kind(at=at(seconds), run=RUN, **fields)


def started(*, epoch: int = 1, steps: tuple[str, ...] = TRACK) -> Event:
    return make(events.RunStarted, 0, release="ingress/ingress-nginx", steps=steps, epoch=epoch)


def waiting(seconds: float, *, reason: str = "2 clients still reach the primary", since: float = 60) -> Event:
    return make(
        events.Waiting,
        seconds,
        step="drain-primary",
        reason=reason,
        since=at(since),
        until=at(960),
        then="harden",
    )


def sides() -> list[Event]:
    return [
        make(events.SideSeen, 60, side="primary", ready=3, wanted=3, requests_per_s=12.34, errors_per_s=0.0),
        make(
            events.SideSeen, 60, side="temporary", ready=2, wanted=3, requests_per_s=None, errors_per_s=None
        ),
        make(events.AnswersSeen, 60, server="10.0.0.53", primary=2, temporary=38, other=0, unknown=0),
        make(events.AnswersSeen, 60, server="fd00::53", primary=0, temporary=0, other=0, unknown=40),
    ]


def until_drain() -> list[Event]:
    """Eight settled steps, and a drain that waits for its clients."""
    story = [started()]
    for second, step in enumerate(TRACK[: TRACK.index("drain-primary")]):
        story.append(make(events.StepStarted, second, step=step))
        story.append(make(events.StepSettled, second + 0.5, step=step, said=f"{step} is proven"))
    return [*story, *sides(), make(events.StepStarted, 60, step="drain-primary"), waiting(101)]
