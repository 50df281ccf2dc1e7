"""Signals, and readers that go away: a run is left where `resume` carries it on, or is not disturbed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import termios
import time

import pytest

from tests.contract.app.front import LOWERS, Front


def upgrade(front: Front, *options: str) -> tuple[str, ...]:
    playbook = front.playbook("preflight", "snapshot", LOWERS)
    return ("upgrade", "--yes", "--playbook", playbook, *options)


def state(front: Front, run: str) -> str:
    return str(json.loads(front.blueshift("status", run, "-o", "json").stdout)["status"])


def taken_back(front: Front, run: str) -> None:
    assert front.blueshift("rollback", run, "--yes").returncode == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_after_what_is_in_flight(front: Front, number: signal.Signals) -> None:
    front.settings()
    with front.waiting(*upgrade(front)) as at:
        at.process.send_signal(number)
        assert at.ended() == 130
    assert "stopping after what is in flight" in at.said
    assert "Traceback" not in at.said
    assert state(front, at.run) == "interrupted"
    taken_back(front, at.run)


def test_a_terminal_that_is_gone_leaves_the_run_resumable(front: Front) -> None:
    """As after a lost ssh: the kernel sends SIGHUP, and every write to the terminal fails."""
    front.settings()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        front.argv(*upgrade(front)),
        stdin=theirs, stdout=theirs, stderr=theirs,
        cwd=front.folder,
        env=front.environment() | {"TERM": "xterm"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the child has one thread
    ) as process:  # fmt: skip
        os.close(theirs)
        run = _waits(front, ours)
        os.close(ours)
        assert process.wait(30) == 130
    assert state(front, run) == "interrupted"
    with front.waiting("resume", run) as again:
        again.process.send_signal(signal.SIGTERM)
        assert again.ended() == 130
    taken_back(front, run)


def test_twice_stops_now_and_the_journal_stays_true(front: Front) -> None:
    front.settings()
    with front.waiting(*upgrade(front)) as at:
        os.kill(at.process.pid, signal.SIGSTOP)  # both signals are there when it wakes
        at.process.send_signal(signal.SIGINT)
        at.process.send_signal(signal.SIGTERM)
        os.kill(at.process.pid, signal.SIGCONT)
        assert at.ended() == 130
    assert "Traceback" not in at.said
    assert state(front, at.run) in ("working", "interrupted")
    taken_back(front, at.run)


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_reader_that_goes_away_does_not_end_the_run(front: Front, output: str) -> None:
    """`blueshift upgrade | head -1`."""
    front.settings()
    argv = front.argv("upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot"))
    command = f"{shlex.join([*argv, '--output', output])} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=front.folder, env=front.environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    for bad in ("Traceback", "Broken pipe", "BrokenPipe"):
        assert bad not in done.stderr
    assert state(front, front.run_in(done.stderr)) == "succeeded"


def _waits(front: Front, terminal: int) -> str:
    """Read a terminal until the run of its command waits; the run."""
    end = time.monotonic() + 60
    seen = b""
    while b"the old TTL of" not in seen:
        assert time.monotonic() < end, seen.decode(errors="replace")
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 65536)
    return front.run_in(seen.decode(errors="replace"))
