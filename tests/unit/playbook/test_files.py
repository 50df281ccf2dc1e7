"""Files that a person names: how they fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError
from blueshift.playbook.files import at, expanded, read, text, there


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, why in (
        ("pipe", "is a pipe"),
        ("loop", "symbolic links"),
        ("none", "No such file"),
        ("", "Is a directory"),
        ("a\0b", "is no path"),
    ):
        with pytest.raises(BlueshiftError, match=why) as caught:
            read(tmp_path / name)
        assert caught.value.place
        assert caught.value.hint


def test_what_has_no_end_is_read_up_to_a_bound() -> None:
    with pytest.raises(BlueshiftError, match="bigger than 1,000,000 bytes"):
        read("/dev/zero")


def test_bytes_that_are_no_text_have_a_line_and_a_column() -> None:
    with pytest.raises(BlueshiftError, match=r"^f:2:4: is not UTF-8"):
        text(b"a: 1\nb: \xff", "f")
    assert text(b"\xef\xbb\xbfa: 1", "f") == "a: 1"
    assert at("f", "a\nbc", 3) == "f:2:2"


def test_the_home_of_nobody_stays_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("~/a") == Path("/home/me/a")
    assert expanded("~nobody-at-all/a") == Path("~nobody-at-all/a")
    assert not there(Path("/dev/null/a"))
