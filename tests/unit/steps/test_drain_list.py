"""Who is left, as a drain's reason lists it and views take it apart."""

from __future__ import annotations

from blueshift.report.words import listed
from blueshift.steps.drain import _listed
from blueshift.traffic.drain import Remains


def test_a_reason_with_semicolons_is_one_item_and_the_rest_is_counted_in_one_of_its_own() -> None:
    left = [
        Remains(f"10.0.0.{n}", "shop", n, 0.0, "pooled, or a WebSocket; a pod of web/cart") for n in range(9)
    ]
    reason, items = listed(f"9 clients came{_listed(tuple(left))}")
    assert reason == "9 clients came"
    assert items[0] == "10.0.0.0 → shop: 0 requests, pooled, or a WebSocket, a pod of web/cart"
    assert (len(items), items[-1]) == (6, "and 4 more")
    assert listed(f"one came{_listed(tuple(left[:1]))}")[1] == items[:1]
    assert _listed(()) == ""
