"""What a settings type allows, in words."""

from __future__ import annotations

import re
from typing import Any

from msgspec import inspect

from blueshift.playbook.duration import SCALAR as DURATION


def shape(kind: inspect.Type) -> str:
    """Of which form a node must be: `mapping`, `items`, `scalar` or `any`."""
    match kind:
        case inspect.Metadata():
            return shape(kind.type)
        case inspect.StructType() | inspect.DictType():
            return "mapping"
        case inspect.ListType() | inspect.VarTupleType():
            return "items"
        case inspect.AnyType():
            return "any"
    return "scalar"


def called(kind: inspect.Type, scalar: str) -> str:
    """What is expected, for an error; `scalar` tells texts and numbers of one type apart."""
    match kind:
        case inspect.Metadata():
            return called(kind.type, (kind.extra or {}).get("scalar", ""))
        case inspect.FloatType() if scalar == DURATION:
            return "a length of time, such as 90s, 5m or 1h30m"
        case inspect.StrType():
            return "a path" if scalar == "path" else "text"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.LiteralType():
            return "one of " + ", ".join(map(str, kind.values))
        case inspect.EnumType():
            return "one of " + ", ".join(str(member.value) for member in kind.cls)
        case inspect.ListType() | inspect.VarTupleType():
            return f"a list (of {called(kind.item_type, '')})"
        case inspect.StructType() | inspect.DictType():
            return "a mapping"
        case inspect.NoneType():
            return "nothing"
    return "something else"


def out_of_bounds(value: Any, kind: inspect.Type) -> str:
    """Say how a value breaks the bounds of its type (msgspec.Meta), or nothing."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        if kind.ge is not None and value < kind.ge:
            return f"must be at least {kind.ge}"
        if kind.gt is not None and value <= kind.gt:
            return f"must be more than {kind.gt}"
        if kind.le is not None and value > kind.le:
            return f"must be at most {kind.le}"
        if kind.lt is not None and value >= kind.lt:
            return f"must be less than {kind.lt}"
    if isinstance(kind, inspect.StrType):
        if kind.min_length is not None and len(value) < kind.min_length:
            return (
                "must not be empty" if kind.min_length == 1 else f"needs {kind.min_length} characters or more"
            )
        if kind.max_length is not None and len(value) > kind.max_length:
            return f"must have at most {kind.max_length} characters"
        if kind.pattern is not None and re.search(kind.pattern, value) is None:
            return f"must match {kind.pattern}"
    return ""
