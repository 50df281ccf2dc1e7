"""docs/checks.md is written from the code, and is current."""

from __future__ import annotations

import runpy

from tests.conftest import ROOT


def test_the_page_of_the_checks_is_current() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "checks_doc.py"))["page"]()
    found = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert found == written, "run: python tools/checks_doc.py"
