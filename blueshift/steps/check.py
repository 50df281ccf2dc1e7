"""check: a command or an HTTP answer must say yes before the run goes on."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from blueshift.engine import programs
from blueshift.engine.protocol import Answer, Hold, Settled, StepPlan, Wait
from blueshift.playbook.duration import Seconds, format_seconds
from blueshift.steps.base import Waits

_SHOWN = 200
"""Characters of a command's last words."""


class CheckSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked, and for how long."""

    command: tuple[str, ...] = ()
    """Program and arguments, no shell: 0 is yes. It is told BLUESHIFT_RUN, _RELEASE and _STEP."""
    url: str = ""
    """Asked by GET, redirects not followed."""
    status: int = 200
    """The HTTP status that is yes."""
    timeout: Seconds = 30.0
    """Of one try."""
    every: Seconds = 15.0
    """Seconds between two tries."""
    within: Seconds = 3600.0
    """After this the run holds."""

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("either `command` or `url`")
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError("`url` begins with http:// or https://")
        if self.url and urlsplit(self.url).password:
            raise ValueError("`url` holds a password, and would be kept in the run's journal")


class Check(Waits[CheckSettings]):
    """Asked until it says yes."""

    kind: ClassVar[str] = "check"
    Settings: ClassVar[type[CheckSettings]] = CheckSettings

    @property
    def _what(self) -> str:
        return self.settings.command[0] if self.settings.command else self.settings.url.partition("?")[0]

    def plan(self) -> StepPlan:
        """See Step."""
        settings = self.settings
        wanted = "exit code 0" if settings.command else f"HTTP {settings.status}"
        return StepPlan(
            f"go on when {self._what} says {wanted}",
            waits=(
                f"asked every {format_seconds(settings.every)}, at most {format_seconds(settings.within)}",
            ),
        )

    async def settle(self) -> Answer:
        """See Step."""
        said = await (self._run() if self.settings.command else self._get())
        if not said:
            return Settled(f"{self._what} says yes")
        return Wait(
            "check",
            f"{self._what} says no: {said}",
            then="it is asked again",
            lasts=self.settings.within,
            poll=self.settings.every,
            unattended=self.settings.every,
            on_timeout=Hold(
                f"{self._what} has not said yes in {format_seconds(self.settings.within)}: {said}"
            ),
        )

    async def _get(self) -> str:
        """Why the answer is none that lets the run go on; empty when it is."""
        import aiohttp

        limit = aiohttp.ClientTimeout(total=self.settings.timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, trust_env=True) as session,
                session.get(self.settings.url, allow_redirects=False) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, OSError) as error:
            return str(error) or type(error).__name__
        return "" if status == self.settings.status else f"HTTP {status}, not {self.settings.status}"

    async def _run(self) -> str:
        """The same of a command, which ends with everything that it started."""
        world, settings = self.tools.world, self.settings
        told = {
            "BLUESHIFT_RUN": self.tools.run,
            "BLUESHIFT_RELEASE": f"{world.release.namespace}/{world.release.name}",
            "BLUESHIFT_STEP": self.id,
        }
        try:
            ended = await programs.run(settings.command, told, self.tools.clock, timeout=settings.timeout)
        except OSError as error:
            return f"it cannot be started: {error.strerror}"
        if ended.late:
            return f"it did not end in {format_seconds(settings.timeout)}"
        return f"exit code {ended.code}: {ended.last_words(_SHOWN)}" if ended.code else ""
