"""Release records: decoded from what Helm stores, refused clearly, written back as a chart."""

from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.cluster import paths
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import read_chart
from blueshift.helm.pending import RevisionIntent, recover, standing
from blueshift.helm.records import (
    decode,
    decode_secret,
    encode,
    history,
    latest,
    secret_name,
    write_chart,
)
from tests.fake_kube import FakeKube

Json = dict[str, Any]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def raw(revision: int = 1, status: str = "deployed", **more: Any) -> Json:
    return {
        "name": "web",
        "namespace": "edge",
        "version": revision,
        "info": {
            "status": status,
            "description": "Install complete",
            "first_deployed": "2026-11-24T00:00:00.123456789Z",
            "last_deployed": "2026-11-24T01:00:00.5+01:00",
            "deleted": "",
        },
        "chart": {
            "metadata": {"apiVersion": "v2", "name": "tiny", "version": "1.0.0", "appVersion": "7"},
            "values": {"a": 1, "odd": "1e3"},
            "templates": [{"name": "templates/a.yaml", "data": b64("kind: A\n")}],
            "files": [{"name": "crds/x.yaml", "data": b64("x")}, {"name": "empty", "data": None}],
            "schema": b64("{}"),
            "lock": None,
        },
        "config": {"a": 2},
        "manifest": "kind: A\n",
        "hooks": [{"manifest": "kind: Job\n"}],
        **more,
    }


def secret(revision: int = 1, status: str = "deployed", **more: Any) -> Json:
    labels = {"owner": "helm", "name": "web", "version": str(revision), "status": status}
    return {
        "metadata": {
            "name": secret_name("web", revision),
            "namespace": "edge",
            "labels": labels,
            "creationTimestamp": "2026-11-24T00:00:01Z",
        },
        "data": {"release": encode(raw(revision, status, **more))},
    }


def test_a_record_of_helm_4_is_read() -> None:
    record = decode_secret(secret(3, "pending-upgrade", apply_method="ssa"))
    assert (record.name, record.namespace, record.revision) == ("web", "edge", 3)
    assert (record.chart_name, record.chart_version, record.app_version) == ("tiny", "1.0.0", "7")
    assert record.pending
    assert record.values == {"a": 2}
    assert record.defaults == {"a": 1, "odd": "1e3"}
    assert record.hooks == ("kind: Job\n",)
    assert record.apply_method == "ssa"
    assert record.created == datetime(2026, 11, 24, 0, 0, 1, tzinfo=UTC)
    assert record.last_deployed == datetime(2026, 11, 24, 0, 0, 0, 500000, tzinfo=UTC)


def test_a_record_of_helm_3_lacks_what_is_newer() -> None:
    record = decode_secret(secret(config=None, hooks=None))
    assert (record.values, record.hooks, record.apply_method) == ({}, (), "")


def test_a_copy_of_the_data_alone_is_read() -> None:
    assert decode_secret({"data": secret()["data"]}).created is None


def test_a_record_without_gzip_is_read() -> None:
    packed = base64.b64encode(base64.b64encode(msgspec.json.encode(raw()))).decode()
    assert decode_secret({"data": {"release": packed}}).revision == 1


@given(st.binary(max_size=60))
def test_garbage_is_refused_with_one_kind_of_error(data: bytes) -> None:
    for packed in (data, base64.b64encode(data), base64.b64encode(gzip.compress(data))):
        found = {"data": {"release": base64.b64encode(packed).decode()}}
        with pytest.raises(BlueshiftError):
            decode(found)


def test_an_empty_secret_is_refused_with_its_name() -> None:
    with pytest.raises(BlueshiftError, match="cannot be decoded") as caught:
        decode({"metadata": {"name": "x"}, "data": {}})
    assert caught.value.place == "Secret x"


