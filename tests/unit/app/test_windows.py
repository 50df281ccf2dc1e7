"""When a run that begins now comes through its windows, as a plan tells it."""

from __future__ import annotations

from datetime import UTC, datetime

from blueshift.app.windows import foretold
from blueshift.engine.protocol import StepPlan
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.playbook.window import WindowSettings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NIGHT = WindowSettings("0 2 * * *", 3600.0)
REACHED, EARLIEST = "reached at 2026-11-24", "UTC at the earliest"
EVENING = WindowSettings("0 13 * * *", 3600.0)


def told(*steps: tuple[str, WindowSettings | float], now: datetime = NOON) -> dict[str, str]:
    """Steps by their ids: a window, or how long it takes at least."""
    entries = tuple(
        StepEntry("window" if isinstance(one, WindowSettings) else "drain", name, one, "mine.yaml")
        for name, one in steps
    )
    plans = [
        (f"forward/{name}", StepPlan("", seconds=0.0 if isinstance(one, WindowSettings) else one))
        for name, one in steps
    ]
    found = foretold(Playbook("mine", "", entries), plans, now)
    return {name.removeprefix("forward/"): sentence for name, sentence in found}


def test_the_first_window_is_that_of_the_whole_run() -> None:
    assert told(("night", NIGHT), ("drain", 60.0)) == {
        "night": "closed: an upgrade that is started before 2026-11-25 02:00 UTC is skipped"
    }
    open_now = told(("night", NIGHT), now=NOON.replace(hour=2, minute=10))
    assert open_now["night"] == f"{REACHED} 02:10 {EARLIEST}: the window is open until 2026-11-24 03:00 UTC"


def test_a_window_further_down_is_reached_after_what_comes_before() -> None:
    assert told(("drain", 1800.0), ("late", EVENING), ("soak", 3600.0), ("night", NIGHT)) == {
        "late": f"{REACHED} 12:30 {EARLIEST}: the next window opens at 2026-11-24 13:00 UTC",
        "night": f"{REACHED} 14:00 {EARLIEST}: the next window opens at 2026-11-25 02:00 UTC",
    }
    assert told(("drain", 3900.0), ("late", EVENING))["late"].endswith(
        "the window is open until 2026-11-24 14:00 UTC"
    )


def test_what_comes_after_a_window_that_is_shut_begins_when_it_opens() -> None:
    found = told(("night", NIGHT), ("drain", 600.0), ("late", EVENING))
    assert found["late"].startswith("reached at 2026-11-25 02:10 UTC")
