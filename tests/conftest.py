"""Fixtures that every stage may use."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real outputs of the official controller, kept beside the project; tests skip where it is absent."""
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the samples of the official controller are not here")
    return folder
