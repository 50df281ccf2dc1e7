"""The lab's ingress-nginx chart: one source, two versions that differ as the official ones do."""

from __future__ import annotations

import hashlib
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from blueshift.errors import BlueshiftError
from blueshift.lab.paths import cache_folder

NAME = "ingress-nginx"
VERSIONS = ("4.11.3", "4.12.1")


def chart(version: str, *, cache: Path | None = None) -> Path:
    """The chart's folder, put together in the cache.

    Raises BlueshiftError for a version that the lab does not have.
    """
    if version not in VERSIONS:
        raise BlueshiftError(f"the lab has no chart {version}", hint=f"Choose one of {', '.join(VERSIONS)}.")
    with as_file(files("blueshift.lab.charts") / NAME) as source:
        key = _key(source)
        folder = (cache or cache_folder()) / "charts" / f"{version}-{key}" / NAME
        if not folder.is_dir():
            _assemble(source, version, folder)
    return folder


def app_version(version: str) -> str:
    """The controller version that a chart version installs."""
    overlay = yaml.safe_load(
        (files("blueshift.lab.charts") / NAME / "versions" / f"{version}.yaml").read_text()
    )
    return str(overlay["appVersion"])


def _key(source: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _assemble(source: Path, version: str, folder: Path) -> None:
    overlay = yaml.safe_load((source / "versions" / f"{version}.yaml").read_text())
    values = _merged(yaml.safe_load((source / "values.yaml").read_text()), overlay["values"])
    about = {
        "apiVersion": "v2",
        "name": NAME,
        "version": version,
        "appVersion": overlay["appVersion"],
        "description": "ingress-nginx of the Blueshift lab",
        "kubeVersion": ">=1.21.0-0",
    }
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent.parent) as scratch:
        half = Path(scratch) / "chart"
        shutil.copytree(source / "templates", half / NAME / "templates")
        (half / NAME / "values.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        (half / NAME / "Chart.yaml").write_text(yaml.safe_dump(about, sort_keys=False))
        try:
            half.rename(folder.parent)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same content
                raise


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merged(base[key], value) if both else value
    return merged
