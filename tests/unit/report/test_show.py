"""What `show` tells of a run: what was upgraded, every hold, commands and records, and the verdict."""

from __future__ import annotations

import msgspec

from blueshift.engine.entries import (
    Approved,
    Did,
    Entry,
    Intended,
    Resumed,
    Started,
    StepSettled,
    StoodStill,
    apply,
)
from blueshift.engine.journal import Approval, Journal, Versions, Waived
from blueshift.engine.protocol import Intent
from blueshift.engine.state import State
from blueshift.report.show import show_text
from blueshift.traffic.judge import Observed, judge
from tests.unit.report.story import at

VERDICT = judge(Observed(2000, 1), Observed(0, 0), Observed(4000, 2))
HELM = (
    "helm --kube-context prod upgrade front ingress-nginx --version 4.12.1 -n edge --reset-values --values -"
)
STORY: tuple[Entry, ...] = (
    Started("forward/shift/wave-1"),
    Intended(
        "forward/shift/wave-1",
        "swap",
        Intent("move 2 names", expected=["A 60 192.0.2.1"], wanted=["A 60 192.0.2.9"]),
    ),
    Did("forward/shift/wave-1", "swap"),
    StepSettled("forward/shift/wave-1", "every server answers so", State()),
    Started("forward/upgrade"),
    Intended("forward/upgrade", "revision", Intent("upgrade front", command=HELM)),
    StoodStill("forward/upgrade", "the pods do not start:\nImagePullBackOff"),
    Resumed("bob@there:2:b"),
    Did("forward/upgrade", "revision", adopted=True),
    StepSettled("forward/upgrade", "2 of 2 pods are ready", State()),
    Started("forward/soak"),
    StoodStill("forward/soak", "the verdict is no pass", "accept-verdict"),
    Approved(Approval(2, "forward/soak", "accept-verdict", "ann", at(90), "looked")),
    StepSettled("forward/soak", "soaked", State(), {"Verdict": msgspec.to_builtins(VERDICT)}),
)


def test_what_was_done_and_seen_and_where_it_stood() -> None:
    journal = Journal(
        "1124-0302-k7xq", "front", "edge", "uid", "hash", "blue-green", at(0), (),
        chart=Versions("4.11.3", "4.12.1"),
    )  # fmt: skip
    for second, entry in enumerate(STORY):
        journal = apply(journal, entry, at(second))
    lines = show_text(journal).splitlines()
    assert "chart     4.11.3 → 4.12.1" in lines
    verdict = next(line for line in lines if line.startswith("verdict"))
    assert verdict.startswith(f"verdict   {VERDICT.outcome}: {VERDICT.reasons[0]}")
    assert "new.requests 2000, new.errors 1" in lines[lines.index(verdict) + 1]
    told = [line.strip() for line in lines]
    wave, upgrade, soak = (
        next(place for place, line in enumerate(told) if line.endswith(step))
        for step in ("forward/shift/wave-1", "forward/upgrade", "forward/soak")
    )
    assert "A 60 192.0.2.1 → A 60 192.0.2.9" in told[wave:upgrade]
    assert HELM in told[upgrade:soak]
    assert any("held from" in line and "ImagePullBackOff" in line for line in told[upgrade:soak])
    assert any("waited at the gate accept-verdict from" in line for line in told[soak:])


def test_who_skipped_and_acknowledged_which_check_is_told_with_what_it_saw() -> None:
    journal = Journal(
        "r", "front", "edge", "uid", "hash", "blue-green", at(0), (),
        waived=(
            Waived("helm-gitops-owner", "skipped", "ann", "--skip", "it is\nFlux's"),
            Waived("cluster-replicas", "acknowledged", "ann", "settings", "one pod"),
        ),
    )  # fmt: skip
    lines = show_text(apply(journal, Resumed("bob@there:2:b"), at(1))).splitlines()
    assert "skipped   helm-gitops-owner by ann (--skip); it saw: it is Flux's" in lines
    assert "acknowledged cluster-replicas by ann (settings); it saw: one pod" in lines


def test_a_journal_remembers_only_so_many_standstills() -> None:
    journal = Journal("r", "front", "edge", "uid", "hash", "blue-green", at(0), ())
    for second in range(200):
        journal = apply(journal, StoodStill("forward/a", "again"), at(second))
    assert [one.number for one in journal.stood] == list(range(171, 201))
    assert journal.standstills == 200
