"""`blueshift check` where no cluster is needed: the list, a saved World, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blueshift.cli.errors import ExitCode
from blueshift.discovery.world import save
from blueshift.preflight.checks import CHECKS
from tests.unit.cli.command import blueshift
from tests.unit.preflight.worlds import RELEASE, but, world


def test_the_list_needs_neither_settings_nor_cluster(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "check", "--list")
    assert done.returncode == 0, done.stderr
    shown = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert shown == [check.id for check in CHECKS]
    facts = json.loads(blueshift(tmp_path, "check", "--list", "-o", "json").stdout)
    assert [fact["id"] for fact in facts] == shown
    assert {fact["severity"] for fact in facts} <= {"error", "warning", "info"}


def test_a_sound_world_passes_and_the_next_command_is_named(tmp_path: Path) -> None:
    save(world(), tmp_path / "world.json")
    done = blueshift(tmp_path, "check", "--world", "world.json")
    assert done.returncode == ExitCode.DONE, done.stdout
    assert "nothing stops an upgrade" in done.stdout
    assert "blueshift plan" in done.stderr


def test_a_failed_check_is_3_and_says_what_to_do(tmp_path: Path) -> None:
    save(world(release=but(RELEASE, status="pending-upgrade")), tmp_path / "world.json")
    done = blueshift(tmp_path, "check", "--world", "world.json")
    assert done.returncode == ExitCode.REFUSED
    assert done.stdout.startswith("FAIL        helm-release-pending")
    assert "helm rollback" in done.stdout

    found = blueshift(tmp_path, "check", "--world", "world.json", "-o", "json")
    assert found.returncode == ExitCode.REFUSED
    by_check = {finding["check"]: finding for finding in json.loads(found.stdout)}
    assert set(by_check) == {check.id for check in CHECKS}
    assert by_check["helm-release-pending"]["stops"] is True

    arguments = ("check", "--world", "world.json", "-o", "json")
    skipped = blueshift(tmp_path, *arguments, "--skip", "helm-release-pending")
    assert skipped.returncode == ExitCode.DONE
    only = blueshift(tmp_path, *arguments, "--only", "helm-release-pending", "--only", "dns-hosts")
    assert {finding["check"] for finding in json.loads(only.stdout)} == {"helm-release-pending", "dns-hosts"}
    assert only.returncode == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (("--only", "dns-host"), "there is no check 'dns-host'", "did you mean 'dns-hosts'?"),
        (("--skip", "zzz", "--world", "none.json"), "none.json: cannot read it", ""),
        ((), "blueshift.yaml: there is no such file", "blueshift init"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: tuple[str, ...], says: str, hint: str) -> None:
    done = blueshift(tmp_path, "check", *arguments)
    assert done.returncode == ExitCode.ERROR
    told = done.stderr.splitlines()
    assert told[0].startswith(f"error: {says}")
    assert hint in told[-1]
    assert len(told) <= 2
