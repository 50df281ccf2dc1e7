"""What a controller would do with a change, as text."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.controllers.changes import EFFECTS, Explained, Explanation

_MOST = 12
"""Parts of an object that are shown; `-o json` has all."""


def explanation_text(found: Explanation) -> str:
    """Each object with its effect, each part with its rule, and what long connections feel."""
    return "\n".join(_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield f"{found.controller} {found.version}"
    yield from (f"assumed: {one}" for one in found.assumed)
    yield ""
    if not found.changes:
        yield "Nothing changes."
        return
    for one in found.changes:
        yield from _object(one)
    yield ""
    counts = ", ".join(
        f"{number} {effect}"
        for effect in reversed(EFFECTS)
        if (number := sum(one.effect == effect for one in found.changes))
    )
    yield f"In all: {found.effect} ({counts})."
    yield f"Connections: {found.connections}."


def _object(one: Explained) -> Iterator[str]:
    yield f"{one.effect:<9} {one.action} {one.object}"
    for reason in one.reasons[:_MOST]:
        yield f"          {reason.effect}: {reason.what}"
        yield f"              {reason.why} [{reason.rule}: {reason.source}]"
    if len(one.reasons) > _MOST:
        yield f"          and {len(one.reasons) - _MOST} more (`-o json` has all)"
