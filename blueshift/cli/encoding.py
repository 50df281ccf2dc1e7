"""Streams that cannot show every character: what is printed stays readable, and never fails for one."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

_HANDLER = "blueshift-like"
# One character for one, so that columns stay in line.
_LIKE = str.maketrans("→←…·✓▶■≤≥\u2013\u2014\u2018\u2019\u201c\u201d\u00d7", "><..x>#<>--''\"\"x")


def tolerant(stream: TextIO) -> None:
    """Let a stream show what is like a character that its encoding lacks, or `?`.

    A run that moves traffic must not end because a terminal is of ISO 8859.
    """
    if not isinstance(stream, io.TextIOWrapper) or stream.encoding.lower().startswith("utf"):
        return
    codecs.register_error(_HANDLER, _like)
    stream.reconfigure(errors=_HANDLER)


def _like(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = error.object[error.start : error.end].translate(_LIKE)
    return "".join(one if one.isascii() else "?" for one in told), error.end
