"""`blueshift check` where no cluster is needed: the list, a saved World, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from blueshift.cli.errors import ExitCode
from blueshift.discovery.world import save
from blueshift.preflight.checks import CHECKS
from tests.unit.cli.command import blueshift
from tests.unit.preflight.worlds import RELEASE, WORKLOAD, but, world


def test_the_list_needs_neither_settings_nor_cluster(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "check", "--list")
    assert done.returncode == 0, done.stderr
    shown = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert shown == [check.id for check in CHECKS]
    facts = json.loads(blueshift(tmp_path, "check", "--list", "-o", "json").stdout)
    assert [fact["id"] for fact in facts] == shown
    assert {fact["severity"] for fact in facts} <= {"error", "warning", "info"}
    assert facts[-1].keys() == {"id", "severity", "area", "summary", "link"}
    by_id = {fact["id"]: fact for fact in facts}
    assert by_id["nginx-status-race"]["area"] == "controller"
    assert by_id["dns-hosts"]["link"] == "docs/checks.md#dns-hosts"


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
    links = [line.strip() for line in done.stdout.splitlines() if "docs/checks.md" in line]
    assert links[0] == "docs/checks.md#helm-release-pending"
    assert not any("dns-hosts" in line for line in links), "it has passed"

    found = blueshift(tmp_path, "check", "--world", "world.json", "-o", "json")
    assert found.returncode == ExitCode.REFUSED
    by_check = {finding["check"]: finding for finding in json.loads(found.stdout)}
    assert set(by_check) == {check.id for check in CHECKS}
    assert by_check["helm-release-pending"]["stops"] is True
    assert by_check["dns-hosts"]["link"] == "docs/checks.md#dns-hosts"

    arguments = ("check", "--world", "world.json", "-o", "json")
    skipped = blueshift(tmp_path, *arguments, "--skip", "helm-release-pending")
    assert skipped.returncode == ExitCode.DONE
    outcomes = {finding["check"]: finding["outcome"] for finding in json.loads(skipped.stdout)}
    assert outcomes["helm-release-pending"] == "skipped"
    only = blueshift(tmp_path, *arguments, "--only", "helm-release-pending", "--only", "dns-hosts")
    assert {finding["check"] for finding in json.loads(only.stdout)} == {"helm-release-pending", "dns-hosts"}
    assert only.returncode == ExitCode.REFUSED


ONE_POD = world(workload=but(WORKLOAD, ready=1, replicas=1))
SETTINGS = "release: {name: web, namespace: ingress}\ndns: {settings: {server: ns1.example.test}}\n"
KNOWN = SETTINGS + "checks: {acknowledged: [cluster-replicas]}\n"


def test_a_warning_is_acknowledged_by_an_option_and_by_the_settings_alike(tmp_path: Path) -> None:
    save(ONE_POD, tmp_path / "world.json")
    arguments = ("check", "--world", "world.json")
    assert "warn        cluster-replicas: " in blueshift(tmp_path, *arguments).stdout
    by_option = blueshift(tmp_path, *arguments, "--acknowledge", "cluster-replicas")
    (tmp_path / "blueshift.yaml").write_text(KNOWN)
    by_settings = blueshift(tmp_path, *arguments)
    assert "acknowledged cluster-replicas: Deployment ingress/web-controller has one" in by_option.stdout
    assert "1 acknowledged" in by_option.stdout.splitlines()[-1]
    assert by_settings.stdout == by_option.stdout
    assert by_settings.returncode == ExitCode.DONE


def test_settings_that_acknowledge_no_check_are_refused_with_the_nearest(tmp_path: Path) -> None:
    save(ONE_POD, tmp_path / "world.json")
    (tmp_path / "blueshift.yaml").write_text(KNOWN.replace("replicas", "replica"))
    done = blueshift(tmp_path, "check", "--world", "world.json")
    assert done.returncode == ExitCode.ERROR
    assert done.stderr == (
        "error: blueshift.yaml: checks.acknowledged: there is no check 'cluster-replica'\n"
        "hint: did you mean 'cluster-replicas'?\n"
    )


def test_settings_of_another_release_acknowledge_nothing_here(tmp_path: Path) -> None:
    save(ONE_POD, tmp_path / "world.json")
    (tmp_path / "blueshift.yaml").write_text(KNOWN.replace("web", "other"))
    done = blueshift(tmp_path, "check", "--world", "world.json")
    assert done.returncode == ExitCode.ERROR
    assert "these settings are of ingress/other" in done.stderr


def test_junit_is_for_machines_and_has_the_same_exit_code(tmp_path: Path) -> None:
    save(world(release=but(RELEASE, status="pending-upgrade")), tmp_path / "world.json")
    done = blueshift(tmp_path, "check", "--world", "world.json", "-o", "junit")
    assert done.returncode == ExitCode.REFUSED
    assert done.stderr == ""
    suite = ElementTree.fromstring(done.stdout)
    assert [case.get("name") for case in suite] == [check.id for check in CHECKS]
    assert suite.get("failures") == "1"


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (("--only", "dns-host"), "there is no check 'dns-host'", "did you mean 'dns-hosts'?"),
        (("--skip", "zzz", "--world", "none.json"), "there is no check 'zzz'", "check --list"),
        (("--acknowledge", "dns-host"), "there is no check 'dns-host'", "did you mean 'dns-hosts'?"),
        (("--world", "none.json"), "none.json: cannot be read", ""),
        (("--list", "-o", "junit"), "a list has no results", "--list -o json"),
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
