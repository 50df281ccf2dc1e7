"""What a cell can stand on: the stub, or the real controller under traffic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from blueshift.lab.paths import Lab
from tests.crash import real_cells, stub_cells
from tests.crash.cells import Cell
from tests.crash.order import Name


class Ground(NamedTuple):
    """One kind of cell."""

    lab_up: Callable[[str], Awaitable[Lab]]
    """A lab of that name, with what the cells need."""
    make: Callable[[Lab, int], Awaitable[Cell]]
    """A cell that is ready."""
    remove: Callable[[Cell], Awaitable[None]]
    longest: float
    """Seconds for one cell's run. On two cores one that nothing disturbs took 81 s on the stub, 317 s on the
    real controller."""
    each: int
    """Kills in one cell."""
    together: int
    """Cells side by side."""


GROUNDS: Mapping[Name, Ground] = MappingProxyType(
    {
        "stub": Ground(stub_cells.lab_up, stub_cells.make, stub_cells.remove, 420.0, each=12, together=3),
        "real": Ground(real_cells.lab_up, real_cells.make, real_cells.remove, 900.0, each=4, together=1),
    }
)
