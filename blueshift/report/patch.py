"""A run's values patch as a file for `helm upgrade -f`."""

from __future__ import annotations

from blueshift.app.patch import Patch
from blueshift.report.commented import commented, told


def patch_text(found: Patch) -> str:
    """YAML: every value with what it was and why; what no patch can do stands as a comment."""
    lines = [
        f"# What run {found.run} changed in the values of {found.release} ({found.chart}, revision",
        f"# {found.revision}). Lay it over your own: helm upgrade … -f yours.yaml -f this.yaml",
    ]
    changes = {change.path: change for change in found.changes}
    values = list(commented(found.values, changes))  # takes out of `changes` what it shows
    for path, one in changes.items():
        todo = "Take out" if path in found.removed else "A secret, set it yourself"
        lines.append(f"# {todo}: {path}, {told(one)}")
    return "\n".join(lines + (values or ["{}"])) + "\n"
