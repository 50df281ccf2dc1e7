"""The real command, with its requests, its time in helm, its pauses and its memory noted from within.

`python -m tests.bench.counted FILE ARGUMENTS…` runs `blueshift ARGUMENTS…` and writes FILE at its end, as
JSON. The product itself has no switch for it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from blueshift.cli.main import main as command
from blueshift.clock import SystemClock
from blueshift.cluster.transport import Transport
from blueshift.dns import agreement
from blueshift.engine.protocol import Place, Wait
from blueshift.engine.waiting import Waiting
from blueshift.helm.command import Command

_CLOCK = SystemClock()
_REQUESTS = {"read": 0, "write": 0, "exec": 0}
_HELM: list[tuple[float, float]] = []
_PAUSES: list[tuple[str, str, float, float]] = []
"""Step, key of the wait, and when one poll's pause began and ended."""
_LOOKS: list[tuple[str, str, float, float]] = []
"""Step, what was asked, begin and end: the work between pauses, helm's and rounds' time within it."""
_ROUNDS: list[tuple[float, float]] = []
"""Agreements of all name servers: begin, and the set length of all that is between their rounds."""


def _now() -> float:
    return _CLOCK.utc().timestamp()


def _count_requests() -> None:
    request, websocket = Transport._request, Transport.websocket

    @asynccontextmanager
    async def counted(self: Transport, *arguments: Any, read: bool, **more: Any) -> AsyncIterator[Any]:
        _REQUESTS["read" if read else "write"] += 1
        async with request(self, *arguments, read=read, **more) as response:
            yield response

    @asynccontextmanager
    async def executed(self: Transport, *arguments: Any) -> AsyncIterator[Any]:
        _REQUESTS["exec"] += 1
        async with websocket(self, *arguments) as socket:
            yield socket

    Transport._request = counted  # type: ignore[method-assign]
    Transport.websocket = executed  # type: ignore[assignment,method-assign]


def _time_helm() -> None:
    original = Command.run

    async def timed(self: Command, command: Sequence[Any], input: bytes | None = None) -> bytes:  # noqa: A002
        began = _now()
        try:
            return await original(self, command, input)
        finally:
            _HELM.append((began, _now()))

    Command.run = timed  # type: ignore[method-assign]


def _note_pauses() -> None:
    original = Waiting.pause

    async def noted(self: Waiting, step: Place, wait: Wait, **more: Any) -> None:
        began = _now()
        await original(self, step, wait, **more)
        _PAUSES.append((step.id, wait.key, began, _now()))

    Waiting.pause = noted  # type: ignore[method-assign]


def _note_looks() -> None:
    original = Waiting.retrying

    async def noted(self: Waiting, step: Place, ask: Callable[[], Awaitable[Any]]) -> Any:
        async def timed() -> Any:
            began = _now()
            try:
                return await ask()
            finally:
                _LOOKS.append((step.id, getattr(ask, "__name__", "observe"), began, _now()))

        return await original(self, step, timed)

    Waiting.retrying = noted  # type: ignore[method-assign]


def peak() -> float:
    """MiB. Not by getrusage(2), whose figure a program inherits from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _note_rounds() -> None:
    original = agreement.agreement

    async def noted(*arguments: Any, every: float = agreement.EVERY, **more: Any) -> agreement.Agreement:
        began = _now()
        found = await original(*arguments, every=every, **more)
        _ROUNDS.append((began, max(0, found.rounds - 1) * every))
        return found

    agreement.agreement = noted


def main(arguments: Sequence[str]) -> None:
    """Run it as the console script does, which exits with the command's own code."""
    _count_requests()
    _time_helm()
    _note_pauses()
    _note_rounds()
    _note_looks()
    sys.argv = ["blueshift", *arguments[1:]]
    try:
        command()
    finally:
        figures = {
            "requests": _REQUESTS,
            "helm": _HELM,
            "pauses": _PAUSES,
            "rounds": _ROUNDS,
            "looks": _LOOKS,
            "peak_rss_mb": peak(),
            "cpu_s": time.process_time(),
            "helm_cpu_s": sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]),
        }
        Path(arguments[0]).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
