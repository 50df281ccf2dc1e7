"""Every exit code that the command may have, from the real command on a real API server and a real BIND.

Whole upgrades that end with 0, and ways back under load that end with 4, are in tests/e2e; here each code is
got as cheaply as it can be.
"""

from __future__ import annotations

import signal

from blueshift.cli.errors import ExitCode
from tests.contract.app.front import LOWERS, Front

CODES = {0: "DONE", 1: "ERROR", 2: "CHANGES_PENDING", 3: "REFUSED", 4: "ROLLED_BACK", 5: "HOLDING"} | {
    75: "SKIPPED",
    130: "INTERRUPTED",
}


def test_the_codes_are_those_that_runbooks_rely_on() -> None:
    assert {code.value: code.name for code in ExitCode} == CODES


def test_0_a_run_that_is_done(front: Front) -> None:
    front.settings()
    done = front.blueshift("upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot"))
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stderr


def test_1_bad_input_and_an_unknown_option(front: Front) -> None:
    front.settings()
    done = front.blueshift("upgrade", "--yes", "--playbook", "blue-gren")
    assert done.returncode == 1
    assert "blue-green" in done.stderr
    done = front.blueshift("upgrade", "--yess")
    assert done.returncode == 1, "click's own 2 would say that changes are pending"


def test_2_changes_are_pending(front: Front) -> None:
    front.settings()
    assert front.blueshift("plan", "--detailed-exitcode").returncode == 2
    assert front.blueshift("plan").returncode == 0


async def test_3_a_check_failed_and_nothing_was_changed(front: Front) -> None:
    front.settings(key="wrong.key")
    before = await front.state()
    done = front.blueshift("upgrade", "--yes")
    assert done.returncode == 3
    assert "BADSIG" in done.stderr
    assert await front.state() == before


async def test_3_a_plan_that_is_stale(front: Front) -> None:
    front.settings()
    assert front.blueshift("plan", "-o", "plan.json").returncode == 0
    before = await front.state()
    serial = before["serial"]
    try:
        await front.set_ttl("h1", 299)
        done = front.blueshift("upgrade", "--yes", "--plan", "plan.json")
    finally:
        await front.set_ttl("h1", 300)
    assert done.returncode == 3
    assert "the plan is stale" in done.stderr
    assert await front.state() == before | {"serial": serial + 2}, "the two changes are the test's own"


def test_5_a_run_holds_and_4_it_is_taken_back(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "harden")
    done = front.blueshift("upgrade", "--yes", "--playbook", playbook)
    assert done.returncode == 5, done.stderr
    assert "traffic is on primary" in done.stderr
    run = front.run_in(done.stderr)
    assert front.blueshift("resume", run).returncode == 5, "its cause was not mended"
    done = front.blueshift("rollback", run, "--yes")
    assert done.returncode == 4, done.stderr
    done = front.blueshift("resume", run)
    assert done.returncode == 1
    assert "is over" in done.stderr


def test_4_a_job_that_takes_itself_back(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "harden")
    done = front.blueshift("upgrade", "--yes", "--playbook", playbook, "--on-failure", "rollback")
    assert done.returncode == 4, done.stderr


def test_130_a_signal(front: Front) -> None:
    front.settings()
    with front.waiting(
        "upgrade", "--yes", "--playbook", front.playbook("preflight", "snapshot", LOWERS)
    ) as at:
        at.process.send_signal(signal.SIGINT)
        assert at.ended() == 130
    assert f"carry on: blueshift resume {at.run}" in at.said
    assert front.blueshift("rollback", at.run, "--yes").returncode == 4
