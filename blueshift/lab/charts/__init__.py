"""The lab's ingress-nginx chart: one source, two versions that differ as the official ones do."""

from __future__ import annotations

import hashlib
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import yaml

from blueshift.errors import BlueshiftError
from blueshift.lab.cache import locked, remade
from blueshift.lab.paths import cache_folder

NAME = "ingress-nginx"
VERSIONS = ("4.11.3", "4.12.1")
_SOURCE = files("blueshift.lab.charts") / NAME


def chart(version: str) -> Path:
    """The chart's folder, put together in the cache.

    Raises BlueshiftError for a version that the lab does not have.
    """
    _check(version)
    with as_file(_SOURCE) as source:
        versioned = cache_folder() / "charts" / f"{version}-{_key(source)}"
        with locked(f"chart-{versioned.name}", lambda _: None):
            if not versioned.is_dir():
                with remade(versioned) as half:
                    _assemble(source, version, half / NAME)
    return versioned / NAME


def app_version(version: str) -> str:
    """The controller version that a chart version installs."""
    _check(version)
    return str(yaml.safe_load((_SOURCE / "versions" / f"{version}.yaml").read_text())["appVersion"])


def _check(version: str) -> None:
    if version not in VERSIONS:
        raise BlueshiftError(f"the lab has no chart {version}", hint=f"Choose one of {', '.join(VERSIONS)}.")


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
    shutil.copytree(source / "templates", folder / "templates")
    (folder / "values.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about, sort_keys=False))


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merged(base[key], value) if both else value
    return merged
