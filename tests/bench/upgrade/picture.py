"""Bars of the three tools side by side, as SVG: for each scenario a group, for each tool a bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

COLOURS: Mapping[str, str] = {"helm_upgrade": "#8a8f98", "manual": "#c9852b", "blueshift": "#2b6cb0"}
WIDTH, LEFT, RIGHT = 800.0, 210.0, 190.0
"""Of the picture, of the names at its left, and of the figures at its right."""
_BAR, _GAP, _TOP = 14.0, 14.0, 64.0


class Bar(NamedTuple):
    """One tool in one scenario."""

    tool: str
    value: float
    said: str
    """What stands beside it."""


Group = tuple[str, Sequence[Bar]]


def bars(title: str, note: str, groups: Sequence[Group], *, logarithmic: bool = False) -> str:
    """An SVG document; the longest bar has the highest value. A bar of nothing has no length."""
    top = max((bar.value for _, each in groups for bar in each), default=0.0)
    parts, y = [*_head(title, note)], _TOP
    for name, each in groups:
        parts.append(_text(LEFT - 84, y + _BAR * len(each) / 2 + 4, name, anchor="end", weight="bold"))
        for bar in each:
            width = (WIDTH - LEFT - RIGHT) * _share(bar.value, top, logarithmic)
            fill = COLOURS[bar.tool]
            parts.append(_text(LEFT - 6, y + 11, bar.tool.replace("_", " "), anchor="end", size=11))
            parts.append(
                f'<rect x="{LEFT:g}" y="{y + 1:g}" width="{width:.1f}" height="{_BAR - 2:g}" fill="{fill}"/>'
            )
            parts.append(_text(LEFT + width + 6, y + 11, bar.said, size=11))
            y += _BAR
        y += _GAP
    parts.append(f'<line x1="{LEFT:g}" y1="{_TOP - 4:g}" x2="{LEFT:g}" y2="{y - _GAP + 4:g}" stroke="#555"/>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {y:g}" width="{WIDTH:g}" '
        f'height="{y:g}" role="img" aria-label="{escape(title)}">\n'
        '<rect width="100%" height="100%" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def _share(value: float, top: float, logarithmic: bool) -> float:
    if top <= 0:
        return 0.0
    return math.log1p(value) / math.log1p(top) if logarithmic else value / top


def _head(title: str, note: str) -> list[str]:
    return [_text(16, 24, title, size=15, weight="bold"), _text(16, 44, note, size=11)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-family="sans-serif" font-size="{size}" fill="#222" '
        f'text-anchor="{anchor}"{bold}>{escape(text)}</text>'
    )
