"""`check` and `plan` on a real API server and a real BIND: what they see, refuse, and leave as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import msgspec
import pytest

from blueshift.app import plans
from blueshift.cli.errors import ExitCode
from blueshift.discovery import world as worlds
from blueshift.lab.charts import chart
from blueshift.preflight.checks import CHECKS
from tests.contract.apiserver import free_ports
from tests.contract.app.front import NAMESPACE, RELEASE, Front
from tests.contract.dns.bind import SECRET, ZONE


async def test_check_looks_at_everything_and_changes_nothing(front: Front) -> None:
    front.settings()
    before = await front.state()
    done = front.blueshift("check", "-o", "json")
    assert done.returncode == ExitCode.DONE, done.stdout
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert set(findings) == {check.id for check in CHECKS}
    assert findings["dns-update-rights"]["outcome"] == "pass"
    assert "all 4 names" in findings["dns-update-rights"]["sentence"]  # the alias and its target are one
    assert await front.state() == before


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ({"silent": "192.0.2.1"}, "hosts answers well at 192.0.2.1 and 2001:db8::1 from here"),
        ({"unrouted": "2001:db8::1"}, "no route to 2001:db8::1, and 2 names move by AAAA records"),
    ],
)
async def test_a_machine_from_which_nothing_could_be_proven_is_refused(
    front: Front, without: dict[str, str], says: str
) -> None:
    front.settings()
    before = await front.state()
    done = front.blueshift("upgrade", "--yes", **without)
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert says in " ".join(done.stderr.split())
    assert await front.state() == before


async def test_plan_is_whole_can_be_kept_and_changes_nothing(front: Front) -> None:
    front.settings(chart={"path": str(chart("4.12.1"))})
    before = await front.state()
    arguments = ("-o", "plan.json", "--save-world", "world.json", "--detailed-exitcode")
    done = front.blueshift("plan", *arguments)
    assert done.returncode == ExitCode.CHANGES_PENDING, done.stderr
    assert await front.state() == before

    steps = ["install-temporary", "shift-to-temporary/wave-1", "upgrade", "soak", "restore-ttl"]
    places = [done.stdout.index(f"forward/{step}") for step in steps]
    assert places == sorted(places)
    assert "+        app.kubernetes.io/version: 1.12.1" in done.stdout
    assert f"rollback {RELEASE} 1 -n {NAMESPACE}" in done.stdout
    assert f"update add h1.{ZONE}. 300 A 192.0.2.1" in done.stdout

    world = worlds.load(front.folder / "world.json")
    frozen = plans.load(front.folder / "plan.json")
    assert frozen.world == world
    assert world.target.chart_version == "4.12.1"
    assert {name.name for name in world.moving()} == {
        f"{it}.{ZONE}" for it in ("www", "h1", "shared", "*.wild")
    }
    written = (front.folder / "plan.json").read_bytes() + (front.folder / "world.json").read_bytes()
    assert SECRET.encode() not in written

    again = front.blueshift("plan", "--world", "world.json", "-o", "json", kubeconfig="none")
    assert msgspec.json.decode(again.stdout, type=plans.Plan).contract == worlds.contract_hash(world)


def _other_release(front: Front) -> None:
    front.settings(release={"name": "frnt", "namespace": NAMESPACE})


def _no_such_context(front: Front) -> None:
    front.settings(cluster={"context": "prod"})


def _values_that_are_not_there(front: Front) -> None:
    front.settings(values={"files": ["prod.yaml"]})


def _another_chart(front: Front) -> None:
    folder = front.folder / "other"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: traefik\nversion: 1.0.0\n")
    front.settings(chart={"path": "other"})


def _no_key_there(front: Front) -> None:
    front.settings(key="none.key")


def _key_in_no_secret(front: Front) -> None:
    settings = {"server": front.bind.address, "key": {"secret": {"namespace": NAMESPACE, "name": "none"}}}
    front.settings(dns={"settings": settings})


@pytest.mark.parametrize(
    ("spoil", "says", "hint"),
    [
        (_other_release, f"there is no Helm release frnt in namespace {NAMESPACE}", "helm list -A"),
        (_no_such_context, "it has no context prod", "it has: contract"),
        (_values_that_are_not_there, "prod.yaml: cannot be read", "values.files"),
        (_another_chart, "the target is traefik", "--chart"),
        (_no_key_there, "none.key: no usable TSIG key: it cannot be read", "tsig-keygen"),
        (_key_in_no_secret, f"there is no Secret {NAMESPACE}/none", "dns.settings.key.secret"),
    ],
)
def test_bad_settings_get_one_clear_error(
    front: Front, spoil: Callable[[Front], None], says: str, hint: str
) -> None:
    spoil(front)
    done = front.blueshift("plan")
    assert (done.returncode, done.stdout) == (ExitCode.ERROR, "")
    told = [line for line in done.stderr.splitlines() if not line.startswith("looking at ")]
    assert len(told) == 2
    assert told[0].startswith("error: ")
    assert says in told[0]
    assert hint in told[1]


def test_who_cannot_reach_or_enter_the_cluster_is_told(front: Front) -> None:
    front.settings()
    server, folder = front.server, front.folder
    closed = server.write_kubeconfig(folder / "closed", token="x", port=free_ports(1)[0])
    stranger = server.write_kubeconfig(folder / "stranger", token="not-a-token")
    nobody = server.write_kubeconfig(folder / "nobody", token=server.nobody)
    for kubeconfig, says, hint in (
        (closed, "cannot be reached", ""),
        (stranger, "does not accept this user", "--kubeconfig or --context"),
        (nobody, "nobody", ""),
    ):
        done = front.blueshift("check", kubeconfig=kubeconfig)
        assert done.returncode == ExitCode.ERROR
        told = done.stderr.splitlines()
        assert told[0].startswith("error: "), done.stderr
        assert says in told[0]
        assert told[-1].startswith("hint: ")
        assert hint in told[-1]


def _another_secret(front: Front) -> None:
    front.settings(key="wrong.key")


def _unsigned(front: Front) -> None:
    front.settings(key="")


def _silent_name_server(front: Front) -> None:
    settings = {"server": front.bind.address, "port": free_ports(1)[0], "key": {"file": "update.key"}}
    authorities = [f"{front.bind.address}:{front.bind.port}"]
    front.settings(dns={"settings": settings, "zones": [ZONE], "authorities": authorities})


def _chart_that_does_not_render(front: Front) -> None:
    folder = front.folder / "broken"
    shutil.copytree(chart("4.12.1"), folder)
    broken = folder / "templates" / "broken.yaml"
    broken.write_text('{{ fail "give me a colour" }}\n')
    front.settings(chart={"path": "broken"})


@pytest.mark.parametrize(
    ("spoil", "check", "says"),
    [
        (_another_secret, "dns-update-rights", "BADSIG"),
        (_unsigned, "dns-update-rights", "REFUSED"),
        (_silent_name_server, "dns-hosts", "could not be looked up"),
        (_chart_that_does_not_render, "helm-render", "give me a colour"),
    ],
)
async def test_what_would_break_a_run_is_refused_before(
    front: Front, spoil: Callable[[Front], None], check: str, says: str
) -> None:
    spoil(front)
    before = await front.state()
    done = front.blueshift("plan", "-o", "plan.json")
    assert done.returncode == ExitCode.REFUSED, done.stderr
    failed = " ".join(done.stderr.split())
    assert check in failed
    assert says in failed
    assert "nothing was changed" in failed
    assert not front.has("plan.json"), "no plan is kept that would be refused"
    assert await front.state() == before
