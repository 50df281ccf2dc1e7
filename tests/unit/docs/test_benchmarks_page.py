"""What docs/benchmarks.md says of the three ways to upgrade is what docs/results/upgrade.json has."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec
import pytest

from tests.bench.upgrade import page
from tests.bench.upgrade.ledger import Count
from tests.bench.upgrade.order import TOOLS, Cell, Ran
from tests.bench.upgrade.picture import Bar, bars
from tests.bench.upgrade.result import Result, Sum
from tests.bench.upgrade.scenarios import SCENARIOS
from tests.conftest import ROOT

RESULTS = ROOT / "docs" / "results"


def committed() -> Result | None:
    file = RESULTS / "upgrade.json"
    return msgspec.json.decode(file.read_bytes(), type=Result) if file.exists() else None


def test_the_page_says_what_was_measured() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = committed()
    assert page.placed(text, page.section(found) if found else page.UNMEASURED) == text


def test_the_readme_names_the_same_sums() -> None:
    found = committed()
    assert found
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for tool in TOOLS:
        sums = [tools[tool] for tools in found.scenarios.values() if tool in tools]
        assert f"{sum(one.failed for one in sums):,} of {sum(one.requests for one in sums):,}" in text


def test_the_pictures_are_of_the_same_figures() -> None:
    found = committed()
    if found is None:
        pytest.skip("no result is committed")
    for name, picture in page.pictures(found).items():
        assert (RESULTS / name).read_text(encoding="utf-8") == picture


def figures(*runs: Ran, **tools: Sum) -> Result:
    return Result(
        commit="abc1234",
        date="2026-11-29",
        machine="2 cores",
        seed=7,
        rate=800.0,
        waits_s=146.5,
        settings={},
        scenarios={"healthy": tools},
        void=("long-manual-1, tried 2 times: late",),
        runs=runs,
    )


def test_it_says_where_others_are_as_good_and_by_how_much_blueshift_is_slower() -> None:
    text = page.section(
        figures(
            helm_upgrade=Sum(runs=3, requests=300_000, failed=3, wall_s=120.0),
            manual=Sum(runs=3, requests=600_000, wall_s=480.0),
            blueshift=Sum(runs=3, requests=900_000, wall_s=960.0),
        )
    )
    assert "(commit abc1234, 2026-11-29;" in text
    assert "No worse than Blueshift, by hand: in `healthy`." in text
    assert "Next to nothing was lost by plain `helm upgrade --wait` in `healthy` (3 of 300,000)." in text
    assert "`healthy` 320 s, 8 times plain Helm (40 s) and 2.0 times the way by hand (160 s)" in text
    assert "| `healthy` | `blueshift` | 3 | 900,000 | 0 | 0 | 0 s | 0 | 320 s | 0 of 3 |" in text
    assert f"Not run here: {', '.join(f'`{name}`' for name in SCENARIOS if name != 'healthy')}." in text
    assert "Void: long-manual-1, tried 2 times: late." in text


def test_it_says_where_wrong_answers_went_unnoticed() -> None:
    cell = Cell("healthy", "blueshift", 1)
    held = Ran(cell, "abc1234", "2026-11-29", 800.0, Count(), 6.0, True, "refused: FAIL   a-check", "4.11.3")
    text = page.section(
        figures(
            held,
            helm_upgrade=Sum(runs=1, requests=100_000, failed=900, wrong=890, wall_s=40.0),
            blueshift=Sum(runs=1, requests=9_000, wall_s=6.0, noticed=1),
        )
    )
    assert "Plain `helm upgrade --wait`: 900 of 100,000 requests failed, in `healthy`; wrong answers" in text
    assert "Blueshift: 0 of 9,000 requests failed." in text
    assert "did not go through in `healthy` (1 of 1 runs, 0 requests failed)" in text
    assert 'It said: "refused: FAIL a-check"' in text
    assert "No worse" not in text
    assert "slower" not in text, "it went through with nothing"


def test_runs_of_several_commits_are_named_as_such() -> None:
    cell = Cell("healthy", "blueshift", 1)
    runs = [Ran(cell, commit, "", 800.0, Count(), 6.0, False, "", "") for commit in ("a1", "a1", "b2")]
    text = page.section(figures(*runs, blueshift=Sum(runs=3, requests=9_000, wall_s=6.0)))
    assert "(commits a1, b2: each run names its own, 2026-11-29;" in text


@pytest.mark.parametrize("cut", [0, 2])
def test_it_says_that_no_session_was_cut_only_where_none_was(cut: int) -> None:
    text = page.section(
        figures(
            helm_upgrade=Sum(runs=1, requests=100, cut_long=9, long=40),
            blueshift=Sum(runs=1, requests=100, cut_long=cut, long=60),
        )
    )
    assert f"plain `helm upgrade --wait` 9 of 40, Blueshift {cut} of 60." in text
    assert ("cuts none of them" in text) is (cut == 0)


def test_it_says_what_a_quiesce_saves_and_costs() -> None:
    kept = Sum(runs=1, requests=100, long=70, stale_closed=1, wall_s=480.0, noticed=1)
    ended = Sum(runs=1, requests=100, long=90, cut_long=9, stale_closed=85, wall_s=720.0, failed=1)
    both = {"pooled": {"blueshift": kept}, "pooled-quiesced": {"blueshift": ended}}
    text = page.section(msgspec.structs.replace(figures(), scenarios=both))
    assert "stopped to ask a person after 480 s (`pooled`)" in text
    assert "went through after 720 s (`pooled-quiesced`)" in text
    assert "1 of 100 requests failed (without: 0 of 100), 9 of 90 sessions of five minutes were cut" in text
    assert "(without: 0 of 70), and 85 connections" in text
    assert "The price" not in page.section(
        msgspec.structs.replace(figures(), scenarios={"pooled": both["pooled"]})
    )


def test_a_longer_bar_is_a_higher_value_and_none_is_nothing() -> None:
    each = [Bar("helm_upgrade", 40.0, "40 s"), Bar("manual", 10.0, "10 <s>"), Bar("blueshift", 0.0, "0")]
    for logarithmic in (False, True):
        root = ElementTree.fromstring(bars("Time", "in s", [("healthy", each)], logarithmic=logarithmic))
        widths = [
            float(rect.attrib["width"])
            for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if "x" in rect.attrib
        ]
        assert widths[0] > widths[1] > widths[2] == 0.0
        assert (widths[0] / widths[1] == pytest.approx(4.0, rel=1e-3)) is not logarithmic


def test_a_page_without_its_markers_is_not_written_over() -> None:
    with pytest.raises(ValueError, match="has no"):
        page.placed("# Benchmarks\n", "text")
