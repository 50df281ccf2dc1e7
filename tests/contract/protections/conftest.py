"""Servers of other contract tests."""

from __future__ import annotations

from tests.contract.dns.conftest import bind  # noqa: F401
from tests.contract.helm.conftest import helm  # noqa: F401
