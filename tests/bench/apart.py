"""As `counted`, but every check asks for itself: what it is worth that they share a look is measured."""

from __future__ import annotations

import sys

from blueshift.app.session import Session
from blueshift.cluster.api import KubeApi
from blueshift.cluster.rules import Rules
from tests.bench import counted


async def _untold(_kube: KubeApi, _namespace: str) -> Rules:
    return Rules()


if __name__ == "__main__":
    Session.one_look = lambda self: self  # type: ignore[method-assign]
    KubeApi.rules = _untold  # type: ignore[assignment,method-assign]
    counted.main(sys.argv[1:])
