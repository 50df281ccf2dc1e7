"""Charts: where they come from, and what is in a folder that holds one."""

from __future__ import annotations

import fnmatch
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from blueshift.helm import values, yaml
from blueshift.helm.errors import ChartError
from blueshift.playbook import files
from blueshift.playbook.files import expanded

MOST_OF_FILE = 5 * 2**20
MOST_UNPACKED = 100 * 2**20
"""Bytes, of one file of a chart and of all: Helm's own bounds (helm/pkg/chart/loader, since 3.17.3)."""
_NAMED = "name a folder, a .tgz, oci://…, or the https:// URL of a chart repository"
_HELM = "`helm lint` looks at a chart's folder"


class ChartRef(msgspec.Struct, frozen=True):
    """A chart before it is fetched."""

    ref: str
    """A folder, a .tgz, `oci://…`, `repo/name` of `helm repo list`, or with `repo` the chart's name."""
    repo: str = ""
    """URL of a chart repository."""
    version: str = ""
    """Exact version; empty for the newest, and not read for a folder or .tgz."""

    @property
    def local(self) -> bool:
        """Whether it is on this machine already."""
        return not self.repo and not self.ref.startswith("oci://") and files.there(expanded(self.ref))


class Chart(msgspec.Struct, frozen=True):
    """A chart in a folder on this machine."""

    path: Path
    name: str
    version: str
    app_version: str
    kube_version: str
    """Versions of Kubernetes that it allows, as a SemVer range; empty for any."""
    defaults: dict[str, Any]
    """Its values.yaml."""
    digest: str
    """Of name, version, templates and defaults: equal to that of the release record made from it."""
    dependencies: tuple[str, ...] = ()
    """Names of its subcharts."""


def read_chart(folder: Path) -> Chart:
    """Read a chart's folder. Raises ChartError where there is none, BlueshiftError for broken YAML."""
    metadata_file, values_file = folder / "Chart.yaml", folder / "values.yaml"
    if not files.there(metadata_file):
        raise ChartError(
            "there is no Chart.yaml", place=str(folder), hint="name the folder that holds a chart, or a .tgz"
        )
    metadata = yaml.load(_content(metadata_file), str(metadata_file))
    defaults = yaml.load(_content(values_file), str(values_file)) if files.there(values_file) else {}
    if not metadata.get("name") or not metadata.get("version"):
        raise ChartError("has no name or no version", place=str(metadata_file), hint=_HELM)
    dependencies = metadata.get("dependencies") or []
    if not isinstance(dependencies, list) or not all(
        isinstance(one, dict) and "name" in one for one in dependencies
    ):
        raise ChartError("its dependencies are no list of names", place=str(metadata_file), hint=_HELM)
    templates = {name: _content(folder / name) for name in _templates(folder)}
    return Chart(
        path=folder,
        name=str(metadata["name"]),
        version=str(metadata["version"]),
        app_version=str(metadata.get("appVersion") or ""),
        kube_version=str(metadata.get("kubeVersion") or ""),
        defaults=defaults,
        digest=digest(metadata, templates, defaults),
        dependencies=tuple(str(one["name"]) for one in dependencies),
    )


def _content(file: Path) -> bytes:
    return files.read(file, most=MOST_OF_FILE, hint=_HELM)


def read_local(ref: ChartRef, into: Path) -> Chart:
    """Read a folder, or a .tgz, which is unpacked below `into`. Raises as `read_chart`."""
    path = expanded(ref.ref).absolute()
    if not files.there(path):
        raise ChartError("there is no such chart", place=ref.ref, hint=_NAMED)
    return read_chart(path if path.is_dir() else _unpack(path, into))


def _unpack(archive: Path, into: Path) -> Path:
    try:
        with tarfile.open(archive) as tar:
            extract(tar, into)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        why = f"this archive cannot be unpacked: {error}"
        raise ChartError(
            why, place=str(archive), hint="name a folder that holds a chart, or a .tgz"
        ) from error
    return only_chart(into, str(archive))


def extract(tar: tarfile.TarFile, into: Path) -> None:
    """Write the plain files of an archive below a folder; everything else in it is left out.

    Raises tarfile.TarError for a path that leads out, and for more than `MOST_UNPACKED`.
    (`extractall(filter=)` came with Python 3.11.4, and Debian 12 has 3.11.2.)
    """
    root = into.resolve()
    left = MOST_UNPACKED
    for member in tar:
        left -= member.size
        if left < 0:
            raise tarfile.ExtractError(f"it is bigger than {MOST_UNPACKED:,} bytes when unpacked")
        source = tar.extractfile(member) if member.isfile() else None
        if source is None:
            continue
        path = (root / member.name).resolve()
        if not path.is_relative_to(root):
            raise tarfile.ExtractError(f"{member.name} leads out of the archive")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read())


def only_chart(folder: Path, place: str) -> Path:
    """The one chart directly below a folder. Raises ChartError when there is none."""
    found = sorted(folder.glob("*/Chart.yaml"))
    if not found:
        raise ChartError("holds no chart", place=place, hint="name a folder that holds a chart, or a .tgz")
    return found[0].parent


def digest(metadata: Mapping[str, Any], templates: Mapping[str, bytes], defaults: Mapping[str, Any]) -> str:
    """A hash of what a chart renders from: name, version, templates, defaults."""
    result = hashlib.sha256(f"{metadata['name']}\n{metadata['version']}\n".encode())
    for name in sorted(templates):
        result.update(f"{name}\n{hashlib.sha256(templates[name]).hexdigest()}\n".encode())
    result.update(values.digest(defaults).encode())
    return result.hexdigest()


def _templates(folder: Path) -> Iterator[str]:
    """Names of the files that Helm loads as templates (helm/pkg/chart/loader, pkg/ignore)."""
    rules = ["templates/.?*"]
    ignore = folder / ".helmignore"
    if ignore.is_file():
        lines = (line.strip() for line in files.text(_content(ignore), str(ignore)).splitlines())
        rules += [line for line in lines if line and not line.startswith("#")]
    for path in sorted((folder / "templates").rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _ignored(name, rules):
            yield name


def _ignored(name: str, rules: list[str]) -> bool:
    """Whether a .helmignore names this file or a folder above it. Of two rules the first counts."""
    parts = name.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for rule in rules:
        negated, pattern = rule.startswith("!"), rule.removeprefix("!")
        candidates = above[:-1] if pattern.endswith("/") else above
        pattern = pattern.rstrip("/")
        if any(_matches(candidate, pattern) for candidate in candidates):
            return not negated
    return False


def _matches(path: str, pattern: str) -> bool:
    if "/" in pattern:
        return fnmatch.fnmatchcase(path, pattern.removeprefix("/"))
    return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
