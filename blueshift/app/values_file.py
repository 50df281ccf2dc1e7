"""A file of values as Helm takes it, and what people give in place of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blueshift.errors import BlueshiftError
from blueshift.helm import yaml
from blueshift.helm.charts import Chart
from blueshift.playbook import files


def values_of(file: Path, hint: str) -> dict[str, Any]:
    """Its mapping; `hint` says what it is for, where it cannot be read.

    Raises BlueshiftError, also for what Helm would take and no chart reads: a manifest that holds values for
    Argo CD or Flux, and a file that sops encrypted.
    """
    values = yaml.load(files.read(file, hint=hint), str(file), unique=True)
    if isinstance(values.get("apiVersion"), str) and isinstance(values.get("kind"), str):
        raise BlueshiftError(
            f"is a manifest ({values['kind']}) and no file of values",
            place=str(file),
            hint="write the values that it holds (of a HelmRelease `spec.values`) into a file of their own",
        )
    if isinstance(sops := values.get("sops"), Mapping) and "mac" in sops:
        raise BlueshiftError(
            "is encrypted by sops: what is in it would be taken as it stands",
            place=str(file),
            hint=f"decrypt it for the run: `sops -d {file.name}`",
        )
    return values


def not_nested(given: Mapping[str, Any], chart: Chart, place: str) -> None:
    """See that values are not those for a chart around this one. Raises BlueshiftError."""
    name = chart.name
    if isinstance(given.get(name), Mapping) and name not in chart.defaults:
        raise BlueshiftError(
            f"values stand below `{name}:`, as for a chart that wraps {name}; {name} itself reads none there",
            place=place,
            hint=f"move what stands below `{name}:` to the top",
        )
