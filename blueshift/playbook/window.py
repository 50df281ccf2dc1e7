"""Time windows as playbooks write them: a cron expression for their beginnings, a length, and a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from blueshift.playbook.duration import Seconds


class WindowSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a run may go past this step."""

    cron: str
    """Beginnings of the window, five fields: `0 2 * * 2` is every Tuesday at 02:00."""
    lasts: Seconds
    zone: str = "UTC"
    """Of the cron expression, by its name in the tz database: Europe/Berlin."""
    last_start: Seconds = 0.0
    """How long before its end the window is closed already to what would begin."""

    def __post_init__(self) -> None:
        zone_of(self.zone)
        try:
            CronSim(self.cron, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"`cron` has five fields, such as `0 2 * * 2`: {error}") from None
        if self.lasts <= 0:
            raise ValueError("`lasts` is longer than nothing")
        if not 0 <= self.last_start < self.lasts:
            raise ValueError("`last_start` is shorter than the window")


class Opening(msgspec.Struct, frozen=True):
    """The window that is open now, or the next one."""

    opens: datetime
    closes: datetime
    """For what would begin: `last_start` is taken off."""

    def is_open(self, now: datetime) -> bool:
        """Whether something may begin at that instant."""
        return self.opens <= now < self.closes


def zone_of(name: str) -> ZoneInfo:
    """A time zone. Raises ValueError for a name that the tz database does not have."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(
            f"`zone` is a name of this machine's tz database, such as Europe/Berlin: {name!r} is none"
        ) from None


def opening(window: WindowSettings, now: datetime) -> Opening | None:
    """The window that is open at `now`, else the next one; None where none ever comes."""
    length = timedelta(seconds=window.lasts - window.last_start)
    # Beginnings are strictly after the instant that CronSim is given: one that is just open counts.
    begins = CronSim(window.cron, (now - length).astimezone(zone_of(window.zone)))
    try:
        opens = next(begins).astimezone(UTC)
    except StopIteration:
        return None
    return Opening(opens, opens + length)
