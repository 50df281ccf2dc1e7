"""What helm says becomes the kind of error that tells whether anything may have changed."""

from __future__ import annotations

import pytest

from blueshift.errors import Ambiguous, BlueshiftError, Retryable
from blueshift.helm.command import environment, kind
from blueshift.helm.errors import (
    ChartError,
    HelmError,
    HelmLost,
    HelmUnreachable,
    ReleaseBusy,
    ReleaseNotFound,
    translate,
)

# As helm 4.3.1 and 3.22.0 wrote them.
BUSY = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
REFUSED = (
    'Error: kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp: connection refused'
)
NOT_THERE = 'Error: UPGRADE FAILED: "web" has no deployed releases'
CANCELLED = "Error: UPGRADE FAILED: release web failed: context canceled"
TEMPLATE = 'Error: parse error at (tiny/templates/map.yaml:1): function "nope" not defined'
NO_CHART = 'Error: chart "x" matching 9 not found in https://charts.example index'
CONFLICT = 'Error: UPGRADE FAILED: Apply failed with 1 conflict: conflict with "kubectl": .data.a'
OTHER = "Error: UPGRADE FAILED: cannot patch"
HOOK = "Error: UPGRADE FAILED: pre-upgrade hooks failed: Job/web not ready: context deadline exceeded"
WEBHOOK = 'Error: UPGRADE FAILED: failed calling webhook "validate.nginx": context deadline exceeded'


@pytest.mark.parametrize(
    ("said", "for_write", "for_read"),
    [
        (BUSY, ReleaseBusy, ReleaseBusy),
        (REFUSED, HelmLost, HelmUnreachable),
        (NOT_THERE, ReleaseNotFound, ReleaseNotFound),
        (CANCELLED, HelmLost, HelmUnreachable),
        (HOOK, HelmError, HelmUnreachable),
        (WEBHOOK, HelmError, HelmUnreachable),
        (TEMPLATE, ChartError, ChartError),
        (NO_CHART, ChartError, ChartError),
        (CONFLICT, HelmError, HelmError),
        (OTHER, HelmError, HelmError),
    ],
)
def test_kinds(said: str, for_write: type[BlueshiftError], for_read: type[BlueshiftError]) -> None:
    stderr = f"WARNING: Kubernetes configuration file is group-readable\n{said}\n".encode()
    theirs = kind(stderr)(1, b"", stderr)
    for write, expected in ((True, for_write), (False, for_read)):
        error = translate(theirs, "helm upgrade web", write=write)
        assert type(error) is expected
        assert error.message == said.removeprefix("Error: ")
        assert error.hint


def test_only_a_lost_line_may_have_changed_something_unseen() -> None:
    assert issubclass(HelmLost, Ambiguous)
    assert issubclass(HelmUnreachable, Retryable)
    assert not issubclass(HelmError, Ambiguous | Retryable)


def test_the_environment_cannot_lead_helm_to_another_cluster() -> None:
    ours = {
        "PATH": "/bin",
        "KUBECONFIG": "/k",
        "HELM_KUBEAPISERVER": "https://other",
        "HELM_KUBECONTEXT": "other",
        "HELM_REGISTRY_CONFIG": "/r",
    }
    assert environment(ours, None) == {"PATH": "/bin", "KUBECONFIG": "/k", "HELM_REGISTRY_CONFIG": "/r"}
