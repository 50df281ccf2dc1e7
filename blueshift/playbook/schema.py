"""A playbook: an ordered list of steps, each with its settings, converted all together."""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from typing import Any

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.playbook import hooks as written_hooks
from blueshift.playbook.bounds import MAX_DEPTH
from blueshift.playbook.convert import Raw, collect, raise_all
from blueshift.playbook.names import GroupName
from blueshift.playbook.reader import Source, parse
from blueshift.playbook.tree import Entry, Items, Mapping, Node, Place, Scalar, described, invalid, merged
from blueshift.playbook.tree import suggestion as near

Kinds = AbstractMapping[str, type[msgspec.Struct]]
"""Step kind → the type of its settings."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


_SHOWN = 100
"""Characters of an option's keys in an error."""


class StepEntry(msgspec.Struct, frozen=True):
    """One step as the playbook names it."""

    kind: str
    id: str
    """Unique in the playbook; the kind itself where the playbook says nothing."""
    settings: Any
    """Of the type that belongs to the kind, overrides applied."""
    place: str


class Playbook(msgspec.Struct, frozen=True):
    """What a run does, in order."""

    name: str
    description: str
    steps: tuple[StepEntry, ...]
    hooks: tuple[written_hooks.Hook, ...] = ()
    groups: tuple[str, ...] = ()
    """Traffic groups of the settings that it walks in this order, a run for each."""
    between: Any = None
    """Settings of the gate between two groups; None: those of the walk."""


class _Head(msgspec.Struct, frozen=True):
    name: str
    steps: Raw
    description: str = ""
    hooks: Raw = None
    groups: Raw = None
    between: Raw = None


class _Step(msgspec.Struct, frozen=True):
    """A step before its settings are converted."""

    kind: str
    id: str
    settings: Mapping
    place: Place


def load(
    source: Source, kinds: Kinds, overrides: Sequence[Node] = (), hooks: Sequence[Node] = ()
) -> Playbook:
    """Read a playbook and convert every step's settings.

    `overrides` are mappings of step id to partial settings, laid over the playbook's in their order; `hooks`
    are lists of hooks that come after the playbook's.
    Raises Invalid, or Errors with every fault of the playbook and the overrides.
    """
    errors: list[BlueshiftError] = []
    head = collect(parse(source), _Head, errors)
    if head is None:
        raise_all(errors)
        raise AssertionError("a head that is missing has an error")
    steps = _steps(head.steps, kinds, errors)
    laid = _overridden(steps, overrides, errors)
    entries = []
    for step in laid:
        settings = collect(step.settings, kinds[step.kind], errors)
        if settings is not None:
            entries.append(StepEntry(step.kind, step.id, settings, str(step.place)))
    ids = [step.id for step in laid]
    listed = [node for node in (head.hooks, *hooks) if node is not None]
    found = [hook for node in listed for hook in written_hooks.read(node, ids, errors)]
    groups, between = _walk(head, kinds, errors)
    raise_all(sorted(errors, key=_line))
    return Playbook(head.name, head.description, tuple(entries), written_hooks.once(found), groups, between)


def _walk(head: _Head, kinds: Kinds, errors: list[BlueshiftError]) -> tuple[tuple[str, ...], Any]:
    """The groups that it walks, and the settings of the gate between them."""
    groups = collect(head.groups, tuple[GroupName, ...], errors) if head.groups is not None else ()
    if groups and isinstance(head.groups, Items):
        for at, node in enumerate(head.groups.nodes):
            if groups[at] in groups[:at]:
                errors.append(invalid(node.place, f"the group {groups[at]} stands here for the second time"))
    if head.between is None:
        return groups or (), None
    if head.groups is None:
        errors.append(
            invalid(head.between.place, "`between` is the gate between `groups`, and there are none")
        )
    return groups or (), collect(head.between, kinds["gate"], errors)


def _line(error: BlueshiftError) -> tuple[str, int, int]:
    source, _, rest = (error.place or "").partition(":")
    line, _, column = rest.partition(":")
    return (source, int(line) if line.isdecimal() else 0, int(column) if column.isdecimal() else 0)


