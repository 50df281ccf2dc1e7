"""One revision of a Helm release as an effect: Helm does not wait for pods, Blueshift watches the rollout."""

from __future__ import annotations

from blueshift.engine.protocol import (
    Absent,
    Done,
    Foreign,
    InFlight,
    Intent,
    Journalled,
    Observed,
    Way,
)
