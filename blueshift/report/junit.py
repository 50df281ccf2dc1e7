"""What preflight found as JUnit XML, which CI systems show: one test case for each check.

There is no one schema; these are the elements that Jenkins and GitLab read. No times are in it, so that the
same findings are the same text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from blueshift.preflight.protocol import Finding

# What XML 1.0 cannot hold, not even escaped (production 2, Char): errors of programs bring colours along.
_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(findings: Sequence[Finding]) -> str:
    """The document. A failure is what stops an upgrade; what nobody saw, or was skipped, is `skipped`."""
    suite = ElementTree.Element("testsuite", name="blueshift check")
    checks: dict[str, list[Finding]] = {}
    for one in findings:
        checks.setdefault(one.check, []).append(one)
    for found in checks.values():
        _case(suite, found)
    counts = {
        "tests": len(checks),
        "failures": len(suite.findall("testcase/failure")),
        "errors": 0,
        "skipped": len(suite.findall("testcase/skipped")),
    }
    for name, count in counts.items():
        suite.set(name, str(count))
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


def _case(suite: ElementTree.Element, found: Sequence[Finding]) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=found[0].area, name=found[0].check)
    stops = [one for one in found if one.stops]
    unseen = [one for one in found if one.outcome in ("not-looked", "skipped") and not one.stops]
    if stops:
        _told(case, "failure", stops).set("type", stops[0].outcome)
    elif unseen:
        _told(case, "skipped", unseen)
    rest = [one for one in found if one not in (stops or unseen)]
    if rest:
        ElementTree.SubElement(case, "system-out").text = _clean("\n".join(map(_text, rest)))


def _told(case: ElementTree.Element, tag: str, found: Sequence[Finding]) -> ElementTree.Element:
    element = ElementTree.SubElement(case, tag, message=_clean("; ".join(one.sentence for one in found)))
    element.text = _clean("\n".join(map(_text, found)))
    return element


def _text(one: Finding) -> str:
    lines = [f"{one.outcome}: {one.sentence}", *(f"- {item}" for item in one.objects)]
    if one.outcome != "pass":
        lines += [line for line in (one.remedy, one.link) if line]
    return "\n".join(lines)


def _clean(text: str) -> str:
    return _NEVER.sub("\ufffd", text)
