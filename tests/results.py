"""A pytest plugin for `make test-slow`: writes what was proven, with its figures, to a committed file.

The file is written after each test and names the commit of each, so that hours of tests can be run in parts:
what passed on this very commit is not run again, and a newer outcome takes the place of an older one. A test
adds figures with pytest's own `record_property("requests", 41_212)`.
"""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

_PATHS = ("--", ".", ":(exclude)docs/results")
"""What makes a commit another one to these tests: figures that are committed do not."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--results", type=Path, required=True, metavar="FILE", help="where the figures go")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Results(config.getoption("--results")), "blueshift-results")


class _Results:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = bool(_git("status", "--porcelain", *_PATHS))
        self.commit = _git("log", "-1", "--format=%H", *_PATHS) + ("+" if self.changed else "")
        tests: dict[str, dict[str, Any]] = json.loads(path.read_text())["tests"] if path.exists() else {}
        self.tests = {name: test for name, test in tests.items() if _is_there(name)}
        self.seconds = 0.0
        self.left_out: list[pytest.Item] = []

    @pytest.hookimpl(trylast=True)  # after -m and -k
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what passed on this commit; changes that are in no commit are no two times the same."""
        passed = {
            name
            for name, test in self.tests.items()
            if not self.changed and (test["outcome"], test["commit"]) == ("passed", self.commit)
        }
        self.left_out = [item for item in items if item.nodeid in passed]
        config.hook.pytest_deselected(items=self.left_out)
        items[:] = [item for item in items if item.nodeid not in passed]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds = report.duration + (0.0 if report.when == "setup" else self.seconds)
        if report.when == "call" or report.outcome != "passed":
            self.tests[report.nodeid] = {
                "outcome": report.outcome,
                "commit": self.commit,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(self.seconds),
                "figures": dict(report.user_properties),
            }
            self._write()

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing left to run is well."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.left_out:
            session.exitstatus = pytest.ExitCode.OK

    def _write(self) -> None:
        outcomes = [test["outcome"] for test in self.tests.values()]
        result = {
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "outcomes": {name: outcomes.count(name) for name in ("passed", "failed", "skipped")},
            "tests": dict(sorted(self.tests.items())),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(result, indent=2) + "\n")


def _is_there(name: str) -> bool:
    """Whether a test of an earlier sitting still exists."""
    file, _, function = name.partition("::")
    path = Path(file)
    return path.exists() and f"def {function.partition('[')[0].rpartition('::')[2]}(" in path.read_text()


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
