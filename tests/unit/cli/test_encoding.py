"""A terminal of another encoding than UTF-8 gets something readable, and ends nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from blueshift.cli.encoding import tolerant


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "TTL 300 > 60 . ? ?"),
        ("latin-1", "TTL 300 > 60 . é ?"),
        ("utf-8", "TTL 300 → 60 … é 東"),
        ("utf-16", "TTL 300 → 60 … é 東"),
    ],
)
def test_what_an_encoding_lacks_is_shown_by_what_is_like_it(encoding: str, shown: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="strict")
    tolerant(stream)
    stream.write("TTL 300 → 60 … é 東")
    stream.flush()
    assert written.getvalue().decode(encoding) == shown


def test_a_stream_without_an_encoding_stays_as_it_is() -> None:
    stream = io.StringIO()
    tolerant(stream)
    stream.write("→")
    assert stream.getvalue() == "→"


def test_the_console_script_is_so() -> None:
    """A command that is not there is told as it was given."""
    code = "import sys; sys.argv = ['blueshift', 'nothing→']; from blueshift.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1:strict"},
    )
    assert b"no such command 'nothing>'" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
