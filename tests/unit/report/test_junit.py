"""Preflight's findings as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree

from blueshift.preflight.protocol import Finding
from blueshift.report.junit import junit_text

PASS = Finding("helm-render", "helm", "error", "pass", "it renders", link="docs/checks.md#helm-render")
FAIL = Finding(
    "dns-hosts",
    "dns",
    "error",
    "fail",
    '<b>&"hosts"</b> \x1b[31mred\x1b[0m \ud800 \x00',
    "mend ]]> it",
    ("a.test", "b.test"),
    stops=True,
    link="docs/checks.md#dns-hosts",
)
BLIND = Finding("nginx-hook", "controller", "error", "not-looked", "no command may be run")
BLIND_STOPS = Finding("dns-key", "dns", "error", "not-looked", "no answer", stops=True)
LEFT = Finding("helm-owner", "helm", "error", "skipped", "it is Flux's")
WARN = Finding("cluster-replicas", "cluster", "error", "warn", "one pod", "set 2")


def read(*findings: Finding) -> tuple[ElementTree.Element, dict[str, ElementTree.Element]]:
    suite = ElementTree.fromstring(junit_text(findings))
    return suite, {str(case.get("name")): case for case in suite}


def test_one_case_for_each_check_in_their_order_under_its_area() -> None:
    again = Finding("dns-hosts", "dns", "error", "warn", "more")
    suite, cases = read(PASS, FAIL, again, BLIND, BLIND_STOPS, LEFT, WARN)
    assert list(cases) == [
        "helm-render",
        "dns-hosts",
        "nginx-hook",
        "dns-key",
        "helm-owner",
        "cluster-replicas",
    ]
    assert cases["nginx-hook"].get("classname") == "controller"
    assert suite.attrib == {
        "name": "blueshift check", "tests": "6", "failures": "2", "errors": "0", "skipped": "2",
    }  # fmt: skip
    shown = {name: [part.tag for part in case] for name, case in cases.items()}
    assert shown == {
        "helm-render": ["system-out"],
        "dns-hosts": ["failure", "system-out"],
        "nginx-hook": ["skipped"],
        "dns-key": ["failure"],
        "helm-owner": ["skipped"],
        "cluster-replicas": ["system-out"],
    }
    assert cases["nginx-hook"][0].get("message") == "no command may be run"
    assert cases["dns-key"][0].get("type") == "not-looked"
    assert cases["cluster-replicas"][0].text == "warn: one pod\nset 2"


def test_what_is_acknowledged_is_a_case_that_passes() -> None:
    suite, cases = read(Finding("dns-hosts", "dns", "error", "acknowledged", "2 names stay"))
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "0")
    assert cases["dns-hosts"][0].text == "acknowledged: 2 names stay"


def test_what_xml_cannot_hold_is_replaced_and_the_rest_comes_back_as_it_was() -> None:
    text = junit_text([FAIL])
    text.encode("utf-8")
    failure = ElementTree.fromstring(text)[0][0]
    said = '<b>&"hosts"</b> \ufffd[31mred\ufffd[0m \ufffd \ufffd'
    assert failure.get("message") == said
    assert failure.text == f"fail: {said}\n- a.test\n- b.test\nmend ]]> it\ndocs/checks.md#dns-hosts"


def test_the_same_findings_are_the_same_text() -> None:
    assert junit_text([PASS, FAIL]) == junit_text([PASS, FAIL])
    assert junit_text([]).count("<testcase") == 0
