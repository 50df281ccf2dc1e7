"""nginx's configuration language: text to statements, as `ngx_conf_read_token` of nginx 1.27 reads it.

Braces inside quoted strings and Lua blocks are no structure, and indentation means nothing: a `}` in a quoted
snippet shifts it (seen on the official images 1.11.3 and 1.15.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from blueshift.errors import BlueshiftError

_TOKEN = re.compile(
    r"""[ \t\r\n]+ | \#[^\n]*
      | (?P<mark>[;{}])
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | '(?P<single>(?:[^'\\]|\\.)*)'
      | (?P<word>(?!["'])(?:\\.|\$\{|[^\s;{\\])+)""",
    re.VERBOSE | re.DOTALL,
)

# What can hold a brace in Lua without meaning it: comments, long strings, quoted strings.
_LUA = re.compile(
    r"""--\[(?P<c>=*)\[.*?\](?P=c)\] | --[^\n]* | \[(?P<s>=*)\[.*?\](?P=s)\]
      | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*'
      | (?P<brace>[{}])""",
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\([\"'\\trn])")
_CONTROL = {"t": "\t", "r": "\r", "n": "\n"}


class Statement(NamedTuple):
    """One directive: `simple;`, the opening or end of a block, or Lua with its code as the last word."""

    kind: Literal["simple", "open", "close", "lua"]
    words: tuple[str, ...]


def statements(text: str) -> Iterator[Statement]:
    """All statements in order. Raises BlueshiftError where a configuration could not be read on."""
    words: list[str] = []
    depth = place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise _broken(text, place, "a string without an end")
        place = token.end()
        kind = token.lastgroup
        if kind is None:
            continue
        if kind != "mark":
            words.append(_unescape(token[kind]))
            continue
        mark = token["mark"]
        if mark == "{" and words and words[0].endswith("_by_lua_block"):
            start, place = place, _lua_end(text, place)
            yield Statement("lua", (*words, text[start : place - 1]))
        elif mark == "{":
            depth += 1
            yield Statement("open", tuple(words))
        elif mark == "}":
            depth -= 1
            if depth < 0 or words:
                raise _broken(text, place - 1, "a brace that closes nothing")
            yield Statement("close", ())
        else:
            yield Statement("simple", tuple(words))
        words = []
    if depth or words:
        raise _broken(text, len(text), "it ends inside a block: it was cut off")


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _CONTROL.get(found[1], found[1]), text)


def _lua_end(text: str, place: int) -> int:
    depth = 1
    for found in _LUA.finditer(text, place):
        if found["brace"]:
            depth += 1 if found["brace"] == "{" else -1
            if not depth:
                return found.end()
    raise _broken(text, len(text), "it ends inside Lua: it was cut off")


def _broken(text: str, place: int, why: str) -> BlueshiftError:
    line = text.count("\n", 0, place) + 1
    return BlueshiftError(
        f"nginx's configuration cannot be read: {why}",
        place=f"nginx -T, line {line}",
        hint="run `nginx -T` inside the controller's pod and look at that line",
    )
