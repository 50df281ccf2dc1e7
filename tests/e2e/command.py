"""Blueshift's commands inside a lab, as a person gives them; and killing one at a chosen moment."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from blueshift.lab.demo import upgrade
from blueshift.lab.demo.upgrade import BLUESHIFT
from blueshift.lab.paths import Lab
from blueshift.lab.processes import killed

REPO = Path(__file__).parents[2]
tell = print
"""Pytest shows it when a test fails."""
RUN = re.compile(r"\brun (\d{4}-\d{4}-[a-z0-9]{4})\b")
"""How the commands name a run."""


class Ended(NamedTuple):
    """One command's end."""

    code: int
    """Negative for the signal that ended it."""
    lines: list[str]

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join(self.lines)

    @property
    def why(self) -> str:
        """Its last words; then where it held or turned, and what it saw before: a cut log keeps its end."""
        at = [number for number, line in enumerate(self.lines) if re.search(r" (HOLDS|TURNS) ", line)]
        told = sorted({near for number in at for near in range(max(0, number - 4), number + 1)})
        return "\n".join([*self.lines[-10:], *(self.lines[number] for number in told), f"exit {self.code}"])

    @property
    def run(self) -> str:
        """The run that it spoke of."""
        found = RUN.search(self.text)
        assert found, f"no run is named in:\n{self.text}"
        return found[1]


async def blueshift(
    lab: Lab,
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hear: Callable[[str], None] = tell,
    admin: bool = False,
    program: Sequence[str] = (BLUESHIFT,),
) -> Ended:
    """One command to its end."""
    process = await upgrade.start(lab, *arguments, cwd=cwd, env=env, admin=admin, program=program)
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        hear(line)

    try:
        code = await upgrade.followed(process, keep)
    finally:
        await killed(process)
    return Ended(code, lines)


async def kill_when(
    lab: Lab,
    *arguments: str,
    says: str,
    then: Callable[[], Awaitable[None]] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Start a command and kill its process alone (-9) once it has said `says` and `then` has returned."""
    process = await upgrade.start(lab, *arguments, cwd=cwd, env=env)
    lines: list[str] = []
    said = asyncio.Event()

    def hear(line: str) -> None:
        tell(line)
        lines.append(line)
        if re.search(says, line):
            said.set()

    async def kill() -> None:
        await said.wait()
        if then is not None:
            await then()
        process.kill()

    killing = asyncio.create_task(kill())
    try:
        code = await upgrade.followed(process, hear)
    finally:
        killing.cancel()
        await killed(process)
    assert code == -9, f"it ended by itself with {code}, and never said {says!r}:\n" + "\n".join(lines[-20:])
    return Ended(code, lines)


async def execute(lab: Lab, command: str) -> None:
    """One printed command, in a shell inside the lab."""
    argv = [BLUESHIFT, "lab", "exec", "--name", lab.name, "--", "bash", "-ec", command]
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
    tell(f"$ {command}\n{done.stdout}{done.stderr}")
    assert done.returncode == 0


def elsewhere(folder: Path) -> dict[str, Path | dict[str, str]]:
    """`cwd` and `env` of another machine's user: another folder, home and configuration."""
    for name in ("work", "home", "config"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    return {"cwd": folder / "work", "env": env}
