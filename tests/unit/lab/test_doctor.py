"""What is missing is named with the command that gets it, and the machine is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.lab import apt, doctor, golang
from blueshift.lab.golang import Toolchain

PROGRAMS = {
    "containerd", "ctr", "runc", "/usr/lib/cni/ptp", "iptables", "nft", "ip", "catatonit", "named", "dig",
    "nsupdate", "unbound", "nsenter", "mount",
}  # fmt: skip


def test_each_missing_program_names_its_package_once() -> None:
    assert doctor.missing_packages(PROGRAMS) == ()
    assert doctor.missing_packages(PROGRAMS - {"dig", "nsupdate"}) == ("bind9-dnsutils",)
    assert doctor.missing_packages(PROGRAMS - {"named", "/usr/lib/cni/ptp"}) == (
        "containernetworking-plugins",
        "bind9",
    )


def test_the_remedy_is_the_exact_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing_packages", lambda: ("unbound",))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.setattr(golang, "choose", lambda minimum: Toolchain(program=None, family="1.27"))
    (finding,) = [each for each in doctor.examine() if each.name == "packages"]
    assert finding.state == "missing"
    assert finding.remedy.startswith("sudo apt-get install --no-install-recommends --yes unbound")


def test_services_are_refused_only_meanwhile(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with apt.no_services(policy):
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert list(tmp_path.iterdir()) == []


def test_an_administrators_own_policy_comes_back_also_after_a_failure(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")

    def install() -> None:
        with apt.no_services(policy):
            assert "exit 101" in policy.read_text()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        install()
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert list(tmp_path.iterdir()) == [policy]


def test_what_a_crash_left_is_not_taken_for_the_administrators(tmp_path: Path) -> None:
    policy, aside = tmp_path / "policy-rc.d", tmp_path / "policy-rc.d.blueshift"
    for left in ("", "#!/bin/sh\nexit 104\n"):
        with apt.no_services(policy):
            ours = policy.read_text()
        # Killed in the middle: ours is in place, and theirs, if there was one, aside.
        policy.write_text(ours)
        if left:
            aside.write_text(left)
        with apt.no_services(policy):
            pass
        assert (policy.read_text() if policy.exists() else "") == left
        assert not aside.exists()
