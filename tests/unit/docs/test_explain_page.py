"""docs/explain.md has every rule of the code as it is, and no other."""

from __future__ import annotations

import re

from blueshift.controllers.changes import EFFECTS
from blueshift.controllers.ingress_nginx.reloads.rules import RULES
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


def test_the_rules_are_those_of_the_code() -> None:
    section = PAGE.split("\n## The rules\n")[1]
    rows = re.findall(r"^\| `([\w-]+)` \| `([\w ]+)` \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    assert rows == [(rule.id, rule.effect, rule.why, rule.source) for rule in RULES.values()]


def test_every_effect_is_told() -> None:
    section = PAGE.split("\n## What it says\n")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `([\w ]+)` \|", section, re.MULTILINE)) == EFFECTS
