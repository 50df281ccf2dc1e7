"""Faults of the world, made from outside the product.

Each module is one kind: `Settings`, a strict struct, and `fault(settings)`, an async context manager that
yields a handle. `injector` finds a module by the name that a crash cell says in `fault: {kind: …}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

import msgspec

KINDS = ("api", "clock", "disk", "dns", "helm")


def injector(kind: str, settings: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
    """The fault of that kind, with settings as plain data. Raises for a setting that it does not know."""
    if kind not in KINDS:
        raise ValueError(f"there is no fault {kind}: {', '.join(KINDS)}")
    module = import_module(f"{__name__}.{kind}")
    found: AbstractAsyncContextManager[Any] = module.fault(msgspec.convert(settings, module.Settings))
    return found
