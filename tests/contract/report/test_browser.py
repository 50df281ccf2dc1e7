"""A report opened in a browser shows what the ledger says (issue 7, show 5): both are read here."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from blueshift.app.report import Report, report, step_at
from blueshift.engine.recorder import Recorder
from blueshift.engine.store import Runs
from blueshift.report.page import page
from blueshift.report.words import after, instant
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger, started_of
from tests.contract.report import browser
from tests.contract.report.browser import Opened
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.report import whole
from tests.unit.report.story import RUN, at
from tests.unit.report.test_report import many

pytestmark = pytest.mark.skipif(
    browser.executable() is None, reason="no browser is installed (apt-get install chromium)"
)
SECONDS = 1800
PHASES = (("connect", "refused"), ("headers", "closed"), ("check", "status 502, expected <200>"))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty requests a second, of which some failed; one before the run, and one after it."""
    file = tmp_path_factory.mktemp("prober") / "rows"
    with LedgerWriter(file, RUN, at(-20)) as rows:
        for number in range(20 * (SECONDS + 40)):
            due = number / 20
            row = Row(number, "http1", "p", whole.HOSTS[number % 7], "/a?<b>", "", due, due, end=due + 0.01)
            row.address = "192.0.2.1"
            if number % 997 == 5 or number == 20 * (SECONDS + 40) - 1:
                row.phase, row.reason = PHASES[number % len(PHASES)]
            rows.add(row)
    return file


@pytest.fixture(scope="module")
def made(ledger: Path) -> Report:
    """As the command gathers it, from what the cluster keeps."""
    return asyncio.run(gathered(ledger))


async def gathered(ledger: Path) -> Report:
    runs = Runs(cast(Any, FakeKube()), ManualClock(), "blueshift")
    await runs.create(whole.journal(SECONDS), {})
    recorder = Recorder(runs, RUN)
    for event in whole.looks(SECONDS):
        recorder.listen(event)
    await recorder.write()
    return await report(runs, RUN, ledger)


@pytest.fixture(scope="module")
def file(made: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("report") / "report.html"
    written.write_text(page(made))
    return written


@pytest.fixture(scope="module")
def shown(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return browser.opened(file, tmp_path_factory.mktemp("browser"))


def failed(ledger: Path) -> list[tuple[datetime, Row]]:
    began = started_of(ledger)
    rows = [row for row in read_ledger(ledger) if row.phase]
    return [(began + timedelta(seconds=row.scheduled), row) for row in rows]


def test_it_shows_every_request_of_the_ledger_and_each_that_failed(
    shown: Opened, made: Report, ledger: Path
) -> None:
    wrong = failed(ledger)
    assert len(wrong) > 30
    assert shown.dom.id("requests").text == f"{sum(1 for _ in read_ledger(ledger)):,}"
    assert shown.dom.id("failures").text == str(len(wrong))
    rows = [[cell.text for cell in row.all("td")] for row in shown.dom.id("failed-requests").all("tr")[1:]]
    assert rows == [
        [
            instant(due),
            f"http1 {row.host}{row.path} at {row.address}",
            f"{row.phase}{after(row.end - row.scheduled)}: {row.reason}",
            step_at(made.journal, due + timedelta(seconds=row.end - row.scheduled)) or "-",
        ]
        for due, row in wrong
    ]
    assert {rows[0][3], rows[-1][3]} == {"-"}, "before and after the run"
    assert len({row[3] for row in rows}) > 10


def test_it_asks_nobody_for_anything_and_complains_of_nothing(shown: Opened, file: Path) -> None:
    assert shown.requests in ((), (file.as_uri(),))
    assert shown.complaints == ()


def test_such_a_request_and_such_a_complaint_would_be_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.error("no")</script>')
    found = browser.opened(bad, tmp_path)
    assert "http://127.0.0.1:9/x.png" in found.requests
    assert any('"no"' in line for line in found.complaints)


@pytest.fixture(scope="module")
def worst(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("worst") / "report.html"
    written.write_text(page(many()))
    return written


def test_the_worst_of_three_hours_fits_a_phone_and_asks_nobody(worst: Path, tmp_path: Path) -> None:
    found = browser.opened(worst, tmp_path)
    assert found.requests in ((), (worst.as_uri(),))
    assert found.complaints == ()
    narrow = browser.measured(worst, 360, tmp_path)
    assert narrow["wanted"] <= 360, narrow["too_wide"]
    assert not narrow["too_wide"]


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_phone_and_a_desk_and_marks_each_failure_at_its_moment(
    file: Path, made: Report, ledger: Path, tmp_path: Path, width: int
) -> None:
    found = browser.measured(file, width, tmp_path)
    assert found["width"] == width
    assert found["wanted"] <= width, found["too_wide"]
    assert not found["too_wide"]
    assert min(found["plots"]) > width / 2, "pictures keep the better part of the width"
    assert found["font"] >= 10, "what is written beside them is not shrunk with them"
    begin, seconds = at(-20), SECONDS + 40  # from the first failure's second to the last one's
    wrong = failed(ledger)
    assert (wrong[0][0] - begin).total_seconds() < 1
    shares = [min(1.0, (due - begin).total_seconds() / seconds) for due, _ in wrong]
    assert found["marks"] == pytest.approx(shares, abs=0.004)


def test_all_is_in_the_page(shown: Opened) -> None:
    heads = [one.text for one in shown.dom.all("h2")]
    assert heads == [
        "How it goes on", "Verdict: pass", "Timeline", "Requests of the prober", "Both sides", "Statuses",
        "Latency", "DNS", "Drains", "What the witnesses watched", "Requests that failed", "Steps",
        "What is not known",
    ]  # fmt: skip
    assert shown.dom.id("status").text == "holding"
    for told in ("1.11.3 → 1.12.1", "helm 3.18.4", "v1.33.1", "1.1.1.1 (recursive)", "access log off"):
        assert told in shown.dom.text, told
