"""`upgrade` and `plan` over several groups: in order, each with its settings, until one does not succeed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blueshift.app import runs
from blueshift.cli import walk, work
from blueshift.cli.errors import ExitCode
from blueshift.cli.plan import Show, _live, _of_groups
from blueshift.discovery.world import ObjectChange, World
from blueshift.engine.loop import Outcome
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config
from blueshift.preflight.waivers import NONE, Waivers
from tests.fakes import ManualClock
from tests.unit.cli.command import blueshift
from tests.unit.preflight.worlds import RELEASE, TARGET, but, world

SETTINGS = """dns: {backend: manual}
groups:
  internal: {release: {name: in, namespace: inside}, overrides: {soak: {lasts: 5m}}}
  partner: {release: {name: partner, namespace: partner}}
  public: {release: {name: web, namespace: edge}}
"""
ALL = ("internal", "partner", "public")
BUMP = but(TARGET, objects=(ObjectChange("change", "Deployment ingress/web"),))


class Bench:
    """Sessions over nothing; which run was begun with which playbook is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        file = folder / "blueshift.yaml"
        file.write_text(SETTINGS)
        self.wanted = work.Wanted(file, None, None, "blueshift")
        self.begun: list[tuple[str, tuple[str, ...]]] = []
        self.done: set[str] = set()
        self.ends: dict[str, Outcome] = {}
        self.stopping = asyncio.Event()
        monkeypatch.setattr(work, "open_session", self.session)
        monkeypatch.setattr(work, "look", self.look)
        monkeypatch.setattr(runs, "start", self.start)

        async def nobody(*_: Any) -> None:
            return None

        monkeypatch.setattr("blueshift.app.claims.nobody_else", nobody)

    @asynccontextmanager
    async def session(self, config: Config, *_: Any, **__: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(
            cluster=world().cluster,
            clock=ManualClock(),
            runs=None,
            config=config,
            kube=SimpleNamespace(kubeconfig=None, context=None),
        )

    async def look(self, session: Any, *_: Any) -> Any:
        name = session.config.release.name
        target = TARGET if name in self.done else BUMP
        return SimpleNamespace(world=self.world(name, target))

    def world(self, name: str, target: Any) -> World:
        return world(release=but(RELEASE, name=name), target=target)

    async def start(self, _session: Any, looked: Any, playbook: Any, *_: Any, **__: Any) -> Outcome:
        name = looked.world.release.name
        self.begun.append((name, tuple(entry.id for entry in playbook.steps[:2])))
        outcome = self.ends.get(name, Outcome("succeeded", "", "every step settled"))
        if outcome.status == "succeeded":
            self.done.add(name)
        return outcome

    async def upgrade(self, *groups: str, waivers: Waivers = NONE, named: str = "") -> ExitCode:
        manner = work.Manner(True, "json", "hold", False, waivers, named)
        return await walk.upgrade_groups(self.wanted, groups, manner, self.stopping)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    return Bench(monkeypatch, tmp_path)


async def test_groups_are_upgraded_in_order_with_a_gate_between(bench: Bench) -> None:
    assert await bench.upgrade(*ALL) == ExitCode.DONE
    assert bench.begun == [
        ("in", ("preflight", "snapshot")),
        ("partner", ("before-partner", "preflight")),
        ("web", ("before-public", "preflight")),
    ]


async def test_a_walk_ends_where_a_run_does_not_succeed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.ends["partner"] = Outcome("holding", "forward/drain", "a connection is left")
    assert await bench.upgrade(*ALL) == ExitCode.HOLDING
    assert [name for name, _ in bench.begun] == ["in", "partner"]
    said = capsys.readouterr().err
    assert "group partner (2 of 3) is where the walk stands; not begun: public" in said
    assert "the same command goes on from there" in said


async def test_given_again_it_goes_on_behind_its_gate(bench: Bench) -> None:
    bench.done = {"in", "partner"}
    assert await bench.upgrade(*ALL) == ExitCode.DONE
    assert bench.begun == [("web", ("before-public", "preflight"))]
    assert await bench.upgrade(*ALL) == ExitCode.SKIPPED, "all of it is done"


async def test_a_check_is_skipped_for_the_release_that_was_named_alone(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    without = Waivers(skip=("helm-release-pending",))
    assert await bench.upgrade(*ALL, waivers=without, named="in") == ExitCode.REFUSED
    assert bench.begun == [], "it is known before the first group is touched"
    assert "--skip-confirmed names in, and the release is partner" in capsys.readouterr().err


def test_each_group_has_its_own_settings(bench: Bench) -> None:
    (_, (internal, steps)), (_, (_partner, others)), _ = walk.loaded_of(bench.wanted, ALL)
    assert internal.release.name == "in"
    soak = {entry.id: entry.settings for entry in steps.steps}["soak"]
    assert soak.lasts == 300.0
    assert {entry.id: entry.settings for entry in others.steps}["soak"].lasts == 3600.0


def test_plan_shows_every_group_of_a_walk(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    show = Show("table", False, True)
    assert _of_groups(bench.wanted, ALL[:2], None, show, NONE) == ExitCode.CHANGES_PENDING
    said = capsys.readouterr()
    assert said.out.index("Plan for ingress/in") < said.out.index("Plan for ingress/partner")
    assert "group internal is done, and partner comes next" in said.out
    assert "group partner (2 of 2)" in said.err


def test_a_plan_for_programs_is_of_one_group(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BlueshiftError, match="a plan for each of 2 groups: internal, partner") as caught:
        _of_groups(bench.wanted, ALL[:2], None, Show("json", False, False), NONE)
    assert "`--group internal`" in (caught.value.hint or "")
    assert _of_groups(bench.wanted, ("public",), None, Show("json", False, False), NONE) == ExitCode.DONE
    assert '"release": "ingress/web"' in capsys.readouterr().out


async def test_the_plan_names_what_is_not_touched(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    one = replace(bench.wanted, group="public")
    assert await _live(one, None, Show("table", False, False), NONE) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "Not touched: inside (inside/web): class inside, 2 hosts" in out
    assert "Not touched: nginx" not in out


REFUSED = [
    (("upgrade", "--plan", "plan.json", "--group", "public"), "--plan and --group exclude each other"),
    (("plan", "--world", "world.json", "--group", "public"), "--world and --group exclude each other"),
    (("check",), "these settings are of 3 groups: internal, partner, public"),
    (("upgrade", "--group", "pubic"), "no group 'pubic' (did you mean 'public'?)"),
    (("harden", "--group", "x"), "no group 'x'"),
    (("temporary", "render", "--group", "x"), "no group 'x'"),
    (("rbac", "--role", "runner"), "3 groups: inside/in (internal), partner/partner (partner), edge/web"),
    (("rbac", "--role", "runner", "-r", "x", "-n", "y"), "3 groups: inside/in (internal)"),
]


@pytest.mark.parametrize(("arguments", "says"), REFUSED, ids=[" ".join(one) for one, _ in REFUSED])
def test_what_names_no_one_group_is_told(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    done = blueshift(tmp_path, *arguments)
    assert done.returncode == ExitCode.ERROR
    assert says in done.stderr


def test_the_shell_offers_the_groups_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "blueshift.yaml").write_text(SETTINGS)
    words = {
        "COMP_WORDS": "blueshift check --group p",
        "COMP_CWORD": "3",
        "_BLUESHIFT_COMPLETE": "bash_complete",
    }
    offered = blueshift(tmp_path, environment=words).stdout.split()
    assert [one.partition(",")[2] for one in offered] == ["partner", "public"]
