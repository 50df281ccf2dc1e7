"""What a run changed in the values comes as a file that can be laid over one's own."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from blueshift.app import inputs
from blueshift.app.patch import GIVEN, compared, patch
from blueshift.cluster import paths
from blueshift.controllers.overrides import merge
from blueshift.discovery.world import ValueChange
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.helm.records import decode_secret, secret_name
from blueshift.report.patch import patch_text
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.test_history import opened
from tests.unit.app.worlds import world
from tests.unit.helm.test_records import secret

BEFORE: dict[str, Any] = {
    "controller": {
        "replicaCount": 2,
        "lifecycle": {"preStop": {"exec": {"command": ["/wait-shutdown"]}}},
        "config": {"use-gzip": "true"},
        "extraEnvs": [{"name": "MODE", "value": "a"}],
    },
    "gone": 2,
}
AFTER: dict[str, Any] = {
    "controller": {
        "replicaCount": 2,
        "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
        "config": {"use-gzip": "true", "worker-shutdown-timeout": "240s"},
        "extraEnvs": [{"name": "API_TOKEN", "value": "hunter22"}],
        "minReadySeconds": 10,
    },
}
REASONS = {"controller.lifecycle": "nginx ends well", "controller.minReadySeconds": "endpoints need time"}


def text_of(before: dict[str, Any], after: dict[str, Any]) -> str:
    records = decode_secret(secret(1, config=before)), decode_secret(secret(3, config=after))
    return patch_text(compared("r1", *records, REASONS))


def test_laid_over_the_values_from_before_it_gives_those_that_run() -> None:
    after = {"controller": AFTER["controller"] | {"extraEnvs": BEFORE["controller"]["extraEnvs"]}}
    found = yaml.safe_load(text_of(BEFORE, after))
    assert merge(BEFORE, found) == after
    assert "replicaCount" not in found["controller"]


def test_each_value_comes_with_its_reason_and_what_no_patch_can_do_is_said() -> None:
    text = text_of(BEFORE, AFTER)
    assert ": nginx ends well\n      sleep:\n        seconds: 15" in text
    assert ": nginx ends well\n      exec: null" in text
    assert "# was unset: endpoints need time\n  minReadySeconds: 10" in text
    assert f"# was unset: {GIVEN}\n    worker-shutdown-timeout: 240s" in text
    assert f"# was 2: {GIVEN}\ngone: null" in text
    assert "# A secret, set it yourself: controller.extraEnvs" in text
    assert "hunter22" not in text


def test_a_default_that_counts_again_is_not_taken_away_with_the_value() -> None:
    """The chart of these records has a default for `a`: null would take that away too."""
    text = text_of({"a": 2}, {})
    assert f"# Take out: a, was 2: {GIVEN}" in text
    assert yaml.safe_load(text) == {}


def test_where_nothing_differs_it_is_an_empty_file() -> None:
    assert yaml.safe_load(text_of(BEFORE, BEFORE)) == {}


class Bench:
    """Run r1 found revision 1 and left revision 3; somebody went on to 4."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.runs = Runs(cast(Any, self.kube), ManualClock(), "blueshift")
        for revision, config in ((3, {"a": 3}), (4, {"a": 4})):
            where = paths.core("secrets", "edge", secret_name("web", revision))
            self.kube.objects[where] = secret(revision, config=config)

    async def keep(self, **changes: Any) -> None:
        seen = world(1)
        seen = replace(seen, target=replace(seen.target, values=(ValueChange("a", "2", "3", "why not"),)))
        frozen = inputs.Frozen(seen, "blue-green", (), {}, "ingress-nginx")
        fields = {"namespace": "edge", "status": "succeeded", "facts": {"Upgraded": {"revision": 3}}}
        files = {"frozen.json": msgspec.json.encode(frozen)}
        await self.runs.create(opened("r1", **fields | changes), files)
        await self.runs.keep("r1", "release", secret(1, config={"a": 2})["data"])


async def test_a_run_that_succeeded_is_told_by_the_revision_that_it_left() -> None:
    bench = Bench()
    await bench.keep()
    found = await patch(bench.runs, "r1")
    assert (found.revision, found.values) == (3, {"a": 3})
    assert [(one.path, one.old, one.reason) for one in found.changes] == [("a", "2", "why not")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "holding"}, "run r1 is not over: it is holding"),
        ({"status": "rolled-back"}, "run r1 was taken back"),
        ({"facts": {}}, "run r1 has changed no values: its playbook"),
        ({"facts": {"Upgraded": {"revision": 2}}}, "the records .* are gone"),
    ],
)
async def test_what_cannot_be_told_is_refused(changes: dict[str, Any], says: str) -> None:
    bench = Bench()
    await bench.keep(**changes)
    with pytest.raises(BlueshiftError, match=says):
        await patch(bench.runs, "r1")


async def test_a_run_that_left_the_values_as_they_were_has_no_patch() -> None:
    bench = Bench()
    where = paths.core("secrets", "edge", secret_name("web", 3))
    bench.kube.objects[where] = secret(3, config={"a": 2})
    await bench.keep()
    with pytest.raises(BlueshiftError, match=r"run r1 has changed no values$"):
        await patch(bench.runs, "r1")


def test_an_old_value_of_many_lines_stays_a_comment() -> None:
    snippet = "map $a $b {\n  default 1;\n}\nkey: value #"
    text = text_of({"controller": {"config": {"s": snippet}}}, {"controller": {"config": {"s": "new"}}})
    assert yaml.safe_load(text) == {"controller": {"config": {"s": "new"}}}
