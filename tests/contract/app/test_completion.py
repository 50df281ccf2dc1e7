"""What a shell offers for a value, by the command that the shell's script calls; it never says an error."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from blueshift.preflight.checks import CHECKS
from tests.contract.apiserver import free_ports
from tests.contract.app.front import NAMESPACE, RELEASE, Front


def offered(front: Front, *words: str, kubeconfig: str = "") -> list[tuple[str, str]]:
    """Each value with what is said beside it, for a line whose last word is being typed."""
    variables = {
        "_BLUESHIFT_COMPLETE": "zsh_complete",
        "COMP_WORDS": " ".join(("blueshift", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = dataclasses.replace(front, variables=variables).blueshift(kubeconfig=kubeconfig)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = done.stdout.splitlines()
    return list(zip(lines[1::3], lines[2::3], strict=True))


def values(found: Sequence[tuple[str, str]]) -> set[str]:
    return {value for value, _ in found}


def test_runs_and_the_gate_at_which_one_stands(front: Front) -> None:
    front.settings()
    playbook = front.playbook("preflight", "snapshot", "gate: {id: look, message: look at it}")
    done = front.blueshift("upgrade", "--yes", "--park", "--playbook", playbook)
    assert done.returncode == 75, done.stderr
    run = front.run_in(done.stderr)
    found = offered(front, "resume", "")
    assert found[0] == (run, f"{NAMESPACE}/{RELEASE} parked")
    assert offered(front, "approve", run, "") == [("look", "look at it")]
    assert run in values(offered(front, "show", run[:5]))
    assert offered(front, "show", "--state-namespace", "elsewhere", "") == []
    assert front.blueshift("rollback", run, "--yes").returncode == 4
    assert run not in values(offered(front, "resume", ""))
    assert run not in values(offered(front, "revert", "")), "it was taken back"
    assert run in values(offered(front, "status", ""))


def test_what_ships_is_offered_without_a_cluster(front: Front) -> None:
    nowhere = str(front.folder / "none")
    ids = {check.id for check in CHECKS}
    assert values(offered(front, "check", "--only", "", kubeconfig=nowhere)) == ids
    assert values(offered(front, "check", "--skip", "dns-", kubeconfig=nowhere)) == {
        one for one in ids if one.startswith("dns-")
    }
    assert "blue-green" in values(offered(front, "plan", "--playbook", "", kubeconfig=nowhere))
    assert "soak.lasts=" in values(offered(front, "upgrade", "--set", "soak.", kubeconfig=nowhere))
    own = front.playbook("preflight", "gate: {id: look, message: look}")
    assert ("look.within=", "gate") in offered(front, "plan", "--playbook", own, "--set", "look.w")


@pytest.mark.parametrize("how", ["no such file", "nobody listens", "nobody answers", "who may not look"])
def test_a_cluster_that_does_not_tell_leaves_the_line_as_it_is(
    front: Front, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "other"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if how == "nobody listens":
            front.server.write_kubeconfig(file, token="x", port=free_ports(1)[0])
        elif how == "nobody answers":
            front.server.write_kubeconfig(file, token="x", port=silent.getsockname()[1])
        elif how == "who may not look":
            front.server.write_kubeconfig(file, token=front.server.nobody)
        assert offered(front, "show", "", kubeconfig=str(file)) == []
        assert offered(front, "approve", "1124-0302-k7xq", "", kubeconfig=str(file)) == []
