"""YAML as Helm reads it: only what JSON has. No dates, no `1:30` for ninety.

A contract test compares it with helm, scalar by scalar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from blueshift.errors import BlueshiftError


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with the scalars and keys of sigs.k8s.io/yaml, which Helm uses."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Keys are strings: `1:` is "1" and `y:` is "true"."""
        self.flatten_mapping(node)  # merges what `<<` names
        return {
            _text(self.construct_object(key, deep=True)): self.construct_object(value, deep)
            for key, value in node.value
        }


def _text(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


_TAGS = "tag:yaml.org,2002:"
_SCALARS = (
    (
        "bool",
        r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
        "yYnNtTfFoO",
    ),
    (
        "int",
        r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$",
        "-+0123456789",
    ),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789.",
    ),
)
_OURS = {f"{_TAGS}{name}" for name in ("bool", "int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OURS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(f"{_TAGS}{_name}", re.compile(_pattern), list(_first))
_Loader.add_constructor(
    f"{_TAGS}bool", lambda loader, node: loader.construct_scalar(node).lower() in ("y", "yes", "true", "on")
)
_Loader.add_constructor(f"{_TAGS}value", lambda loader, node: loader.construct_scalar(node))


def load(text: str | bytes, place: str) -> dict[str, Any]:
    """One document that is a mapping, or empty. Raises BlueshiftError with `place` as file:line:column."""
    documents = load_all(text, place)
    if len(documents) > 1:
        raise BlueshiftError("has more than one document", place=place)
    return documents[0] if documents else {}


def load_all(text: str | bytes, place: str) -> list[dict[str, Any]]:
    """All documents that are not empty. Raises BlueshiftError with `place` as file:line:column."""
    try:
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}:{mark.line + 1}:{mark.column + 1}" if mark else place
        raise BlueshiftError(f"is not YAML: {getattr(error, 'problem', error)}", place=where) from error
    for document in documents:
        if not isinstance(document, dict):
            raise BlueshiftError("is not a mapping", place=place)
    return documents


def dump(document: Mapping[str, Any]) -> str:
    """Block style, keys sorted: for people and differences, never as input of Helm."""
    text: str = yaml.safe_dump(dict(document), default_flow_style=False, sort_keys=True, width=1000)
    return text
