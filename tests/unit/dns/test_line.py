"""Questions of a line: byte for byte those that dnspython would send."""

from __future__ import annotations

import pytest

from blueshift.dns.line import _question
from blueshift.dns.wire import question


@pytest.mark.parametrize(
    "name",
    ["shop.test", "*.Wild.example.org.", "a-rather.long.name.example.co.uk", "xn--bcher-kva.test", "."],
)
@pytest.mark.parametrize("kind", ["A", "AAAA", "CNAME", "TXT", "SOA"])
def test_a_question_is_the_one_that_dnspython_makes(name: str, kind: str) -> None:
    assert _question(name, kind) == question(name, kind, recursive=False).to_wire()[2:]
