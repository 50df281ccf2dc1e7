"""A namespace for each test."""

from __future__ import annotations

from tests.contract.lab.conftest import lab, state_folder, tools  # noqa: F401
