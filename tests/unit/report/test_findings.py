"""Preflight's findings as text."""

from __future__ import annotations

from msgspec.structs import replace

from blueshift.preflight.protocol import Finding
from blueshift.report.findings import MOST_OBJECTS, findings_text

PASS = Finding("helm-release", "helm", "error", "pass", "revision 7 is deployed")
WARN = Finding("controller-status", "controller", "error", "warn", "status is blanked", "harden sets it")
FAIL = Finding(
    "dns-key",
    "dns",
    "error",
    "fail",
    "10.0.0.53 says BADKEY: " + "it does not know the key " * 8,
    "see that `dns.key` names the key as the server does",
    ("example.test",),
    stops=True,
)
BLIND = Finding("cluster-rights", "cluster", "warning", "not-looked", "no answer")


def test_what_stops_comes_first_with_its_remedy() -> None:
    lines = findings_text([PASS, WARN, BLIND, FAIL]).splitlines()
    assert lines[0].startswith("FAIL        dns-key: 10.0.0.53 says BADKEY")
    said = [line for line in lines if line.startswith(("FAIL", "NOT", "warn", "pass"))]
    assert [line.split(":")[0].split()[-1] for line in said] == [
        "dns-key",
        "cluster-rights",
        "controller-status",
        "helm-release",
    ]
    assert "            - example.test" in lines
    assert "            → see that `dns.key` names the key as the server does" in lines
    assert lines[-1] == "1 fail, 1 not looked, 1 warn, 1 pass: 1 of these stop an upgrade"
    assert all(len(line) <= 100 for line in lines)


def test_nothing_that_stops_is_said() -> None:
    assert findings_text([PASS]).endswith("1 pass: nothing stops an upgrade")


def test_what_a_person_had_a_word_about_is_listed_as_that() -> None:
    known = Finding(
        "dns-hosts", "dns", "error", "acknowledged", "2 names stay", link="docs/checks.md#dns-hosts"
    )
    left = Finding("helm-owner", "helm", "error", "skipped", "it is Flux's")
    lines = findings_text([known, left, PASS]).splitlines()
    assert lines[:3] == [
        "SKIPPED     helm-owner: it is Flux's",
        "acknowledged dns-hosts: 2 names stay",
        "            docs/checks.md#dns-hosts",
    ]
    assert lines[-1] == "1 skipped, 1 acknowledged, 1 pass: nothing stops an upgrade"


def test_what_passed_needs_no_link() -> None:
    assert "docs/" not in findings_text([replace(PASS, link="docs/checks.md#helm-release")])


def test_many_objects_are_counted() -> None:
    many = Finding("dns-names", "dns", "info", "info", "2500 names", objects=("a.test",) * 2500)
    text = findings_text([many])
    assert text.count("a.test") == MOST_OBJECTS
    assert f"and {2500 - MOST_OBJECTS} more" in text
