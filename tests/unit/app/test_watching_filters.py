"""Filters of `watch` that the log cannot answer as it is: by what else is known, or with a word about it."""

from __future__ import annotations

import pytest

from blueshift.app.watching import Chosen
from tests.unit.app.test_watching import Bench
from tests.unit.traffic.test_digest import access

TWO = (access(1), access(2, upstream="shop-blog-80", status='" 404 '))


@pytest.mark.parametrize(
    ("chosen", "form", "says"),
    [
        (Chosen(slower=0.5), '$remote_addr "$request" $status', "--slow shows no request of the primary"),
        (
            Chosen(statuses=((500, 599),)),
            '$remote_addr "$request"',
            "--status shows no request of the primary",
        ),
        (
            Chosen(hosts=("a.org",)),
            '$remote_addr "$request" $status',
            "--host shows no request of the primary",
        ),
    ],
)
async def test_a_filter_that_the_format_cannot_answer_is_said_once(
    chosen: Chosen, form: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(monkeypatch, chosen, config={"log-format-upstream": form})
    await bench.watch(60)
    (note,) = [note for note in bench.notes if note.startswith("--")]
    assert note.startswith(says)
    assert "log-format-upstream" in note


async def test_filters_that_the_format_answers_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Chosen(sides=("primary",), slower=0.001, statuses=((200, 200),))
    bench = Bench(monkeypatch, chosen, *TWO)
    await bench.watch(60)
    assert bench.notes == []
    assert len(bench.told) == 1
