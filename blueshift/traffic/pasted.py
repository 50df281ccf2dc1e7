"""A log format as people paste it: out of nginx.conf, a ConfigMap, or a chart's values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from blueshift.errors import BlueshiftError
from blueshift.playbook.tree import Items, Mapping, Node, Scalar
from blueshift.traffic.logformat import Escape

PLACE = "--format"
_SINGLE = r"'(?:[^'\\]|\\.)*'"
_DOUBLE = r'"(?:[^"\\]|\\.)*"'
_STRING = re.compile(f"{_SINGLE}|{_DOUBLE}", re.DOTALL)
_DIRECTIVE = re.compile(
    rf"\s*(log_format\s+\S+\s+)?(?:escape=(default|json|none)\s+)?((?:(?:{_SINGLE}|{_DOUBLE})\s*)+)(;?)\s*",
    re.DOTALL,
)
"""As in nginx.conf, with its name or without: strings in quotes, which are one when joined."""
_VARIABLE = re.compile(r"\$\{?\w")
_KEY = re.compile(r"""(?:^[\s-]*|["'])log-format(?:-upstream)?["']?\s*:(?:\s|$)""", re.MULTILINE)


class Pasted(NamedTuple):
    """What was in it."""

    text: str
    escape: Escape | None = None
    """None where it was not said."""


def pasted(given: str) -> Pasted:
    """The format string in what was given, which is itself where nothing stands around it.

    Of YAML, `log-format-upstream` of ingress-nginx, or `log-format` of F5's controller, wherever it stands,
    with what stands beside it of its escapes. Raises BlueshiftError for YAML that cannot be read.
    """
    if _KEY.search(given):
        return _of_values(given)
    found = _DIRECTIVE.fullmatch(given)
    if found is None or not (found[1] or found[2] or found[4] or _is_quoted(found[3])):
        return Pasted(given)
    text = "".join(string[1:-1] for string in _STRING.findall(found[3]))
    return Pasted(text, _escape(found[2]) if found[2] else None)


def _is_quoted(strings: str) -> bool:
    """Whether quotes stand around a format, and are none of its own: `"$host" "$request"` is one itself."""
    every = _STRING.findall(strings)
    if any(string.startswith("'") for string in every) or "\n" in strings.strip():
        return True
    return len(every) == 1 and len(_VARIABLE.findall(strings)) > 1


def _escape(said: str | None) -> Escape:
    return "json" if said == "json" else "none" if said == "none" else "default"


def _of_values(given: str) -> Pasted:
    from blueshift.playbook.reader import Source, parse  # YAML takes longer to load than a small log to read

    for values in _mappings(parse(Source(given, PLACE, lines=False))):
        said = {one.key.text: one.node.text for one in values.entries if isinstance(one.node, Scalar)}
        if text := said.get("log-format-upstream"):
            # Whoever pastes that one line alone says nothing of its escapes.
            escapes = [kind for kind in ("none", "json") if said.get(f"log-format-escape-{kind}") == "true"]
            return Pasted(text, _escape(escapes[-1]) if escapes else None)
        if text := said.get(
            "log-format"
        ):  # F5 makes a space of each line break, and has a word for the escape
            return Pasted(text.strip().replace("\n", " "), _escape(said.get("log-format-escaping")))
    raise BlueshiftError(
        "there is no text for log-format-upstream in it",
        place=PLACE,
        hint="put the format in single quotes, as in YAML: log-format-upstream: '$remote_addr …'",
    )


def _mappings(node: Node) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        yield node
        for entry in node.entries:
            yield from _mappings(entry.node)
    elif isinstance(node, Items):
        for one in node.nodes:
            yield from _mappings(one)
