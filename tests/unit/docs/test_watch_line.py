"""The line of `watch` that the README shows is one that it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blueshift.cli.watch import _line
from blueshift.traffic.logs import compile_format

README = Path(__file__).parents[3] / "README.md"
LOG = compile_format('$remote_addr [$time_iso8601] "$request" $status $host $request_time')
ACCESS = b'192.0.2.7 [2026-11-29T14:58:41+00:00] "GET /cart HTTP/1.1" 502 shop.example.com 0.004'


def test_the_line_of_the_readme_is_what_watch_prints(capsys: pytest.CaptureFixture[str]) -> None:
    access = LOG.parse(ACCESS)
    assert access
    _line("primary", "web-controller-6d5f9c7b8-x7k2p", access)
    printed = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out.strip())
    assert f"such a line is `{printed}`" in README.read_text()