def test_a_chart_is_written_back_whole(tmp_path: Path) -> None:
    record = decode_secret(secret())
    chart = read_chart(write_chart(record, tmp_path))
    assert chart.path == tmp_path / "tiny"
    assert (chart.name, chart.version, chart.app_version) == ("tiny", "1.0.0", "7")
    assert chart.defaults == record.defaults
    assert chart.digest == record.chart_hash
    assert (chart.path / "crds/x.yaml").read_text() == "x"
    assert (chart.path / "empty").read_bytes() == b""
    assert (chart.path / "values.schema.json").read_text() == "{}"


def with_chart(**more: Any) -> Json:
    return secret(chart={**raw()["chart"], **more})


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", ""])
def test_a_file_that_leads_out_of_the_chart_is_refused(name: str, tmp_path: Path) -> None:
    record = decode_secret(with_chart(files=[{"name": name, "data": b64("x")}]))
    with pytest.raises(BlueshiftError, match="leads out"):
        write_chart(record, tmp_path / "in")


def test_a_chart_with_subcharts_says_what_to_do(tmp_path: Path) -> None:
    metadata = {**raw()["chart"]["metadata"], "dependencies": [{"name": "redis"}]}
    with pytest.raises(BlueshiftError, match="redis") as caught:
        write_chart(decode_secret(with_chart(metadata=metadata)), tmp_path)
    assert "--chart" in str(caught.value.hint)


async def stored(*secrets: Json) -> FakeKube:
    kube = FakeKube()
    for one in secrets:
        await kube.create(paths.core("secrets", "edge"), one)
    return kube


async def test_the_newest_revision_is_by_number_and_not_by_text() -> None:
    kube: Any = await stored(secret(9, "superseded"), secret(10), secret(2, "superseded"))
    record = await latest(kube, "edge", "web")
    assert record is not None
    assert record.revision == 10
    assert [one.revision for one in await history(kube, "edge", "web")] == [2, 9, 10]
    assert await latest(kube, "edge", "other") is None


AT = datetime(2026, 11, 24, 0, 0, 0, tzinfo=UTC)


def intent(previous: int = 1, **more: Any) -> RevisionIntent:
    record = decode_secret(secret())
    given = {"values_hash": record.values_hash, "chart_hash": record.chart_hash, "at": AT, "timeout": 300.0}
    return RevisionIntent(previous, **{**given, **more})


@pytest.mark.parametrize(
    ("revision", "status", "meant", "expected"),
    [
        (1, "deployed", intent(), "absent"),
        (1, "failed", intent(), "absent"),
        (2, "deployed", intent(), "done"),
        (2, "failed", intent(), "failed"),
        (2, "pending-upgrade", intent(), "in_flight"),
        (2, "pending-upgrade", intent(timeout=1.0), "dead"),
        (2, "pending-upgrade", intent(values_hash="x"), "foreign"),
        (2, "deployed", intent(chart_hash="x"), "foreign"),
        (2, "deployed", intent(at=datetime(2026, 11, 24, 0, 1, tzinfo=UTC)), "foreign"),
        (3, "deployed", intent(), "foreign"),
        (1, "pending-install", intent(0), "in_flight"),
    ],
)
def test_where_an_announced_revision_stands(
    revision: int, status: str, meant: RevisionIntent, expected: str
) -> None:
    now = datetime(2026, 11, 24, 0, 2, tzinfo=UTC)
    assert standing(decode_secret(secret(revision, status)), meant, now) == expected


def test_no_release_is_absent_for_an_install_and_foreign_for_an_upgrade() -> None:
    assert standing(None, intent(0), AT) == "absent"
    assert standing(None, intent(1), AT) == "foreign"


async def test_recovering_marks_that_revision_only_while_it_is_pending() -> None:
    kube: Any = await stored(secret(2, "pending-upgrade"))
    record = await latest(kube, "edge", "web")
    assert record is not None
    await recover(kube, record)
    after = await latest(kube, "edge", "web")
    assert after is not None
    assert (after.status, after.values, after.chart_hash) == ("failed", record.values, record.chart_hash)
    with pytest.raises(BlueshiftError, match="is failed now"):
        await recover(kube, record)
