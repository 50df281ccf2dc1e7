"""The real command without its drains: `python -m tests.e2e.without ARGUMENTS…`.

Whoever still uses a side is asked neither by `drain` nor by the gate of `purge`. The product has no switch
for it.
"""

from __future__ import annotations

import sys

from blueshift.cli.main import run
from blueshift.steps import drain, purge
from blueshift.traffic.drain import Drained, DrainRules
from blueshift.traffic.witnesses import DrainEvidence


def _unasked(evidence: DrainEvidence, rules: DrainRules) -> Drained:
    return Drained("nobody looked")


def _never_busy(self: purge.PurgeGate, hosts: frozenset[str]) -> str:
    return ""


if __name__ == "__main__":
    drain.drained = _unasked  # type: ignore[attr-defined]
    purge.PurgeGate._busy = _never_busy  # type: ignore[method-assign]
    sys.exit(run(sys.argv[1:]))
