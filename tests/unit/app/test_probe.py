"""What `blueshift probe` comes to, of rows that a test makes, and when its clock starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from blueshift.app import probe as app
from blueshift.app.asked import Asked
from blueshift.traffic.connect import Failed, trusting
from blueshift.traffic.prober import client
from blueshift.traffic.prober.client import Tls
from blueshift.traffic.prober.ledger import started_of
from blueshift.traffic.prober.plan import Plan
from tests.fakes import ManualClock


async def test_what_is_read_before_the_first_request_makes_none_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()

    def slowly(_plan: Plan) -> Tls:
        clock.advance(3.0)
        return {"http1": trusting()}

    async def refused(*_: object) -> None:
        raise Failed("connect", "refused")

    monkeypatch.setattr(app, "tls_of", slowly)
    monkeypatch.setattr(client, "dial", refused)
    asked = Asked(("http://b.test/",), 2.0, 1.0, pinned={"b.test": ("192.0.2.2",)})
    rows = tmp_path / "rows"
    came_to = await app.probe(asked, rows, clock, lambda *_: None, asyncio.Event())
    assert (came_to.summary.requests, came_to.summary.by_phase) == (2, {"connect": 2})
    assert (started_of(rows) - clock.start).total_seconds() == 3.0
