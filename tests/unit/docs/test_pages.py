"""Links between the pages lead somewhere, and every `blueshift` command in them is one that exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from blueshift.cli.main import root
from tests.conftest import ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them, and those that it sets itself."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([\w-]+)"></a>', text))


def commands() -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = {line for block in FENCE.findall(text) for line in block.splitlines()}
        lines |= set(re.findall(r"`(blueshift [^`]+)`", text))
        for line in sorted(lines):
            found += [pytest.param(argv, id=f"{name(page)}: {' '.join(argv)}") for argv in _blueshift(line)]
    return found


def _blueshift(line: str) -> Iterator[tuple[str, ...]]:
    """The arguments of each blueshift in a shell line, also of one that `lab exec --` runs."""
    for part in re.split(r" && | \| ", line.partition(" #")[0]):
        if not part.startswith("blueshift "):
            continue
        words = [word for word in shlex.split(part) if word != "…"]
        while words[:1] == ["blueshift"]:
            inner = words.index("--") + 1 if "--" in words else len(words)
            yield tuple(words[1:])
            words = words[inner:]


@pytest.mark.parametrize("argv", commands())
def test_a_command_in_a_page_exists(argv: tuple[str, ...]) -> None:
    """Parsed as the command line would, and not run."""
    command: click.Command = root
    context = click.Context(root, info_name="blueshift")
    left = list(argv)
    while isinstance(command, click.Group):
        options = command.make_parser(context).parse_args(left)[1]
        if not options or options == ["COMMAND"]:
            return
        _, found, left = command.resolve_command(context, options)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    command.make_parser(context).parse_args(left)
