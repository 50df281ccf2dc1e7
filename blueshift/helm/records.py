"""Helm's release records, read straight from its Secrets: no helm, no chart repository needed."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from blueshift.cluster import paths
from blueshift.errors import BlueshiftError
from blueshift.helm import charts, values

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

PENDING = frozenset({"pending-install", "pending-upgrade", "pending-rollback"})


class ReleaseRecord(msgspec.Struct, frozen=True):
    """One revision of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    """deployed, superseded, failed, uninstalled, uninstalling, pending-install, -upgrade or -rollback."""
    description: str
    chart_name: str
    chart_version: str
    app_version: str
    values: dict[str, Any]
    """What the user supplied (`config`), already merged."""
    chart: dict[str, Any]
    """The chart as Helm keeps it: metadata, values, schema, templates, files (data in base64)."""
    manifest: str
    """Rendered objects, without the hooks."""
    hooks: tuple[str, ...]
    """Manifests of the hooks."""
    values_hash: str
    chart_hash: str
    first_deployed: datetime | None = None
    last_deployed: datetime | None = None
    created: datetime | None = None
    """When the API server stored it, by the server's clock; None for a copy."""
    apply_method: str = ""
    """`ssa` or `csa` (Helm 4); empty for Helm 3, which knows only the latter."""

    @property
    def pending(self) -> bool:
        """Whether Helm holds its lock on it."""
        return self.status in PENDING

    @property
    def dependencies(self) -> tuple[Mapping[str, Any], ...]:
        """The subcharts that the chart names; Helm keeps nothing else of them."""
        return tuple((self.chart.get("metadata") or {}).get("dependencies") or ())

    @property
    def defaults(self) -> dict[str, Any]:
        """The chart's own values."""
        return self.chart.get("values") or {}


class ReleaseSummary(msgspec.Struct, frozen=True):
    """The latest revision of a release, as its Secret's labels tell."""

    name: str
    namespace: str
    revision: int
    status: str


def secret_name(name: str, revision: int) -> str:
    """Of the Secret that holds a revision (Helm: pkg/storage)."""
    return f"sh.helm.release.v1.{name}.v{revision}"


async def read(kube: KubeApi, namespace: str, name: str, revision: int) -> ReleaseRecord:
    """One revision. Raises NotFound, and BlueshiftError when it cannot be decoded."""
    return decode_secret(await kube.get(paths.core("secrets", namespace, secret_name(name, revision))))


async def latest(kube: KubeApi, namespace: str, name: str) -> ReleaseRecord | None:
    """The newest revision whatever its status, or None where there is no such release."""
    revisions = await history(kube, namespace, name)
    return await read(kube, namespace, name, revisions[-1].revision) if revisions else None


async def newest(kube: KubeApi, namespace: str, name: str) -> int:
    """The number of the newest revision whatever its status, from metadata alone; 0 where there is none."""
    revisions = await history(kube, namespace, name)
    return revisions[-1].revision if revisions else 0


async def history(kube: KubeApi, namespace: str, name: str) -> tuple[ReleaseSummary, ...]:
    """Every revision that is kept, oldest first."""
    found = await _summaries(kube, namespace, f"owner=helm,name={name}")
    return tuple(one for one in found if one.name == name)


async def _summaries(kube: KubeApi, namespace: str, selector: str) -> list[ReleaseSummary]:
    """From metadata alone: the Secrets of one release may weigh megabytes."""
    path = paths.core("secrets", namespace)
    found = []
    for item in await kube.list(path, metadata_only=True, labelSelector=selector):
        labels = item["metadata"].get("labels") or {}
        if labels.get("owner") == "helm" and labels.get("version", "").isdigit():
            revision, status = int(labels["version"]), labels.get("status", "unknown")
            where = item["metadata"].get("namespace") or namespace
            found.append(ReleaseSummary(labels["name"], where, revision, status))
    return sorted(found, key=lambda one: (one.namespace, one.name, one.revision))


