"""What the profile's tests share."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.controllers.profile import HardenFacts, TemporaryFacts

CHARTS = ("3.40.0", "4.0.19", "4.2.5", "4.5.2", "4.8.3", "4.11.3", "4.12.1", "4.15.1")
APPS = ("0.50.0", "1.1.3", "1.3.1", "1.6.4", "1.9.4", "1.11.3", "1.12.1", "1.15.1")

Values = dict[str, Any]


def temporary_facts(defaults: Values | None = None, **more: Any) -> TemporaryFacts:
    """A primary `demo` in `ingress` with three ready pods; its temporary `demo-t` in `bs-1`."""
    given: Values = {
        "run": "r1",
        "release": "demo-t",
        "namespace": "bs-1",
        "primary_release": "demo",
        "primary_namespace": "ingress",
        "chart_version": "4.15.1",
        "defaults": defaults if defaults is not None else {"commonLabels": {}},
        "ready": 3,
    }
    return TemporaryFacts(**{**given, **more})


def harden_facts(defaults: Values | None = None, **more: Any) -> HardenFacts:
    """The last chart; a grace of 15 s."""
    given: Values = {"chart_version": "4.15.1", "app_version": "1.15.1", "defaults": defaults or {}}
    return HardenFacts(**{**given, **more})


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest, samples: Path) -> tuple[str, Values]:
    """(version, values.yaml) of eight official charts, kept beside the samples."""
    path = samples.parent / "chart-values" / "ingress-nginx" / f"{request.param}.yaml"
    if not path.is_file():
        pytest.skip("the values of the official charts are not here")
    return request.param, yaml.safe_load(path.read_text())


@pytest.fixture(params=CHARTS)
def rendered(request: pytest.FixtureRequest, samples: Path) -> tuple[str, Values]:
    """(version, the controller's Deployment) as eight official charts render it by default."""
    documents = yaml.safe_load_all((samples / "rendered" / f"{request.param}.yaml").read_text())
    return request.param, next(found for found in documents if found and found["kind"] == "Deployment")
