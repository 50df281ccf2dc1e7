"""The temporary release as YAML: its values, each override with its reason above it, then its objects."""

from __future__ import annotations

from blueshift.app.temporary import TemporaryRelease
from blueshift.helm import yaml
from blueshift.report.commented import commented, told


def temporary_text(found: TemporaryRelease) -> str:
    """YAML documents: the first are the values, the others the rendered objects."""
    made = f"{found.chart} {found.chart_version} (version {found.app_version})"
    lines = [
        f"# Temporary release {found.release} in namespace {found.namespace}, from {made}.",
        "# Values: the primary's own, and what is set or taken away below, each with its reason. Secrets are",
        "# masked, and the run's id takes the place of `plan` in labels.",
    ]
    changes = {change.path: change for change in found.overrides}
    values = list(commented(found.values, changes))  # takes out of `changes` what it shows
    lines += [f"# Taken away: {one.path}, {told(one)}" for one in changes.values()]
    lines += [f"# Not in this chart version: {one.path}: {one.reason}" for one in found.absent]
    lines += values or ["{}"]
    for item in found.objects:
        lines += ["---", yaml.dump(item).rstrip("\n")]
    return "\n".join(lines) + "\n"