def _steps(node: Node, kinds: Kinds, errors: list[BlueshiftError]) -> list[_Step]:
    if not isinstance(node, Items) or not node.nodes:
        errors.append(invalid(node.place, f"expected a list of steps, found {described(node)}"))
        return []
    steps: list[_Step] = []
    first: dict[str, Place] = {}
    for item in node.nodes:
        step = _step(item, kinds, errors)
        if step is None:
            continue
        if step.id in first:
            message = f"a second step with the id {step.id!r} (the first is in line {first[step.id].line})"
            errors.append(invalid(step.place, message + f": write `{step.kind}: {{id: …}}`"))
            continue
        first[step.id] = step.place
        steps.append(step)
    return steps


def _step(item: Node, kinds: Kinds, errors: list[BlueshiftError]) -> _Step | None:
    if isinstance(item, Scalar):
        kind, settings = item, Mapping((), item.place)
    elif isinstance(item, Mapping) and len(item.entries) == 1:
        kind, body = item.entries[0].key, item.entries[0].node
        if isinstance(body, Scalar) and body.value is None:
            body = Mapping((), kind.place)
        if not isinstance(body, Mapping):
            errors.append(invalid(body.place, f"expected the settings of the step, found {described(body)}"))
            return None
        settings = body
    else:
        errors.append(invalid(item.place, "expected a step: `- kind` or `- kind: {settings}`"))
        return None
    if kind.text not in kinds:
        errors.append(invalid(kind.place, f"unknown kind of step {kind.text!r} {near(kind.text, kinds)}"))
        return None
    given = settings.get("id")
    if given is None:
        return _Step(kind.text, kind.text, settings, kind.place)
    if not (isinstance(given, Scalar) and isinstance(given.value, str) and _ID.fullmatch(given.value)):
        errors.append(invalid(given.place, "an id has small letters, digits and hyphens, at most 63"))
        return None
    rest = tuple(entry for entry in settings.entries if entry.key.text != "id")
    return _Step(kind.text, given.value, msgspec.structs.replace(settings, entries=rest), kind.place)


def _overridden(
    steps: Sequence[_Step], overrides: Sequence[Node], errors: list[BlueshiftError]
) -> list[_Step]:
    by_id = {step.id: step for step in steps}
    for override in overrides:
        if not isinstance(override, Mapping):
            message = f"expected a mapping of step ids to settings, found {described(override)}"
            errors.append(invalid(override.place, message))
            continue
        for entry in override.entries:
            step = by_id.get(entry.key.text)
            if step is None:
                message = f"the playbook has no step {entry.key.text!r} {near(entry.key.text, by_id)}"
                errors.append(invalid(entry.key.place, message))
            elif not isinstance(entry.node, Mapping):
                message = f"expected settings of the step, found {described(entry.node)}"
                errors.append(invalid(entry.node.place, message))
            elif (given := entry.node.get("id")) is not None:
                errors.append(invalid(given.place, "an override cannot change a step's id"))
            else:
                settings = merged(step.settings, entry.node)
                assert isinstance(settings, Mapping)
                by_id[step.id] = msgspec.structs.replace(step, settings=settings)
    return list(by_id.values())


def parse_set(text: str) -> Node:
    """Read `step.key=value` (of an option `--set`) as an override; the value is YAML, keys may go deeper.

    Raises Invalid.
    """
    path, equals, value = text.partition("=")
    place = Place(f"--set {path if len(path) <= _SHOWN else path[:_SHOWN] + '…'}")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        raise invalid(place, "expected step.key=value", hint="for example --set soak.lasts=10m")
    if len(keys) > MAX_DEPTH:
        raise invalid(place, f"nested more than {MAX_DEPTH} deep")
    node: Node = parse(Source(value, place.source, lines=False)) if value.strip() else Scalar(None, "", place)
    for key in reversed(keys):
        node = Mapping((Entry(Scalar(key, key, place), node),), place)
    return node
