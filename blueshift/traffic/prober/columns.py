"""A column of integers as few bytes: little-endian, all lowest bytes first, then zlib.

The upper bytes of neighbours are nearly all alike; side by side they take next to nothing.
"""

from __future__ import annotations

import sys
import zlib
from array import array


def pack(column: array[int]) -> bytes:
    """Return the bytes of a column."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    data = column.tobytes()
    return zlib.compress(b"".join(data[place :: column.itemsize] for place in range(column.itemsize)), 6)


def unpack(code: str, packed: bytes) -> array[int]:
    """Return the column of an array's type code out of its bytes. Raises zlib.error if they are broken."""
    column: array[int] = array(code)
    planes = zlib.decompress(packed)
    data = bytearray(len(planes))
    rows = len(planes) // column.itemsize
    for place in range(column.itemsize):
        data[place :: column.itemsize] = planes[place * rows : (place + 1) * rows]
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
