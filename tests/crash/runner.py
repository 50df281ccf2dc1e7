"""Run a cell: the command with its orders, killed or disturbed, resumed until it has ended, and judged."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import processes
from blueshift.lab.demo import upgrade
from blueshift.lab.paths import Lab
from tests.crash import cells, oracle
from tests.crash.cells import Cell
from tests.crash.disturber import Disturber
from tests.crash.entry import Orders
from tests.crash.faultfile import Disturb, faults
from tests.crash.grounds import Ground
from tests.crash.order import Boundaries, Order, Result, Track, Traffic
from tests.e2e.command import REPO, RUN, blueshift, tell

_GATE = re.compile(r"blueshift approve (\S+) (accept-verdict)")
KILLED, HOLDING = -9, 5

ABORT = Disturb(
    by="person",
    at="^after.forward/soak WaitBegan soak",
    rule={"does": '"$BLUESHIFT" abort "$RUN" --no-wait --reason "the way back is tried"'},
)
"""What turns a run of the track back: the upgraded primary has its names again, the temporary waits."""
_STOP, _TURN = "after|forward/soak WaitBegan soak", "Turned"
_ENDS: Mapping[Track, tuple[int, str]] = {
    "forward": (0, "is over: it has succeeded"),
    "back": (4, "is over: it has rolled back"),
}
"""Exit code of the command, and what a resume says that comes too late."""


class Bed:
    """A lab for cells of one kind, with what an undisturbed run of each track looks like at its end."""

    def __init__(self, lab: Lab, ground: Ground, first: int = 0) -> None:
        self.lab = lab
        self.ground = ground
        self._next = first
        self._clock = SystemClock()
        self.wanted: dict[Track, oracle.Seen] = {}
        self.undisturbed: dict[Track, Result] = {}

    @property
    def boundaries(self) -> Boundaries:
        """What the undisturbed runs passed, each once."""
        return {track: tuple(dict.fromkeys(one.boundaries)) for track, one in self.undisturbed.items()}

    async def prepare(self, track: Track) -> Result:
        """The undisturbed run, whose end all others must reach, and whose boundaries are counted."""
        result = self.undisturbed[track] = await self.cell(Order(track))
        return result

    async def cell(self, order: Order) -> Result:
        """A cell that is killed or disturbed at each of the points, as it comes to them.

        Once more where no request failed and the count proves nothing: on a machine that stood still, proofs
        fail too. A second time it has failed.
        """
        result = await self._once(order)
        if result.traffic and result.traffic.void and not result.traffic.failed:
            tell(f"{result.cell}: void, and so tried once more: {result.traffic.void}", flush=True)
            result = await self._once(order)
        return result

    async def _once(self, order: Order) -> Result:
        number, self._next = self._next, self._next + 1
        began = self._clock.now()
        try:
            cell = await self.ground.make(self.lab, number)
        except BlueshiftError as error:  # what an earlier cell left may keep others from coming up
            why = (f"it could not be made: {error}",)
            return Result(f"c{number:03d}", order, (), why, self._clock.now() - began, ())
        disturb = faults()[order.fault].disturb if order.fault else ABORT if order.track == "back" else None
        wrong: tuple[str, ...]
        traffic = None
        try:
            before = await oracle.look(cell)
            async with cell.traffic() as counted:
                started = self._clock.now()
                async with self._clock.timeout(self.ground.longest):
                    wrong = await tried(cell, order, disturb)
                seconds = self._clock.now() - started
            if counted is not None:
                summary = counted.summary
                traffic = Traffic(summary.requests, summary.failed, summary.void_reasons)
                wrong += traffic.wrong()
            after = await oracle.look(cell)
            plain = msgspec.structs.replace(after, state=_comparable(after))
            if disturb and disturb.stays:
                wrong += oracle.touched(before, after)
            else:
                wrong += oracle.differences(before, plain, self.wanted.get(order.track, plain))
                wrong += oracle.answers(before, after)
                if not wrong:
                    self.wanted.setdefault(order.track, plain)
        except Exception as error:  # a cell that cannot be judged has failed, and the others go on
            wrong, seconds = (f"{type(error).__name__}: {error}",), self._clock.now() - began
        hit = _lines(cell.folder / ("stopped" if order.fault else "killed"))
        passed = _lines(cell.folder / "passed")
        if order.track == "back" and _TURN in passed:
            passed = passed[passed.index(_TURN) :]
        if not wrong:
            await self.ground.remove(cell)
        return Result(cell.name, order, hit, wrong, seconds, passed, traffic=traffic)


async def tried(cell: Cell, order: Order, disturb: Disturb | None) -> tuple[str, ...]:
    """One cell's run to its end, and what of that was wrong."""
    folder = cell.folder
    orders = Orders(
        passed=str(folder / "passed"),
        killed=str(folder / "killed"),
        cell=cell.name,
        stopped=str(folder / "stopped"),
        go=str(folder / "go"),
        pace=cell.pace,
    )
    if order.fault:
        orders = msgspec.structs.replace(orders, stops=order.points)
    else:
        stops = (_STOP,) if disturb else ()
        orders = msgspec.structs.replace(orders, points=order.points, stops=stops)
    (folder / "orders.json").write_bytes(msgspec.json.encode(orders))
    if disturb is None:
        return await killed(cell, order)
    async with Disturber(cell, disturb) as disturber:
        return await (disturbed(cell, disturber) if order.fault else killed(cell, order))


