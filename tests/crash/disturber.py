"""Brings a disturbance about at each point where a run stops for it, and takes it away again."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

import msgspec

from blueshift.dns.key import parse_key
from blueshift.lab import facts
from blueshift.lab.charts import chart
from blueshift.lab.demo import upgrade
from blueshift.lab.demo.inside import entered
from blueshift.lab.nameservers import zone
from tests.crash.cells import FROM, Cell, look_at, run_of
from tests.crash.faultfile import Disturb
from tests.crash.faults import stand
from tests.crash.faults.stand import Place, Where, Word
from tests.e2e.command import REPO, execute

FOLDER = Path(stand.__file__).parent
"""Of the programs that a person's disturbances share."""


class Disturber:
    """Of one cell; a context manager."""

    def __init__(self, cell: Cell, disturb: Disturb) -> None:
        self.cell = cell
        self.disturb = disturb
        self.met = 0
        self.place = Place()
        self._stand: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._begun = False

    async def __aenter__(self) -> Disturber:
        if self.disturb.by != "person":
            await self._start()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._watching
        self._watching.cancel()
        await self.mend()
        if self._stand is not None and self._stand.stdin is not None:
            self._stand.stdin.close()
            await self._stand.wait()

    async def prove(self) -> None:
        """What was done stands. Raises AssertionError where it does not."""
        await self._shell(self.disturb.rule["proves"])

    async def mend(self) -> None:
        """All is well again."""
        if self._begun:
            self._begun = False
            await self._say("end")

    def check(self) -> None:
        """Raise what the watch died of, which else would only be a run that waits for ever."""
        if self._watching is not None and self._watching.done():
            self._watching.result()

    async def _watch(self) -> None:
        """Answer each stop; the run goes on when the fault is in force."""
        stopped, go = self.cell.folder / "stopped", self.cell.folder / "go"
        seen = 0
        while True:
            lines = stopped.read_text().splitlines() if stopped.exists() else []
            for _ in lines[seen:]:
                seen += 1
                self._begun = True
                try:
                    await self._say("begin")
                finally:  # also when it could not be brought about: `check` tells, and nobody waits
                    go.write_text(str(seen))
                if self.disturb.lasts:
                    await asyncio.sleep(self.disturb.lasts)
                    await self.mend()
            await asyncio.sleep(0.02)

    async def _say(self, do: str) -> None:
        rule = _named(self.disturb.rule, self.cell.name)
        if self._stand is None:
            if do == "begin":
                self.met += 1
            if command := rule.get({"begin": "does", "end": "mends"}[do]):
                await self._shell(command)
            return
        assert self._stand.stdin
        assert self._stand.stdout
        word = Word("begin", rule) if do == "begin" else Word("end")
        self._stand.stdin.write(msgspec.json.encode(word) + b"\n")
        self.met = int(await self._stand.stdout.readline() or b"0")

    async def _shell(self, command: str) -> None:
        known = zone(self.cell.lab)
        prefix = (
            f"KEY={known.key_file} SERVER={known.primary[0]} ZONE={known.zone} "
            f"CHART={chart(FROM)} BLUESHIFT={upgrade.BLUESHIFT} RUN={await run_of(self.cell)} "
            f"FAULTS={FOLDER}\n"
        )
        await execute(self.cell.lab, prefix + command.replace("CELL", self.cell.name))

    async def _start(self) -> None:
        known, lab = zone(self.cell.lab), self.cell.lab
        key = parse_key(known.key_file.read_text(), place=str(known.key_file))
        assert self.disturb.by != "person"
        where = Where(
            kind=self.disturb.by,
            kubeconfig=str(lab.kubeconfig),
            helm=str(facts.of(lab).tools / "helm"),
            primary=known.primary,
            secondary=known.secondary,
            key=(key.name, key.algorithm, base64.b64encode(key.reveal()).decode()),
        )
        file = self.cell.folder / "where.json"
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(where))
        argv = entered(lab, [sys.executable, "-m", "tests.crash.faults.stand", str(file)])
        self._stand = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=REPO
        )
        assert self._stand.stdout
        self.place = msgspec.json.decode(await self._stand.stdout.readline(), type=Place)
        look_at(self.cell, self.place.server, self.place.authorities)


def _named(rule: Any, name: str) -> Any:
    """The rule with the cell's name in it."""
    text = msgspec.json.encode(rule).decode().replace("CELL", name)
    return msgspec.json.decode(text)
