"""How a person reaches the cluster and the name server in the commands that we print."""

from __future__ import annotations

import shlex


class Places:
    """How a person reaches the cluster and the name server: flags and files, never a secret."""

    def __init__(self, *, kubeconfig: str | None, context: str | None, nsupdate: str, server: str) -> None:
        self.helm = "helm" + _flag("--kubeconfig", kubeconfig) + _flag("--kube-context", context)
        self.kubectl = "kubectl" + _flag("--kubeconfig", kubeconfig) + _flag("--context", context)
        self.nsupdate = nsupdate
        """`nsupdate -k FILE`."""
        self.server = server
        """`server ADDRESS PORT`, as nsupdate reads it."""


def _flag(name: str, value: str | None) -> str:
    return f" {name} {shlex.quote(value)}" if value else ""
