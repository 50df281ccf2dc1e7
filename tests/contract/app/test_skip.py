"""A check that stops an upgrade is skipped by the release's name alone, and the run remembers by whom."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import Any

from blueshift.cli.errors import ExitCode
from tests.contract.app.front import RELEASE, Front

CHECK = "dns-update-rights"
GATE = "gate: {id: look, message: look at the dashboards}"


def journal(front: Front, run: str) -> dict[str, Any]:
    return dict(json.loads(front.blueshift("show", run, "-o", "json").stdout))


def at_a_terminal(front: Front, types: str, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a command whose questions are answered so."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        front.argv(*arguments),
        stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, cwd=front.folder, env=front.environment(),
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, f"{types}\n".encode())
        said = process.communicate(timeout=60)[1]
        os.close(ours)
    return process.returncode, said


async def test_without_the_name_nothing_is_changed(front: Front) -> None:
    front.settings(key="wrong.key")
    upgrade = ("upgrade", "--playbook", front.playbook("preflight", "snapshot"), "--skip", CHECK)
    before = await front.state()
    for more in ((), ("--yes",), ("--yes", "--skip-confirmed", "back")):
        done = front.blueshift(*upgrade, *more)
        assert done.returncode == ExitCode.REFUSED, done.stderr
        assert f"`--skip-confirmed {RELEASE}` names it in advance" in done.stderr
    code, said = at_a_terminal(front, "y", *upgrade)
    assert code == ExitCode.REFUSED, said
    assert f"Run this without {CHECK} on " in said
    assert "y is not the name of the release; nothing was changed" in said
    planned = front.blueshift("plan", "--skip", CHECK, "-o", "plan.json")
    assert planned.returncode == ExitCode.DONE, planned.stderr
    assert f"WITHOUT the checks {CHECK}" in planned.stdout
    assert front.blueshift("upgrade", "--yes", "--plan", "plan.json").returncode == ExitCode.REFUSED
    assert await front.state() == before


def test_a_person_types_the_name(front: Front) -> None:
    front.settings(key="wrong.key")
    playbook = front.playbook("preflight", "snapshot")
    code, said = at_a_terminal(front, RELEASE, "upgrade", "--playbook", playbook, "--skip", CHECK)
    assert code == ExitCode.DONE, said
    assert f"SKIPPED     {CHECK}: " in said
    assert [one["check"] for one in journal(front, front.run_in(said))["waived"]] == [CHECK]


def test_a_job_gives_it_and_a_resume_keeps_what_was_skipped_and_by_whom(front: Front) -> None:
    front.settings(key="wrong.key", checks={"acknowledged": ["dns-hosts"]})
    playbook = front.playbook(GATE, "preflight", "snapshot")
    done = front.blueshift(
        "upgrade", "--yes", "--park", "--playbook", playbook, "--skip", CHECK, "--skip-confirmed", RELEASE
    )
    assert done.returncode == ExitCode.SKIPPED, done.stderr
    assert "acknowledged dns-hosts: " in done.stderr
    run = front.run_in(done.stderr)
    opened = journal(front, run)["waived"]
    skipped, known = (next(one for one in opened if one["how"] == how) for how in ("skipped", "acknowledged"))
    assert (skipped["check"], skipped["given"]) == (CHECK, "--skip")
    assert "BADSIG" in skipped["saw"]
    assert (known["check"], known["given"]) == ("dns-hosts", "settings")
    assert {one["by"] for one in opened} == {"admin"}, "the cluster's name for the user"

    assert front.blueshift("approve", run, "look", "--no-wait").returncode == ExitCode.DONE
    resumed = front.blueshift("resume", run)
    assert resumed.returncode == ExitCode.DONE, resumed.stderr
    after = journal(front, run)
    assert after["waived"] == opened
    assert after["steps"]["forward/preflight"]["said"].endswith(f"was opened, without {CHECK}")
    shown = front.blueshift("show", run).stdout
    assert f"skipped   {CHECK} by admin (--skip); it saw: " in shown
    assert "acknowledged dns-hosts by admin (settings); it saw: " in shown