async def killed(cell: Cell, order: Order) -> tuple[str, ...]:
    """Start, and resume after each kill; by the plain command once no kill is left."""
    run, (wanted, over) = "", _ENDS[order.track]
    while True:
        left = set(order.points) - set(_lines(cell.folder / "killed"))
        code, lines = await _said(cell, _command(cell, run), plain=bool(run) and not left)
        text = "\n".join(lines)
        found = RUN.search(text)
        run = run or await cells.run_of(cell) or (found[1] if found and code != KILLED else "")
        if code == wanted or (code != KILLED and over in text):
            return ()
        if code != KILLED:
            return (f"exit {code}: {text[-1500:]}",)


async def disturbed(cell: Cell, disturber: Disturber) -> tuple[str, ...]:
    """Start; after a hold that says what it must, all is made well and the run resumed."""
    run, held, stops = "", 0, disturber.disturb.stops.replace("CELL", cell.name)
    while True:
        code, lines = await _said(cell, _command(cell, run), env=disturber.place.env)
        disturber.check()
        text = "\n".join(lines)
        await disturber.mend()
        points = len(_lines(cell.folder / "stopped"))
        most = points + disturber.disturb.stays  # what cannot be mended holds at the resume as well
        if code == 0:
            break
        held += 1
        if code != HOLDING or not stops or not re.search(stops, text) or held > most:
            return (f"exit {code}: {text[-1500:]}",)
        run = run or await cells.run_of(cell)
        if disturber.disturb.stays and held > points:
            await disturber.prove()
            return ()
    if stops and held < points:
        return (f"it held {held} times at {points} points",)
    return () if disturber.met or not points else ("the fault met nothing: it proves nothing",)


def _command(cell: Cell, run: str) -> list[str]:
    if run:
        return ["resume", run, "--output", "plain"]
    return ["upgrade", "--yes", "--config", str(cell.config), "--output", "plain"]


def _comparable(seen: oracle.Seen) -> dict[str, object]:
    return {part: value for part, value in seen.state.items() if part != "answers"}


async def _said(
    cell: Cell, command: Sequence[str], *, plain: bool = False, env: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, list[str]]:
    """One process to its end. Only it is killed; a helm that it started may live on.

    `env` is for the command alone: not for what brings it into the lab.
    """
    words = ["env", *(f"{name}={value}" for name, value in env.items())]
    entry = (*words, sys.executable, "-m", "tests.crash.entry", str(cell.folder / "orders.json"))
    process = await upgrade.start(
        cell.lab,
        *command,
        cwd=REPO,
        env={"PYTHONPATH": str(REPO)},
        admin=True,
        program=(upgrade.BLUESHIFT,) if plain else entry,
    )
    lines: list[str] = []
    log = cell.folder / "log"

    approving: list[asyncio.Task[None]] = []

    def keep(line: str) -> None:
        lines.append(line)
        if found := _GATE.search(line):  # no traffic runs, or too little to judge by: the soak asks a person
            approving.append(asyncio.create_task(_approve(cell, found[1], found[2])))
        with log.open("a") as target:
            target.write(line + "\n")

    keep(f"$ blueshift {' '.join(command)}")
    try:
        code = await upgrade.followed(process, keep)
        await asyncio.gather(*approving)
    finally:
        await processes.killed(process)
    keep(f"= {code}")
    return code, lines


async def _approve(cell: Cell, run: str, gate: str) -> None:
    """Answer as a person would; an answer that is there already is no trouble."""
    await blueshift(
        cell.lab,
        *("approve", run, gate, "--reason", "a cell's traffic is none or little"),
        hear=lambda line: None,
        admin=True,
    )


def _lines(file: Path) -> tuple[str, ...]:
    return tuple(file.read_text().splitlines()) if file.exists() else ()
