"""The lab's processes: started inside its namespaces, written down (identity.py), never stopped by name."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.lab.identity import running
from blueshift.lab.paths import SYSTEM_PATH, Lab, with_system_path

INIT = "init"

# A lab does not depend on who started it: a proxy setting, say, would send webhook calls astray.
# It finds Python's packages where we did.
_ENVIRONMENT = {"PATH": SYSTEM_PATH, "HOME": "/root", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def record(lab: Lab, name: str) -> Path:
    """Where a process of the lab is written down."""
    return lab.run / f"{name}.pid"


def known(lab: Lab) -> dict[str, int | None]:
    """Every process that was started, by name, with its process id while it runs."""
    return {path.stem: running(path) for path in sorted(lab.run.glob("*.pid"))}


async def start_init(lab: Lab) -> None:
    """Make the lab's process-id and mount namespaces; they end with this one process."""
    await _launch(lab, INIT, f"new:{lab.netns_path}", ["catatonit", "-P"])


async def start(lab: Lab, name: str, argv: Sequence[str | Path]) -> None:
    """Start a long-running process of the lab; its output goes to `log/<name>.log`.

    Raises BlueshiftError when the program cannot be run, or the lab's init is gone.
    """
    init = running(record(lab, INIT))
    if init is None:
        raise BlueshiftError(f"the lab {lab.name} is not up", hint=f"blueshift lab up --name {lab.name}")
    await _launch(lab, name, str(init), argv)


def running_pid(lab: Lab, name: str) -> int | None:
    """The process id while it runs."""
    return running(record(lab, name))


def kill(path: Path, how: signal.Signals = signal.SIGKILL) -> bool:
    """Signal the process of a record; false when it no longer runs."""
    pid = running(path)
    if pid is None:
        return False
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True


def log_tail(lab: Lab, name: str, lines: int = 2) -> str:
    """The last lines that a process wrote."""
    try:
        text = (lab.logs / f"{name}.log").read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


async def run(
    argv: Sequence[str | Path], what: str, *, stdin: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a short program to its end; what it printed. Raises BlueshiftError with its words if it failed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, argv),
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=with_system_path() if env is None else env,
    )
    out, err = await process.communicate(None if stdin is None else stdin.encode())
    if process.returncode != 0:
        said = (err or out).decode(errors="replace").strip()
        raise BlueshiftError(
            f"{what} failed: {said or f'exit code {process.returncode}'}",
            hint="blueshift lab doctor tells what this machine lacks.",
        )
    return out.decode(errors="replace")


async def killed(process: asyncio.subprocess.Process) -> None:
    """End it, if it has not ended, and see its end: asyncio still reads from it until then."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _launch(lab: Lab, name: str, init: str, argv: Sequence[str | Path]) -> None:
    log = lab.logs / f"{name}.log"
    launcher = [sys.executable, "-m", "blueshift.lab.launch", str(record(lab, name)), str(log), init]
    await run([*launcher, *map(str, argv)], f"starting {name}", env=_ENVIRONMENT)
