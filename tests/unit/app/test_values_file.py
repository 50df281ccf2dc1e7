"""Values for another chart than the one that would read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blueshift.app.values_file import not_nested, values_of
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import Chart

WRAPPED = {"ingress-nginx": {"controller": {"replicaCount": 3}}}


def chart(**defaults: Any) -> Chart:
    return Chart(Path("x"), "ingress-nginx", "4.12.1", "1.12.1", "", defaults, "digest")


def test_values_for_a_chart_around_it_are_refused() -> None:
    with pytest.raises(BlueshiftError, match=r"v\.yaml: values stand below `ingress-nginx:`") as caught:
        not_nested(WRAPPED, chart(controller={}), "v.yaml")
    assert "to the top" in (caught.value.hint or "")
    not_nested({"controller": {}}, chart(controller={}), "v.yaml")
    not_nested(WRAPPED, chart(**{"ingress-nginx": {}}), "v.yaml")


def test_a_file_with_a_kind_of_its_own_is_values_all_the_same(tmp_path: Path) -> None:
    """Some charts have a value of that name; only both words together are a manifest."""
    file = tmp_path / "v.yaml"
    file.write_text("kind: DaemonSet\ncontroller: {}\n")
    assert values_of(file, "")["kind"] == "DaemonSet"
