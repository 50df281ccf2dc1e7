from __future__ import annotations

import pytest

from blueshift.steps.context import pods_again


@pytest.mark.parametrize(("waited", "again"), [(None, 0.25), (10.0, 0.25), (40.0, 1.0), (600.0, 2.0)])
def test_the_longer_pods_take_the_rarer_they_are_looked_at(waited: float | None, again: float) -> None:
    assert pods_again(waited) == again
