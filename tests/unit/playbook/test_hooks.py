"""Hooks as files and folders say them."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook.hooks import Hook, events, identity, located, of_folder, once, read, shipped
from blueshift.playbook.reader import Source, parse

STEPS = ("upgrade", "soak")


def program(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def hooks(text: str, folder: Path, errors: list[BlueshiftError] | None = None) -> list[Hook]:
    found: list[BlueshiftError] = [] if errors is None else errors
    listed = read(parse(Source(text, "blueshift.yaml", folder=str(folder))), STEPS, found)
    assert errors is not None or not found, found
    return listed


def test_a_hook_is_an_event_an_argv_and_a_timeout(tmp_path: Path) -> None:
    smoke = program(tmp_path / "smoke")
    assert hooks("- {on: after-upgrade, run: [./smoke, --fast], timeout: 5m}", tmp_path) == [
        Hook("after-upgrade", (str(smoke), "--fast"), 300.0, "after-upgrade/smoke")
    ]


def test_a_hook_may_be_for_several_events_and_a_name_is_one_that_ships_or_on_path(tmp_path: Path) -> None:
    found = hooks(
        "- {on: [holding, gate], run: [notify-webhook]}\n- {on: end, run: [sh, -c, exit]}", tmp_path
    )
    assert [(hook.on, hook.run[0]) for hook in found] == [
        ("holding", "notify-webhook"), ("gate", "notify-webhook"), ("end", "sh"),
    ]  # fmt: skip
    assert str(located("notify-webhook")).endswith("hooks/notify-webhook")
    assert "notify-webhook" in shipped()


def test_every_fault_has_its_place(tmp_path: Path) -> None:
    program(tmp_path / "smoke").chmod(0o644)
    faults: list[BlueshiftError] = []
    text = (
        "- {on: after-upgrad, run: [sh]}\n"
        "- {on: end, run: [./smoke]}\n"
        "- {on: end, run: sh}\n"
        "- {on: end, run: [sh], timeot: 5}\n"
        "- {on: end, run: [sh, 'https://bot:hunter22@chat']}\n"
        "- {on: end, run: []}\n"
        "- {on: end, run: [notify-webhok]}\n"
    )
    hooks(text, tmp_path, faults)
    assert [str(fault) for fault in faults] == [
        "blueshift.yaml:1:8: no event is called 'after-upgrad' (did you mean 'after-upgrade'?)",
        "blueshift.yaml:2:18: there is no program './smoke' that can be executed",
        "blueshift.yaml:3:18: expected a list (of text), found text",
        "blueshift.yaml:4:24: unknown key 'timeot' (did you mean 'timeout'?)",
        "blueshift.yaml:5:18: an argument looks like a secret, and everybody on a machine sees arguments",
        "blueshift.yaml:6:3: `run` is a program and its arguments: [./warm-up, --fast]",
        "blueshift.yaml:7:18: there is no program 'notify-webhok' (did you mean 'notify-webhook'?)",
    ]


def test_a_folder_holds_programs_by_event(tmp_path: Path) -> None:
    for name in ("gate/20-b", "gate/10-a", "gate/.hidden", "gate/10-a~", "before-soak/x"):
        program(tmp_path / name)
    (tmp_path / "gate" / "README").write_text("no program")
    found = of_folder(tmp_path, STEPS)
    assert [hook.name for hook in found] == ["before-soak/x", "gate/10-a", "gate/20-b"]
    assert {hook.folder for hook in found} == {str(tmp_path)}


def test_a_folder_is_looked_at_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "hold").mkdir()
    with pytest.raises(BlueshiftError, match=r"no event is called hold .*did you mean 'holding'") as wrong:
        of_folder(tmp_path, STEPS)
    assert "before-step" in str(wrong.value.hint)
    with pytest.raises(BlueshiftError, match="no such folder"):
        of_folder(tmp_path / "none", STEPS)


def test_the_same_program_is_run_once_for_an_event(tmp_path: Path) -> None:
    a = program(tmp_path / "a")
    (tmp_path / "link").symlink_to(a)
    same = Hook("gate", (str(a),)), Hook("gate", (str(tmp_path / "link"),))
    assert identity(same[0]) == identity(same[1])
    other = Hook("gate", (str(a), "-v")), Hook("end", (str(a),))
    assert once([*same, *other]) == (same[0], *other)


def test_events_are_the_run_s_and_two_for_every_step() -> None:
    assert set(events(STEPS)) >= {"start", "end", "before-step", "before-upgrade", "after-soak"}


def test_a_playbook_and_the_settings_both_have_hooks(tmp_path: Path) -> None:
    from blueshift.app.kinds import settings_types
    from blueshift.playbook.schema import load

    text = "name: p\nsteps: [preflight, snapshot]\nhooks:\n  - {on: after-preflight, run: [sh]}\n"
    more = parse(Source("- {on: before-snapshot, run: [sh]}\n- {on: after-preflight, run: [sh]}", "b.yaml"))
    loaded = load(Source(text, "p.yaml"), settings_types(), (), [more])
    assert [hook.on for hook in loaded.hooks] == ["after-preflight", "before-snapshot"]
    wrong = text.replace("after-preflight", "after-soak")
    with pytest.raises(BlueshiftError, match=r"p.yaml:4:10: no event is called 'after-soak'") as caught:
        load(Source(wrong, "p.yaml"), settings_types())
    assert not isinstance(caught.value, Errors)
