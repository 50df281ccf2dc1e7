"""The real command as a process of its own, inside the lab: `blueshift upgrade --yes --output plain`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blueshift.lab.paths import Lab

BLUESHIFT = str(Path(sys.executable).with_name("blueshift"))


_BEHIND = ("nice", "-n", "5")
"""Behind all that the lab serves: elsewhere Blueshift shares no CPU with nodes, name servers and clients."""
_WORDS = frozenset({"approve", "proceed", "pause", "unpause", "abort", "panic"})
"""Commands of whoever watches a run, and not of who carries it."""


def kubeconfig_of(lab: Lab, role: str) -> Path:
    """Of the person with that role (`demo.roles`)."""
    return lab.root / "demo" / f"{role}.kubeconfig"


async def start(
    lab: Lab,
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    admin: bool = False,
    apart: bool = False,
    program: Sequence[str] = (BLUESHIFT,),
) -> asyncio.subprocess.Process:
    """Start `blueshift ARGUMENTS` inside a lab, by the rights of runner or approver unless as `admin`.

    stdout and stderr come together as lines, unless `apart`. `program` is another entry to the same command.

    The process is the command itself (`lab exec` becomes it), in a session of its own: killing its id ends
    the orchestrator alone, and a helm that it started may live on.
    """
    role = "approver" if arguments[0] in _WORDS else "runner"
    rights = {} if admin else {"BLUESHIFT_KUBECONFIG": str(kubeconfig_of(lab, role))}
    argv = [BLUESHIFT, "lab", "exec", "--name", lab.name, "--", *_BEHIND, *program, *arguments]
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if apart else asyncio.subprocess.STDOUT,
        start_new_session=True,
        cwd=cwd,
        # Its own lines must come as they are said.
        env={**os.environ, **rights, **(env or {}), "PYTHONUNBUFFERED": "1"},
    )


async def followed(process: asyncio.subprocess.Process, hear: Callable[[str], None]) -> int:
    """Hand every line to `hear` until the process ends; its exit code (negative for a signal)."""
    assert process.stdout
    async for line in process.stdout:
        hear(line.decode(errors="replace").rstrip("\n"))
    return await process.wait()
