"""Which listener a command gets, and what a lost reader does to it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import pytest
from rich.console import Console

from blueshift import events
from blueshift.cli.encoding import tolerant
from blueshift.report import choose, unbreakable
from blueshift.report.live import live_view
from tests.fakes import ManualClock
from tests.unit.report.story import RUN, make, started, until_drain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("output", "begins"), [("json", "{"), ("plain", "2026-"), (None, "2026-")])
def test_a_pipe_gets_lines(output: str | None, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    with choose(output, RUN) as emit:
        emit(started())
    assert capsys.readouterr().out.startswith(begins)


def test_a_terminal_gets_the_live_view(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with choose(None, RUN, ManualClock()) as emit:
        emit(started())
        emit(make(events.StepStarted, 1, step="soak"))
    assert "▶ soak" in terminal.getvalue()
    assert "\x1b[?25h" in terminal.getvalue(), "the cursor is shown again"


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_redraw_gets_lines(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", term)
    with choose(None, RUN) as emit:
        emit(started())
    assert terminal.getvalue().startswith("2026-")
    assert "\x1b" not in terminal.getvalue()


def test_without_colour_nothing_is_told_by_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    with choose(None, RUN, ManualClock()) as emit:
        for event in until_drain():
            emit(event)
    text = terminal.getvalue()
    assert "▶ drain-primary" in text
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|38|9[0-7])(?:;\d+)*m", text)


def test_a_terminal_of_another_encoding_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="latin-1", errors="strict", write_through=True)
    tolerant(stream)
    console = Console(file=stream, width=80, height=24, force_terminal=True, color_system=None)
    with live_view(console, ManualClock(), RUN) as emit:
        for event in until_drain():
            emit(event)
        emit(make(events.EffectIntended, 96, step="drain-primary", effect="e", what="TTL 300 → 60"))
    text = written.getvalue().decode("latin-1")
    assert "> drain-primary" in text
    assert "TTL 300 > 60" in text


def test_the_live_view_leaves_notices_and_commands_above() -> None:
    out = io.StringIO()
    console = Console(file=out, width=60, height=20, force_terminal=True, color_system=None)
    command = "blueshift approve 1124-1200-k7xq purge"
    sentence = "the metrics of one pod could not be read " * 3
    with live_view(console, ManualClock(), RUN) as emit:
        for event in until_drain():
            emit(event)
        emit(make(events.Noticed, 102, step="", sentence=sentence))
        emit(make(events.GateWaits, 103, step="purge", gate="purge", reason="r", command=command))
    text = out.getvalue()
    assert f"gate purge: {command}" in text
    assert sentence in text, "it is not folded, so it can be copied"


def test_a_reader_that_goes_away_does_not_end_a_run() -> None:
    code = (
        "import sys\n"
        "from blueshift.report import choose\n"
        "from tests.unit.report.story import started\n"
        "with choose('plain', 'r') as emit:\n"
        "    for _ in range(2000): emit(started())\n"
        "sys.stderr.write('worked on')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "worked on"
    process.stderr.close()
    assert process.wait(timeout=20) == 0


def test_after_the_first_failure_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueshift.report._discard_stdout", lambda: None)
    seen: list[events.Event] = []

    def fails(event: events.Event) -> None:
        seen.append(event)
        raise OSError(5, "the terminal hung up")

    emit = unbreakable(fails)
    emit(started())
    emit(started())
    assert len(seen) == 1


def test_json_never_mixes_with_talk(capsys: pytest.CaptureFixture[str]) -> None:
    with choose("json", RUN) as emit:
        for event in until_drain():
            emit(event)
    for line in capsys.readouterr().out.splitlines():
        assert json.loads(line)["run"] == RUN
