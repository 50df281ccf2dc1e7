"""A finished run is taken back only from where it left the release, and to exactly what it found."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from blueshift.app import configuration, revert
from blueshift.app.runs import Refused
from blueshift.app.session import Session
from blueshift.app.target import target_values
from blueshift.cluster import paths
from blueshift.dns.settings import Rfc2136Settings
from blueshift.engine.journal import Journal, Status
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import read_chart
from blueshift.helm.records import secret_name
from blueshift.playbook.config import (
    Chart,
    Config,
    Controller,
    Dns,
    Hosts,
    Prometheus,
    Release,
    Temporary,
    Token,
    Traffic,
    Values,
)
from blueshift.playbook.schema import Playbook
from blueshift.report.show import show_text
from blueshift.report.status import status_text
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.test_history import only, opened
from tests.unit.app.worlds import world
from tests.unit.helm.test_records import secret

PLAYBOOK = Playbook("blue-green", "", ())
SETTINGS = Config(
    Release("web", "edge"),
    Dns(),
    chart=Chart(oci="oci://elsewhere/tiny", version="2.0.0"),
    values=Values(inline={"a": 3, "later": True}),
    hosts=Hosts(("parked.example",)),
)
CONFIG = {"a": 2, "lifecycle": {"preStop": None}}
"""What the user had set before the run. None takes a default of the chart away."""


class Bench:
    """A release at revision 3, left there by run r1, which has kept revision 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kube = FakeKube()
        self.clock = ManualClock()
        self.runs = Runs(cast(Any, self.kube), self.clock, "blueshift")
        self.looked: list[Config] = []
        self.seen = 3
        nothing = cast(Any, None)
        self.session = Session(
            SETTINGS, self.clock, cast(Any, self.kube), world(1).cluster, nothing, nothing, nothing, self.runs
        )
        self.at(3)
        monkeypatch.setattr(revert, "look", self.look)

    async def look(self, session: Session, *_: Any) -> Any:
        self.looked.append(session.config)
        one = world(1)
        return SimpleNamespace(world=replace(one, release=replace(one.release, revision=self.seen)))

    def at(self, revision: int) -> None:
        """Helm made this revision."""
        self.kube.objects[paths.core("secrets", "edge", secret_name("web", revision))] = secret(revision)

    async def finished(self, status: Status = "succeeded", **changes: Any) -> None:
        """Keep run r1, which upgraded to revision 3 and was over."""
        cluster = self.session.cluster.uid
        fields = {"namespace": "edge", "cluster": cluster, "facts": {"Upgraded": {"revision": 3}}}
        await self.runs.create(opened("r1", status=status, **fields | changes), {})
        await self.runs.keep("r1", "release", secret(1, config=CONFIG)["data"])

    async def look_back(self, scratch: Path) -> tuple[Session, Any]:
        return await revert.look_back(self.session, PLAYBOOK, "r1", scratch)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_the_target_is_the_chart_and_the_values_that_the_run_found(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.finished()
    session, _ = await bench.look_back(tmp_path)
    assert bench.looked == [session.config]
    chart = session.config.chart
    assert chart is not None
    assert (read_chart(Path(str(chart.path))).name, chart.oci) == ("tiny", None)
    assert target_values(session.config, {"a": 9, "hardened": True}) == CONFIG
    assert session.config.hosts == SETTINGS.hosts, "all else is the run's"


@pytest.mark.parametrize(
    ("status", "says", "hint"),
    [
        ("rolled-back", "run r1 was rolled back: there is nothing to revert", "`blueshift show r1`"),
        ("holding", "run r1 is not over: it is holding", "`blueshift rollback r1`"),
        ("working", "run r1 is not over: it is working", "`blueshift rollback r1`"),
    ],
)
async def test_only_what_has_succeeded_is_reverted(
    bench: Bench, tmp_path: Path, status: Status, says: str, hint: str
) -> None:
    await bench.finished(status)
    with pytest.raises(BlueshiftError, match=says) as caught:
        await bench.look_back(tmp_path)
    assert hint in str(caught.value.hint)
    assert not bench.looked


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"facts": {}}, "run r1 has upgraded nothing"),
        ({"cluster": "another"}, "run r1 belongs to the cluster another"),
    ],
)
async def test_a_run_without_an_upgrade_or_of_another_cluster_is_refused(
    bench: Bench, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    await bench.finished(**changes)
    with pytest.raises(BlueshiftError, match=says):
        await bench.look_back(tmp_path)


async def test_a_run_of_the_release_that_is_not_over_comes_first(bench: Bench, tmp_path: Path) -> None:
    await bench.finished()
    await bench.runs.create(opened("r2", 1, namespace="edge"), {})
    with pytest.raises(BlueshiftError, match="run r2 of web is not over"):
        await bench.look_back(tmp_path)


async def test_a_release_that_somebody_changed_since_is_refused_with_both_revisions(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.finished()
    bench.at(4)
    with pytest.raises(
        Refused, match="edge/web is at revision 4, and run r1 left it at revision 3"
    ) as caught:
        await bench.look_back(tmp_path)
    assert "`helm history web -n edge`" in str(caught.value.hint)
    assert not bench.looked


async def test_a_release_that_somebody_changes_while_it_looks_is_refused_too(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.finished()
    bench.seen = 4
    with pytest.raises(Refused, match="edge/web is at revision 4, and run r1 left it at revision 3"):
        await bench.look_back(tmp_path)


async def test_a_release_that_is_gone_is_refused(bench: Bench, tmp_path: Path) -> None:
    await bench.finished()
    del bench.kube.objects[paths.core("secrets", "edge", secret_name("web", 3))]
    with pytest.raises(Refused, match="edge/web is gone"):
        await bench.look_back(tmp_path)


async def test_without_the_kept_copy_there_is_no_target(bench: Bench, tmp_path: Path) -> None:
    await bench.finished()
    del bench.kube.objects[paths.core("secrets", "blueshift", "blueshift-run-r1-release")]
    with pytest.raises(BlueshiftError, match="the copy of the old release that run r1 kept is gone"):
        await bench.look_back(tmp_path)


def test_what_a_run_reverts_is_told_wherever_it_is_shown() -> None:
    journal: Journal = opened("r2", reverts="r1")
    assert "reverts   run r1" in show_text(journal)
    assert "reverts   run r1" in status_text(journal, journal.created)
    assert (only(journal).reverts, only(journal).change) == ("r1", "4.11.3 → 4.12.1, reverts r1")
    assert "reverts" not in show_text(opened("r1"))


def test_a_run_keeps_of_its_settings_what_another_one_needs() -> None:
    config = Config(
        Release("web", "edge"),
        Dns(settings=Rfc2136Settings("192.0.2.53")),
        controller=Controller("ingress-nginx"),
        hosts=Hosts(("parked.example",)),
        temporary=Temporary("aside", "same"),
        traffic=Traffic(Prometheus("http://prometheus.test", Token(file="/run/token"), labels={"a": "b"})),
    )
    frozen = configuration.freeze(config, "ingress-nginx")
    assert configuration.thaw(frozen, "blueshift") == config
    for later in ("hosts", "temporary", "traffic"):
        del frozen[later]  # as an older version wrote it
    older = configuration.thaw(frozen, "blueshift")
    assert (older.hosts, older.temporary, older.traffic) == (Hosts(), Temporary(), Traffic())
