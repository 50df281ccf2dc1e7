"""What hardening would set, as text."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.app.harden import Hardening
from blueshift.report.findings import findings_text


def harden_text(found: Hardening) -> str:
    """Each value with its reason, the objects that change, and what the checks say."""
    return "\n".join(_lines(found))


def _lines(found: Hardening) -> Iterator[str]:
    yield f"{found.release}, {found.chart} (version {found.version})"
    yield ""
    if not found.values:
        yield "Every value is as hardening would set it."
    for change in found.values:
        yield change.path
        yield f"    - {change.old}"
        yield f"    + {change.new}"
        yield f"    {change.reason}"
    yield ""
    if found.objects:
        yield "Of the release these change:"
        yield from (f"    {change.action} {change.object}" for change in found.objects)
    else:
        yield "No object of the release changes."
    yield ""
    yield findings_text(found.findings)