def decode_secret(secret: Mapping[str, Any]) -> ReleaseRecord:
    """The record in a release Secret, or in a copy of its data. Raises BlueshiftError when it is none."""
    raw = decode(secret)
    created = (secret.get("metadata") or {}).get("creationTimestamp")
    info, chart = raw.get("info") or {}, raw.get("chart") or {}
    metadata = chart.get("metadata") or {}
    config = raw.get("config") or {}
    return ReleaseRecord(
        name=raw["name"],
        namespace=raw.get("namespace", ""),
        revision=int(raw["version"]),
        status=info.get("status", "unknown"),
        description=info.get("description", ""),
        chart_name=metadata.get("name", ""),
        chart_version=metadata.get("version", ""),
        app_version=str(metadata.get("appVersion") or ""),
        values=config,
        chart=chart,
        manifest=raw.get("manifest", ""),
        hooks=tuple(hook.get("manifest", "") for hook in raw.get("hooks") or ()),
        values_hash=values.digest(config),
        chart_hash=_chart_digest(chart) if metadata.get("name") else "",
        first_deployed=_instant(info.get("first_deployed")),
        last_deployed=_instant(info.get("last_deployed")),
        created=_instant(created),
        apply_method=raw.get("apply_method", ""),
    )


def decode(secret: Mapping[str, Any]) -> dict[str, Any]:
    """The record as Helm wrote it: base64 (Kubernetes) of base64 of gzip of JSON."""
    place = f"Secret {(secret.get('metadata') or {}).get('name', 'of a release')}"
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        # Helm 2 and old Helm 3 wrote it without gzip (pkg/storage/driver/util.go looks at the magic too).
        text = gzip.decompress(packed) if packed[:3] == b"\x1f\x8b\x08" else packed
        raw: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        if not isinstance(raw.get("name"), str) or not isinstance(raw.get("version"), int):
            raise BlueshiftError("is no release record: no name or version", place=place)
    except (KeyError, TypeError, ValueError, OSError, EOFError, zlib.error) as error:
        raise BlueshiftError(
            f"cannot be decoded as a release record: {type(error).__name__}",
            place=place,
            hint="`helm history` of this release shows whether Helm itself can read it",
        ) from error
    return raw


def encode(raw: Mapping[str, Any]) -> str:
    """The other way: what belongs in `data.release`."""
    packed = gzip.compress(msgspec.json.encode(raw), mtime=0)
    return base64.b64encode(base64.b64encode(packed)).decode()


def whole(record: ReleaseRecord) -> None:
    """See that a record holds its whole chart. Raises BlueshiftError for one with subcharts."""
    needed = ", ".join(one["name"] for one in record.dependencies)
    if needed:
        raise BlueshiftError(
            f"the chart {record.chart_name} has subcharts ({needed}), which a release record does not hold",
            hint="this version upgrades no release of such a chart, and --chart names the target alone: "
            "install the controller's own chart as a release of its own, and upgrade that one",
        )


def write_chart(record: ReleaseRecord, folder: Path) -> Path:
    """Write the record's chart below `folder`; returns the chart's own folder.

    It renders byte for byte like the original. Raises BlueshiftError for a chart with subcharts, which
    Helm does not keep, and for file names that lead out of the folder.
    """
    whole(record)
    chart = record.chart
    metadata = chart.get("metadata") or {}
    root = folder / _safe(record.chart_name)
    # JSON is YAML, and unlike YAML it leaves no doubt what is a string.
    _write(root / "Chart.yaml", msgspec.json.format(msgspec.json.encode(metadata)))
    _write(root / "values.yaml", msgspec.json.format(msgspec.json.encode(record.defaults)))
    if chart.get("schema"):
        _write(root / "values.schema.json", base64.b64decode(chart["schema"]))
    for file in [*(chart.get("templates") or ()), *(chart.get("files") or ())]:
        _write(root / _safe(file["name"]), base64.b64decode(file.get("data") or ""))
    return root


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _safe(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BlueshiftError(f"a release record holds a file named {name!r}, which leads out of its chart")
    return name


def _chart_digest(chart: Mapping[str, Any]) -> str:
    templates = {one["name"]: base64.b64decode(one.get("data") or "") for one in chart.get("templates") or ()}
    return charts.digest(chart["metadata"], templates, chart.get("values") or {})


def _instant(text: str | None) -> datetime | None:
    return msgspec.convert(text, datetime) if text else None
