"""What hardening would set, as people and programs read it."""

from __future__ import annotations

import msgspec
import pytest

from blueshift.app.harden import ABOUT, hardening
from blueshift.discovery.world import ObjectChange, Rendered, ValueChange
from blueshift.errors import BlueshiftError
from blueshift.report.harden import harden_text
from tests.unit.preflight.worlds import world

GRACE = ValueChange("controller.extraArgs.shutdown-grace-period", "", "15", "it still serves meanwhile")
POD = ObjectChange("change", "Deployment ingress/web-controller", "- a\n+ b")


def test_each_value_with_its_reason_then_the_objects_and_what_the_checks_say() -> None:
    made = Rendered("ingress-nginx", "4.11.3", "1.11.3", values=(GRACE,), objects=(POD,))
    lines = harden_text(hardening(world(harden=made))).splitlines()
    assert lines[0].endswith(", ingress-nginx 4.11.3 (version 1.11.3)")
    at = lines.index(GRACE.path)
    assert lines[at + 1 : at + 4] == ["    - ", "    + 15", "    it still serves meanwhile"]
    assert "    change Deployment ingress/web-controller" in lines
    assert {check for check in ABOUT if any(f"{check}:" in line for line in lines)} == set(ABOUT)


def test_what_is_hardened_already_is_said_to_be() -> None:
    text = harden_text(hardening(world(harden=Rendered("ingress-nginx", "4.11.3", "1.11.3"))))
    assert "Every value is as hardening would set it." in text
    assert "No object of the release changes." in text


def test_programs_get_the_same() -> None:
    found = msgspec.to_builtins(hardening(world(harden=Rendered(values=(GRACE,)))))
    assert found["values"][0]["reason"] == GRACE.reason
    assert {one["check"] for one in found["findings"]} == set(ABOUT)


def test_a_revision_that_does_not_render_is_an_error() -> None:
    with pytest.raises(BlueshiftError, match="does not render: no such value"):
        hardening(world(harden=Rendered(error="no such value")))
