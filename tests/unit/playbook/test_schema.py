"""Playbooks: steps, ids, overrides."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook.duration import Seconds
from blueshift.playbook.reader import Source, parse
from blueshift.playbook.schema import Playbook, StepEntry, load, parse_set
from blueshift.playbook.tree import Node


class Empty(msgspec.Struct, frozen=True):
    pass


class Window(msgspec.Struct, frozen=True):
    least: Seconds = 900.0
    empty: Seconds = 600.0


class Shift(msgspec.Struct, frozen=True):
    to: Literal["primary", "temporary"]
    waves: tuple[float, ...] = (10.0, 100.0)
    window: Window = Window()


KINDS: dict[str, type[msgspec.Struct]] = {"preflight": Empty, "shift": Shift, "drain": Window}

GOOD = """name: blue-green
description: There and back.
steps:
  - preflight
  - shift: {id: shift-to-temporary, to: temporary, window: {least: 5m}}
  - drain: {id: drain-primary}
  - shift:
      id: shift-to-primary
      to: primary
  - drain:
"""


def book(text: str, *overrides: Node) -> Playbook:
    return load(Source(text, "p.yaml"), KINDS, overrides)


def node(text: str) -> Node:
    return parse(Source(text, "blueshift.yaml"))


def faults(text: str, *overrides: Node) -> list[str]:
    with pytest.raises(BlueshiftError) as caught:
        book(text, *overrides)
    return [str(e) for e in caught.value.errors] if isinstance(caught.value, Errors) else [str(caught.value)]


def test_a_playbook_is_its_steps_in_order() -> None:
    got = book(GOOD)
    assert (got.name, got.description) == ("blue-green", "There and back.")
    assert [(step.kind, step.id) for step in got.steps] == [
        ("preflight", "preflight"),
        ("shift", "shift-to-temporary"),
        ("drain", "drain-primary"),
        ("shift", "shift-to-primary"),
        ("drain", "drain"),
    ]
    shift = Shift("temporary", window=Window(300.0))
    assert got.steps[1] == StepEntry("shift", "shift-to-temporary", shift, "p.yaml:5:5")


def test_overrides_lie_over_the_settings_the_later_over_the_earlier() -> None:
    config = node("shift-to-temporary: {window: {empty: 15s}, waves: [50, 100]}\ndrain: {least: 1m}")
    got = book(GOOD, config, parse_set("drain.least=30"), parse_set("shift-to-temporary.window.least=10s"))
    settings = {step.id: step.settings for step in got.steps}
    assert settings["shift-to-temporary"] == Shift("temporary", (50.0, 100.0), Window(10.0, 15.0))
    assert settings["drain"] == Window(30.0)
    assert settings["drain-primary"] == Window()


def test_every_fault_of_all_files_is_told_in_the_order_of_the_lines() -> None:
    text = """name: x
steps:
  - preflite
  - shift: {id: one, to: temporry}
  - shift: {id: one, to: primary}
  - drain: {id: Two}
  - drain: {leest: 5m}
  - {drain: {}, shift: {}}
  - drain: 5m
"""
    override = node("drian: {least: 1}\ndrain: {empty: often}\npreflight: 5")
    assert faults(text, override) == [
        "blueshift.yaml:1:1: the playbook has no step 'drian' (did you mean 'drain'?)",
        "blueshift.yaml:2:16: expected a length of time, such as 90s, 5m or 1h30m",
        "blueshift.yaml:3:1: the playbook has no step 'preflight' (known: drain, one)",
        "p.yaml:3:5: unknown kind of step 'preflite' (did you mean 'preflight'?)",
        "p.yaml:4:26: 'temporry' is not one of the choices (did you mean 'temporary'?)",
        "p.yaml:5:5: a second step with the id 'one' (the first is in line 4): write `shift: {id: …}`",
        "p.yaml:6:17: an id has small letters, digits and hyphens, at most 63",
        "p.yaml:7:13: unknown key 'leest' (did you mean 'least'?)",
        "p.yaml:8:5: expected a step: `- kind` or `- kind: {settings}`",
        "p.yaml:9:12: expected the settings of the step, found text",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("steps: [preflight]", "p.yaml:1:1: the key 'name' is missing"),
        ("name: x", "p.yaml:1:1: the key 'steps' is missing"),
        ("name: x\nsteps: []", "p.yaml:2:8: expected a list of steps, found a list"),
        ("name: x\nsteps: {}", "p.yaml:2:8: expected a list of steps, found a mapping"),
        ("name: x\nsteps: [preflight]\nstep: 1", "p.yaml:3:1: unknown key 'step' (did you mean 'steps'?)"),
        ("name: x\nsteps: [drain, drain]", "p.yaml:2:16: a second step with the id 'drain'"),
        ("name: x\nsteps: [shift]", "p.yaml:2:9: the key 'to' is missing"),
    ],
)
def test_faults_of_a_playbook(text: str, error: str) -> None:
    (found,) = faults(text)
    assert found.startswith(error)


def test_faults_of_overrides() -> None:
    assert faults(GOOD, parse_set("drian.least=5m")) == [
        "--set drian.least: the playbook has no step 'drian' (did you mean 'drain'?)"
    ]
    assert faults(GOOD, parse_set("drain.least=often")) == [
        "--set drain.least: expected a length of time, such as 90s, 5m or 1h30m"
    ]
    assert faults(GOOD, parse_set("drain.id=other")) == [
        "--set drain.id: an override cannot change a step's id"
    ]
    assert faults(GOOD, node("[drain]")) == [
        "blueshift.yaml:1:1: expected a mapping of step ids to settings, found a list"
    ]
    assert faults(GOOD, node("drain: 5m")) == [
        "blueshift.yaml:1:8: expected settings of the step, found text"
    ]


@pytest.mark.parametrize("text", ["drain", "drain=5", "drain.=5", ".least=5", "drain.least"])
def test_a_set_without_step_or_key_is_refused(text: str) -> None:
    with pytest.raises(BlueshiftError, match=r"expected step\.key=value"):
        parse_set(text)


def test_a_set_that_is_no_yaml_says_which() -> None:
    with pytest.raises(BlueshiftError, match=r"^--set drain.least: this is no YAML"):
        parse_set("drain.least=[1")
