"""A `helm` on PATH that dies in the middle, or goes on after the process that started it has died."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

# `late` starts the real helm in a session of its own, so whoever dies or kills its group does not end it.
_SCRIPT = """\
#!/bin/sh
real={real}
verb=none
for word; do
    case $word in ({words}) verb=$word; break;; esac
done
printf '%s %s\\n' "$$" "$*" >>{folder}/calls
[ "$verb" = none ] && exec "$real" "$@"
count=1
while ! mkdir "{folder}/turn-$count" 2>/dev/null; do count=$((count + 1)); done
if [ "$count" -lt {nth} ] || [ "$count" -ge {end} ]; then exec "$real" "$@"; fi
case {do} in
killed)
    "$real" "$@" & child=$!
    sleep {seconds}
    kill -9 $child 2>/dev/null && echo killed >>{folder}/met
    wait $child; exit $?;;
late)
    echo late >>{folder}/met
    exec setsid --wait sh -c 'sleep {seconds}; exec "$0" "$@"' "$real" "$@";;
fails)
    echo fails >>{folder}/met
    echo 'Error: the injected fault' >&2; exit 1;;
esac
"""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`killed`: kill -9 after `seconds`; `late`: works only after `seconds`, also when nobody waits any more;
    `fails`: exits 1 and does nothing. From the `nth` call of one of `words` on, so many `times`."""

    do: Literal["killed", "late", "fails"]
    words: tuple[str, ...] = ("install", "upgrade", "uninstall", "rollback")
    nth: int = 1
    times: int = 1
    seconds: float = 1.0
    real: str = ""
    """Empty: the helm on PATH."""


@dataclass
class Wrapper:
    """The handle."""

    folder: Path
    path: str
    """The program itself, for who is told a path."""
    real: str

    def arm(self, settings: Settings) -> None:
        """Let calls meet this fault from now on; calls are counted anew."""
        for turn in self.folder.glob("turn-*"):
            turn.rmdir()
        program = self.folder / "helm.new"
        program.write_text(
            _SCRIPT.format(
                real=shlex.quote(self.real),
                words="|".join(settings.words),
                folder=self.folder,
                nth=settings.nth,
                end=settings.nth + settings.times,
                do=settings.do,
                seconds=settings.seconds,
            )
        )
        program.chmod(0o755)
        program.rename(self.path)

    @property
    def env(self) -> dict[str, str]:
        """For the process that is to find it."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def calls(self) -> list[str]:
        """Process id and arguments of every call so far."""
        return _lines(self.folder / "calls")

    @property
    def met(self) -> int:
        """How many calls met the fault."""
        return len(_lines(self.folder / "met"))


@asynccontextmanager
async def fault(settings: Settings) -> AsyncIterator[Wrapper]:
    """The wrapper in a folder of its own."""
    real = settings.real or shutil.which("helm")
    if not real:
        raise RuntimeError("there is no helm on PATH to wrap")
    with tempfile.TemporaryDirectory(prefix="helm-fault-") as name:
        folder = Path(name)
        wrapper = Wrapper(folder, str(folder / "helm"), real)
        wrapper.arm(settings)
        yield wrapper


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
