"""The command in a process of its own, with bounds on memory and time, forked from one that has imported it.

To start an interpreter and import everything takes a second of a processor, and there are hundreds of cases.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

MEMORY = 3 << 29
"""Bytes of address space: the command itself takes a third of it."""
SECONDS = 10
"""Of one processor: the command itself takes less than one."""
WAITS = 60.0
"""Seconds by the clock: a server that answers wrongly is asked five times, with pauses."""
_PRELOADED = ["blueshift.cli.work", "blueshift.app.lint", "blueshift.app.example", "blueshift.report.show"]
_PRELOADED += ["tests.bad_input.command", "kubernetes.aio.config", "pyhelm3"]


class Done(NamedTuple):
    """One command's end."""

    code: int | None
    """Negative for the signal that ended it; None where it did not end in time."""
    out: str
    err: str


def blueshift(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Done:
    """One command line to its end, without a terminal."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), **(environment or {})}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    with tempfile.TemporaryDirectory() as said:
        streams = [os.path.join(said, name) for name in ("out", "err")]  # noqa: PTH118  # crosses processes
        process = context.Process(target=_child, args=(str(folder), arguments, variables, *streams))
        process.start()
        process.join(WAITS)
        if process.is_alive():
            process.kill()
            process.join()
            code = None
        else:
            code = process.exitcode
        out, err = (Path(stream).read_bytes().decode(errors="replace") for stream in streams)
    return Done(code, out, err)


def _child(folder: str, arguments: tuple[str, ...], variables: dict[str, str], out: str, err: str) -> None:
    for number, file, how in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        os.dup2(os.open(file, how | os.O_CREAT, 0o600), number)
    sys.stdin, sys.stdout = os.fdopen(0, "r"), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace")
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _without_roots_eyes()
    sys.argv = ["blueshift", *arguments]
    from blueshift.cli.main import main

    main()


def _without_roots_eyes() -> None:
    """Root may read what a mode forbids by two capabilities, which are let go here."""
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; and their upper halves
    assert library.capget(header, sets) == 0
    sets[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert library.capset(header, sets) == 0
