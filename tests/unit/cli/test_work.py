"""`upgrade` and `plan` around a look: what is said, asked and refused before anything changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app import runs
from blueshift.cli import work
from blueshift.cli.errors import ExitCode
from blueshift.cli.plan import Show, _live
from blueshift.discovery.world import ObjectChange
from blueshift.engine.journal import Journal
from blueshift.engine.loop import Outcome
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Checks, Config, Dns, Release
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.playbook.window import WindowSettings
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.waivers import NONE, Waivers
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.preflight.worlds import RELEASE, TARGET, WORKLOAD, but, world

BUMP = but(TARGET, objects=(ObjectChange("change", "Deployment ingress/web"),))
ONE_POD = world(workload=but(WORKLOAD, ready=1, replicas=1), target=BUMP)
WANTED = work.Wanted(Path("blueshift.yaml"), None, None, "blueshift", playbook="blue-green")


class Bench:
    """A session over a fake API server; what the commands did is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kube = FakeKube()
        self.runs = Runs(cast(Any, self.kube), ManualClock(), "blueshift")
        self.config = Config(Release("web", "ingress"), Dns())
        self.done: list[str] = []
        monkeypatch.setattr(work.Wanted, "settings", lambda _: self.config)
        monkeypatch.setattr(work, "open_session", self.session)
        monkeypatch.setattr(work, "look", self.look)
        monkeypatch.setattr(work, "confirmed", self.confirmed)
        monkeypatch.setattr(runs, "start", self.start)
        self.stopping = asyncio.Event()
        self.stopped = False
        self.world = ONE_POD
        self.types = ""
        self.question = ""
        self.given: dict[str, Any] = {}
        monkeypatch.setattr(work, "typed", self.typed)

    @asynccontextmanager
    async def session(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(
            cluster=ONE_POD.cluster,
            clock=ManualClock(),
            runs=self.runs,
            config=self.config,
            kube=SimpleNamespace(kubeconfig=None, context=None),
        )

    async def look(self, *_: Any) -> Any:
        self.done.append("looked")
        return SimpleNamespace(world=self.world)

    def confirmed(self, question: str) -> bool:
        self.done.append("asked")
        self.question = question
        return True

    def typed(self, question: str) -> str:
        self.done.append("asked for the name")
        self.question = question
        return self.types

    async def start(self, *_: Any, **given: Any) -> Outcome:
        self.done.append("started")
        self.given = given
        if self.stopped:
            raise runs.Stopped("interrupted")
        return Outcome("succeeded", "", "")

    async def upgrade(
        self, *, yes: bool = True, waivers: Waivers = NONE, skip_confirmed: str = ""
    ) -> ExitCode:
        manner = work.Manner(yes, "json", "hold", False, waivers, skip_confirmed)
        return await work.upgrade_release(WANTED, None, manner, self.stopping)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_a_second_upgrade_names_the_first_before_it_looks(bench: Bench) -> None:
    await bench.runs.create(
        Journal(
            run="r1", release="web", namespace="ingress", cluster="uid", plan="p", playbook="blue-green",
            created=bench.runs.clock.utc(), track=("forward/preflight",), holder="eve@far:1",
        ),
        {},
    )  # fmt: skip
    with pytest.raises(BlueshiftError, match=r"run r1 of web is not over: .* held by eve@far:1"):
        await bench.upgrade()
    assert bench.done == []


@pytest.mark.parametrize("yes", [False, True])
async def test_warnings_are_said_before_anything_begins(
    bench: Bench, capsys: pytest.CaptureFixture[str], yes: bool
) -> None:
    assert await bench.upgrade(yes=yes) == ExitCode.DONE
    assert bench.done == (["looked", "started"] if yes else ["looked", "asked", "started"])
    said = capsys.readouterr()
    assert "warn        cluster-replicas: Deployment ingress/web-controller has one pod" in said.err
    assert "→ set at least 2 replicas" in said.err
    assert said.err.index("has one pod") < said.err.index("begins;")
    assert "pass " not in said.err
    assert "has one pod" not in said.out


PENDING = world(release=but(RELEASE, status="pending-upgrade"), target=BUMP)
WITHOUT = Waivers(skip=("helm-release-pending",))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)


