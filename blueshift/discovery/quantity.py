"""Quantities of Kubernetes ("100m", "90Mi", "1e3") as whole numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from blueshift.errors import BlueshiftError

# apimachinery, pkg/api/resource/quantity.go: binary and decimal suffixes, or an exponent.
_SHAPE = re.compile(r"^([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)([eE][+-]?[0-9]+|[A-Za-z]*)$")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {
    "n": Decimal(10) ** -9,
    "u": Decimal(10) ** -6,
    "m": Decimal(10) ** -3,
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    **{letter: Decimal(10) ** (3 * power) for power, letter in enumerate("MGTPE", 2)},
}
_FACTORS = _BINARY | _DECIMAL


def quantity(text: Any) -> Decimal:
    """The number that a quantity stands for. Raises BlueshiftError for what is none."""
    found = _SHAPE.match(str(text))
    if found:
        number, suffix = found.groups()
        if suffix[:1] in ("e", "E") and len(suffix) > 1:
            return Decimal(number + suffix)
        if suffix in _FACTORS:
            return Decimal(number) * _FACTORS[suffix]
    raise BlueshiftError(f"{text!r} is no quantity of Kubernetes")


def whole(resource: str, text: Any) -> int:
    """As whole units: CPU in thousandths of a core, all else (bytes, pods) as it is; rounded up."""
    thousands = 1000 if resource.rpartition(".")[2] == "cpu" else 1
    return math.ceil(quantity(text) * thousands)


def amounts(resources: Mapping[str, Any]) -> dict[str, int]:
    """CPU and memory out of a mapping of resources."""
    return {
        name: whole(name, resources[name]) for name in ("cpu", "memory") if resources.get(name) is not None
    }


def spoken(resource: str, amount: int) -> str:
    """An amount of `whole` as a person writes it."""
    kind = resource.rpartition(".")[2]
    if kind == "cpu":
        return f"{amount}m"
    return f"{math.ceil(amount / 2**20)}Mi" if kind == "memory" else str(amount)
