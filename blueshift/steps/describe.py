"""Rendered revisions as the changes of a plan."""

from __future__ import annotations

from blueshift.discovery.world import Rendered
from blueshift.engine.protocol import PlannedChange


def changes_of(rendered: Rendered) -> tuple[PlannedChange, ...]:
    """Values first, with the reason of each; then the objects that differ."""
    values = tuple(
        PlannedChange(f"value {change.path}", f"- {change.old}\n+ {change.new}\n# {change.reason}")
        for change in rendered.values
    )
    objects = tuple(
        PlannedChange(f"{change.action} {change.object}", change.difference) for change in rendered.objects
    )
    return values + objects