async def test_what_is_acknowledged_is_said_as_such_and_handed_on(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Waivers(acknowledge=("cluster-replicas",))
    assert await bench.upgrade(waivers=known) == ExitCode.DONE
    by_option = capsys.readouterr().err
    assert "acknowledged cluster-replicas: Deployment ingress/web-controller has one pod" in by_option
    assert bench.given["waivers"] == known
    bench.config = msgspec.structs.replace(bench.config, checks=Checks(("cluster-replicas",)))
    assert await bench.upgrade() == ExitCode.DONE
    by_settings = capsys.readouterr().err
    assert by_settings.partition("begins;")[0].split()[:-2] == by_option.partition("begins;")[0].split()[:-2]


@pytest.mark.parametrize("name", ["", "wob"])
async def test_a_check_that_stops_is_not_skipped_where_nobody_names_the_release(
    bench: Bench, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    bench.world = PENDING
    assert await bench.upgrade(waivers=WITHOUT, skip_confirmed=name) == ExitCode.REFUSED
    assert bench.done == [], "it is known before anybody is asked"
    said = capsys.readouterr().err
    assert "nothing was changed" in said
    assert "`--skip-confirmed web`" in said


async def test_a_job_names_the_release_in_advance(bench: Bench) -> None:
    bench.world = PENDING
    assert await bench.upgrade() == ExitCode.REFUSED
    assert await bench.upgrade(waivers=WITHOUT, skip_confirmed="web") == ExitCode.DONE
    assert bench.done == ["looked", "looked", "started"]
    assert bench.given["waivers"] == WITHOUT


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("types", "code", "said"),
    [
        ("web", ExitCode.DONE, "SKIPPED     helm-release-pending: revision 3 of web is pending-upgrade"),
        ("y", ExitCode.REFUSED, "y is not the name of the release; nothing was changed"),
        ("", ExitCode.REFUSED, "the name of the release was not typed; nothing was changed"),
    ],
)
async def test_a_person_types_the_name_at_a_question_that_tells_what_is_skipped(
    bench: Bench, capsys: pytest.CaptureFixture[str], types: str, code: ExitCode, said: str
) -> None:
    bench.world, bench.types = PENDING, types
    assert await bench.upgrade(yes=False, waivers=WITHOUT) == code
    assert bench.done == ["looked", "asked for the name", *(["started"] if types == "web" else [])]
    assert bench.question.startswith("Run this without helm-release-pending on https://api ")
    told = capsys.readouterr()
    assert said in told.err
    assert "WITHOUT the checks helm-release-pending" in told.out


async def test_a_yes_is_enough_where_the_name_was_given_or_none_is_needed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.world = PENDING
    assert await bench.upgrade(yes=False, waivers=WITHOUT, skip_confirmed="web") == ExitCode.DONE
    assert bench.done == ["looked", "asked", "started"]
    assert "without helm-release-pending" in bench.question
    bench.world = ONE_POD
    no_error = tuple(but(check, severity="warning") for check in CHECKS)
    monkeypatch.setattr("blueshift.preflight.waivers.CHECKS", no_error)
    assert await bench.upgrade(yes=False, waivers=WITHOUT) == ExitCode.DONE
    assert bench.done[3:] == ["looked", "asked", "started"]


async def test_plan_skips_and_acknowledges_alike(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.world = PENDING
    show = Show("table", False, False)
    assert await _live(WANTED, None, show, NONE) == ExitCode.REFUSED
    capsys.readouterr()
    assert await _live(WANTED, None, show, WITHOUT) == ExitCode.DONE
    told = capsys.readouterr()
    assert "WITHOUT the checks helm-release-pending" in told.out
    assert "SKIPPED     helm-release-pending" in told.err


async def test_plan_says_warnings_beside_pure_json(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _live(WANTED, None, Show("json", False, False), NONE) == ExitCode.DONE
    said = capsys.readouterr()
    assert msgspec.json.decode(said.out)["release"] == "ingress/web"
    assert "has one pod" in said.err


async def test_a_release_that_is_as_wished_is_skipped(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.world = world(workload=but(WORKLOAD, ready=1, replicas=1))
    assert await bench.upgrade() == ExitCode.SKIPPED
    assert bench.done == ["looked"]
    assert "nothing was changed" in capsys.readouterr().err


async def test_an_upgrade_outside_its_window_asks_nobody_anything(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    later = (datetime.now(UTC).minute + 30) % 60
    night = StepEntry("window", "night", WindowSettings(f"{later} * * * *", 60.0), "mine.yaml:4:5")
    monkeypatch.setattr(
        "blueshift.app.configuration.playbook", lambda *_, **__: Playbook("mine", "", (night,))
    )
    assert await bench.upgrade() == ExitCode.SKIPPED
    assert bench.done == []
    assert "the window night is closed; it opens at" in capsys.readouterr().err


async def test_a_signal_while_it_looks_asks_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.stopping.set()
    assert await bench.upgrade(yes=False) == ExitCode.INTERRUPTED
    assert bench.done == ["looked"]
    assert "nothing was changed" in capsys.readouterr().err


async def test_a_signal_before_the_run_exists_is_130(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.stopped = True
    assert await bench.upgrade() == ExitCode.INTERRUPTED
    assert "nothing was changed" in capsys.readouterr().err
