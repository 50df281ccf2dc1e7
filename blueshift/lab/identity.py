"""Who a process is: its id alone may belong to somebody else after a crash or a reboot.

With the boot's id and the start time it cannot. Imports nothing heavy: launch.py starts a dozen times.
"""

from __future__ import annotations

from pathlib import Path


def write_record(path: Path, pid: int) -> None:
    """Write down who `pid` is, all at once."""
    half = path.with_suffix(".half")
    half.write_text(f"{pid} {_start_time(pid)} {_boot()}\n")
    half.rename(path)


def running(path: Path) -> int | None:
    """The process id that a record names, if that very process still runs."""
    try:
        pid, start, boot = path.read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if boot == _boot() and start == _start_time(int(pid)) else None


def _start_time(pid: int) -> str | None:
    """Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); None when there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
