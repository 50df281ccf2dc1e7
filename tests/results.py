"""A pytest plugin for `make test-all`: writes what was proven, with its figures, to a file that is committed.

A test adds figures with pytest's own `record_property("requests", 41_212)`.
"""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--results", type=Path, required=True, metavar="FILE", help="where the figures go")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Results(config.getoption("--results")), "blueshift-results")


class _Results:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.started = datetime.now(UTC)
        self.outcomes: dict[str, str] = {}
        self.figures: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
        if report.user_properties:
            self.figures[report.nodeid] = dict(report.user_properties)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        outcomes = list(self.outcomes.values())
        result = {
            "commit": _git("rev-parse", "HEAD"),
            "uncommitted_changes": bool(_git("status", "--porcelain")),
            "date": self.started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self.started).total_seconds()),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "exit": int(exitstatus),
            "tests": {name: outcomes.count(name) for name in ("passed", "failed", "skipped")},
            "failed": sorted(name for name, outcome in self.outcomes.items() if outcome == "failed"),
            "figures": self.figures,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(result, indent=2) + "\n")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
