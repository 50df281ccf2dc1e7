"""What a command loads of the Kubernetes client, and that others still find the rest."""

from __future__ import annotations

import subprocess
import sys

UNUSED = ("kubernetes.client", "kubernetes.config", "requests", "requests_oauthlib")


def said(code: str) -> str:
    argv = [sys.executable, "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_the_synchronous_client_is_not_loaded() -> None:
    loaded = f"import sys, blueshift.cluster.access; print([n for n in {UNUSED!r} if n in sys.modules])"
    assert said(loaded) == "[]"


def test_whoever_asks_for_it_gets_it() -> None:
    code = (
        "import blueshift.cluster.access, kubernetes; from kubernetes import config; "
        "print(kubernetes.client.CoreV1Api.__name__, config.load_kube_config.__name__, "
        "hasattr(kubernetes, 'nothing_of_that_name'))"
    )
    assert said(code) == "CoreV1Api load_kube_config False"
