"""Which cluster this is; free of every client library, so that plans load fast."""

from __future__ import annotations

import msgspec


class Cluster(msgspec.Struct, frozen=True):
    """A cluster as a person tells it from another."""

    server: str
    """Address of the API server as the kubeconfig has it."""
    context: str
    uid: str
    """UID of the namespace kube-system: the same by whatever address and name it is reached."""
    version: str
    """gitVersion, say v1.37.2."""
