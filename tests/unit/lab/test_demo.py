"""The demo's settings, figures and look from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from blueshift.app.kinds import settings_types
from blueshift.cli import lab_demo
from blueshift.lab.demo import result as results
from blueshift.lab.demo.breaks import BREAKS, EXPECTED
from blueshift.lab.demo.result import Dns, Primary, Result, Run, Temporary, Traffic
from blueshift.lab.demo.seen import Seen, left_behind
from blueshift.lab.demo.settings import OVERRIDES, inherent_wait
from blueshift.playbook.reader import Source, parse
from blueshift.playbook.schema import load
from blueshift.playbook.shipped import find
from blueshift.traffic.prober.summary import KindCount

SHORTEST = {"hold": 10, "window": 15, "answering": 10, "lasts": 20, "shutdown_grace": 5}
"""Seconds below which the lab may not go (issue 4)."""


def playbook(*overrides: str) -> dict[str, dict[str, Any]]:
    """Step id → settings of the main playbook."""
    nodes = [parse(Source(text, "overrides")) for text in overrides]
    loaded = load(find("blue-green"), settings_types(), nodes)
    return {step.id: msgspec.to_builtins(step.settings) for step in loaded.steps}


def test_the_demo_overrides_lengths_of_time_and_the_purge_gate_and_nothing_else() -> None:
    production = playbook()
    demo = playbook(yaml.safe_dump({step: dict(given) for step, given in OVERRIDES.items()}))
    changed = {
        (step, key): (production[step][key], value)
        for step, settings in demo.items()
        for key, value in settings.items()
        if production[step][key] != value
    }
    assert changed.pop(("purge", "auto")) == (False, True)
    lengths = {"ttl", "margin", "at_least", "min_ready", "agree_every", *SHORTEST}
    for (_, key), (before, after) in changed.items():
        assert key in lengths
        assert SHORTEST.get(key, 0) <= after < before
    assert {key for _, key in changed} == lengths


def test_a_drain_takes_no_longer_by_its_ttl_than_by_its_least() -> None:
    demo = playbook(yaml.safe_dump({step: dict(given) for step, given in OVERRIDES.items()}))
    for step in ("drain-primary", "drain-temporary"):
        assert demo[step]["factor"] * demo["lower-ttl"]["ttl"] == demo[step]["at_least"]


def test_the_inherent_wait_is_the_sum_of_what_is_set() -> None:
    # The old TTL of 15 s; answering; twice three waves and the drain's other 10 s; the soak; agreements.
    assert inherent_wait(15) == pytest.approx(16.5 + 2 + 10 + 2 * (30 + 10) + 20 + 9 * 2)


def seen(*objects: str) -> Seen:
    return Seen(objects=frozenset(objects), answers={}, version="1")


def test_what_a_run_may_leave_is_its_journal_and_the_primarys_own_revisions() -> None:
    before = seen("Namespace ingress-nginx", "ClusterRole ingress-nginx")
    after = seen(
        "Namespace ingress-nginx",
        "ClusterRole ingress-nginx",
        "Namespace blueshift",
        "Lease ingress-nginx/blueshift-ingress-nginx",
        "Secret ingress-nginx/sh.helm.release.v1.ingress-nginx.v3",
    )
    assert left_behind(before, after) == ()


@pytest.mark.parametrize(
    "left",
    [
        "Namespace ingress-nginx-blueshift",
        "ClusterRoleBinding ingress-nginx-blueshift",
        "ValidatingWebhookConfiguration ingress-nginx-blueshift-admission",
        "IngressClass nginx-2",
        "Secret ingress-nginx/sh.helm.release.v1.ingress-nginx-blueshift.v1",
        "Lease ingress-nginx/ingress-nginx-blueshift-leader",
    ],
)
def test_anything_else_is_left_behind(left: str) -> None:
    assert left_behind(seen(), seen(left)) == (left,)


def a_result(**changed: Any) -> Result:
    """A demo in which all went well, but for `changed` of its traffic."""
    figures: dict[str, Any] = {
        "scheduled": 100, "sent": 100, "requests": 100, "failed": 0, "stale_closed": 0, "unmatched": 0,
        "late_p99_ms": 1.5, "max_gap_s": 0.2, "void": False, "by_kind": {"http1": KindCount(100, 0)},
        "backend_count": 100, "long": KindCount(), "void_reasons": (), "answered_by": {"v1.12.1": 100},
    }  # fmt: skip
    return Result(
        run=Run(
            state="succeeded", step="forward/restore-ttl", wall_s=300.0, inherent_wait_s=128.5, settings={}
        ),
        traffic=Traffic(**(figures | changed)),
        primary=Primary(before="4.11.3", after="4.12.1"),
        temporary=Temporary(purged=True, left=()),
        dns=Dns(equal=True, unanswered=0),
    )


def test_figures_are_written_whole_in_the_shape_that_programs_read(tmp_path: Path) -> None:
    target = tmp_path / "build" / "demo.json"
    results.write(a_result(), target)
    figures = msgspec.json.decode(target.read_bytes())
    assert figures["primary"] == {"from": "4.11.3", "to": "4.12.1"}
    assert figures["traffic"]["by_kind"] == {"http1": {"requests": 100, "failed": 0}}
    assert [path.name for path in target.parent.iterdir()] == ["demo.json"]


def test_a_sound_demo_lost_nothing_and_proves_it() -> None:
    assert a_result().sound


@pytest.mark.parametrize("changed", [{"failed": 1}, {"void": True}, {"long": KindCount(3, 1)}])
def test_a_lost_request_or_a_void_count_is_not_sound(changed: dict[str, Any]) -> None:
    assert not a_result(**changed).sound


def test_people_are_told_why_a_count_is_void() -> None:
    text = results.told(a_result(void=True, void_reasons=("3 ids do not match",)))
    assert "VOID       3 ids do not match" in text.splitlines()


def test_the_command_offers_every_break() -> None:
    (option,) = (o for o in lab_demo.demo.params if o.name == "broken_by")
    assert set(option.type.choices) == BREAKS.keys() == EXPECTED.keys()  # type: ignore[attr-defined]
