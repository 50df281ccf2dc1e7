"""Run a program of the user: a hook, or the command of a check. No shell, and nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile

import msgspec

from blueshift.clock import Clock
from blueshift.masks import masked

_KEPT = 16_384
"""Bytes of a program's output that are kept: the last ones."""
_GRACE = 1.0
"""Seconds for the pipe of a group that was killed; what left the group may hold it open for ever."""


class Ended(msgspec.Struct, frozen=True):
    """How a program ended."""

    code: int
    output: str
    """Its last output, secrets masked."""
    late: bool = False
    """It took longer than its timeout and was ended."""

    def last_words(self, most: int) -> str:
        """The end of its output, for a sentence."""
        return self.output[-most:].strip() or "it said nothing"


async def run(
    argv: Sequence[str], told: Mapping[str, str], clock: Clock, *, timeout: float, given: bytes = b""
) -> Ended:
    """Run a program to its end, and then end all that it left in its process group.

    `told` is added to the environment, `given` is its standard input, `timeout` in seconds. Raises OSError
    when it cannot be started.
    """
    read, write = os.pipe()
    # Files and a pipe of our own: asyncio waits for a process until all that hold *its* pipes have ended too.
    with TemporaryFile() as standard_input, os.fdopen(write, "wb") as out:
        standard_input.write(given)
        standard_input.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=standard_input,
                stdout=out,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **told},
                start_new_session=True,
            )
        except OSError:
            os.close(read)
            raise
    kept = bytearray()
    reading = asyncio.ensure_future(_read(read, kept))
    late = False
    try:
        async with clock.timeout(timeout):
            await process.wait()
    except TimeoutError:
        late = True
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait((reading,), timeout=_GRACE)
        reading.cancel()
    return Ended(await process.wait(), masked(kept.decode(errors="replace").strip(), os.environ), late)


async def _read(pipe: int, kept: bytearray) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
    )
    try:
        while data := await reader.read(_KEPT):
            kept += data
            if len(kept) > _KEPT:
                # Whole lines: half a secret would not be known as one.
                del kept[: max(kept.find(b"\n", len(kept) - _KEPT) + 1, len(kept) - _KEPT)]
    finally:
        transport.close()
