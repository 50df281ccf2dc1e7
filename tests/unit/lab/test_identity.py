"""A process id is not enough to know a process by."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from blueshift.lab import identity


def test_the_process_itself_is_known(tmp_path: Path) -> None:
    record = tmp_path / "me.pid"
    identity.write_record(record, os.getpid())
    assert identity.running(record) == os.getpid()


def test_another_process_under_the_same_id_is_not_ours(tmp_path: Path) -> None:
    record = tmp_path / "me.pid"
    identity.write_record(record, os.getpid())
    pid, start, boot = record.read_text().split()
    record.write_text(f"{pid} {int(start) + 1} {boot}\n")
    assert identity.running(record) is None


def test_a_process_of_an_earlier_boot_is_not_ours(tmp_path: Path) -> None:
    record = tmp_path / "me.pid"
    identity.write_record(record, os.getpid())
    pid, start, _ = record.read_text().split()
    record.write_text(f"{pid} {start} 00000000-0000-0000-0000-000000000000\n")
    assert identity.running(record) is None


def test_a_process_that_ended_does_not_run_even_as_a_zombie(tmp_path: Path) -> None:
    record = tmp_path / "child.pid"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity.write_record(record, child.pid)
    assert identity.running(record) == child.pid
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity.running(record) is None
    child.communicate()
    assert identity.running(record) is None


def test_nothing_or_half_a_record_is_nobody(tmp_path: Path) -> None:
    assert identity.running(tmp_path / "none.pid") is None
    (tmp_path / "half.pid").write_text("12")
    assert identity.running(tmp_path / "half.pid") is None
