"""docs/checks.md is written from the code, and is current."""

from __future__ import annotations

import re
import runpy

import pytest

from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Check
from tests.conftest import ROOT


def test_the_page_of_the_checks_is_current() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "checks_doc.py"))["page"]()
    found = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert found == written, "run: python tools/checks_doc.py"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_link_of_every_check_leads_to_its_line(check: Check) -> None:
    page, _, anchor = check.link.partition("#")
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if re.search(f'<a id="{re.escape(anchor)}"></a>', line))
    assert check.summary in line
