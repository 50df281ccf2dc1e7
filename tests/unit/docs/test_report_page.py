"""docs/report.md names every key of the report's JSON, in the order in which lists have them."""

from __future__ import annotations

import re

import msgspec
import pytest

from blueshift.app.report import SHOWN_FAILURES, Failing, Failure, Probed, Report
from blueshift.engine.evidence import MOST, AnswerPoint, DrainPoint, Evidence, SidePoint, Watched
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
SHAPES: dict[str, type[msgspec.Struct]] = {
    "The report": Report,
    "`asked`": Probed,
    "`asked.failures[]`": Failure,
    "`evidence`": Evidence,
    "`evidence.sides.SIDE[]`": SidePoint,
    "`evidence.answers.SERVER[]`": AnswerPoint,
    "`evidence.drains.SIDE[]`": DrainPoint,
    "`evidence.watched[]`": Watched,
}


def documented() -> dict[str, tuple[str, ...]]:
    sections = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    return {
        section.splitlines()[0]: tuple(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
        for section in sections
    }


def test_every_shape_is_there_and_no_other() -> None:
    assert documented().keys() == SHAPES.keys()


@pytest.mark.parametrize("name", SHAPES)
def test_its_keys_are_those_of_the_code(name: str) -> None:
    assert documented()[name] == SHAPES[name].__struct_fields__


def test_its_figures_are_those_of_the_code() -> None:
    assert f"the first {SHOWN_FAILURES:,}" in PAGE
    assert f"{MOST:,} looks" in PAGE
    assert "`at`, `failed`" in PAGE
    assert Failing.__struct_fields__ == ("at", "failed")
