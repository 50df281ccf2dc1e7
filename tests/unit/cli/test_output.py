"""Facts go to stdout, whole and stable; talk goes to stderr."""

from __future__ import annotations

import io
import json
import sys

import msgspec
import pytest

from blueshift.cli.completion import INSTALL
from blueshift.cli.main import run
from blueshift.cli.output import confirmed, print_json, print_table, say
from blueshift.errors import BlueshiftError


class Fact(msgspec.Struct, frozen=True):
    name: str
    counts: dict[str, int]


def test_json_is_stable(capsys: pytest.CaptureFixture[str]) -> None:
    print_json((Fact("a", {"z": 1, "b": 2}),))
    out = capsys.readouterr().out
    assert json.loads(out) == [{"name": "a", "counts": {"b": 2, "z": 1}}]
    assert out.index('"name"') < out.index('"b"') < out.index('"z"')


def test_a_table_in_a_pipe_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "said"), [("a", "word " * 40), ("b", None), ("[red]c[/red]", 0)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "SAID"]
    assert lines[1].count("word") == 40
    assert lines[2].split() == ["b", "-"]
    assert lines[3].split() == ["[red]c[/red]", "0"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *rows: tuple[str, ...]) -> list[str]:
    """The lines of a table of three columns on one of 80."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    print_table(("run", "release", "said"), rows)
    return screen.getvalue().splitlines()


NAME = "ingress-controllers-of-the-shop/ingress-nginx-internal"


def test_names_are_whole_on_a_narrow_terminal_and_sentences_are_folded_between_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "waits for people who still come to the primary, and has done so for hours"
    lines = on_a_terminal(monkeypatch, ("1130-0245-k7xq", NAME, said))
    assert lines[1].startswith(f"1130-0245-k7xq  {NAME}  ")
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[1:]).replace(NAME, "").split()) == f"1130-0245-k7xq {said}"


def test_names_that_are_too_wide_together_are_left_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = on_a_terminal(monkeypatch, ("1130-0245-k7xq", NAME, NAME))
    assert line.split() == ["1130-0245-k7xq", NAME, NAME]


def test_what_has_room_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = on_a_terminal(
        monkeypatch, ("1130-0245-k7xq", "edge/web", "every step settled, and all is as it was")
    )
    assert line.endswith("every step settled, and all is as it was")


def test_an_empty_table_is_talk(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [], empty="no run is known here")
    say("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "no run is known here\nhello\n"


def test_nobody_to_ask_is_an_error_with_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(BlueshiftError) as caught:
        confirmed("Upgrade?")
    assert caught.value.hint
    assert "--yes" in caught.value.hint


@pytest.mark.parametrize("shell", INSTALL)
def test_completion_says_how_to_install_itself(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script.startswith("# To install: ")
    assert "_BLUESHIFT_COMPLETE" in script
