"""Requests and errors per second of a side, from two looks at its pods' counters."""

from __future__ import annotations

from collections.abc import Sequence

from blueshift.steps.witness import Look
from blueshift.traffic.judge import is_error
from blueshift.traffic.metrics import Sample, delta


class Rates:
    """Keeps the last sample of each pod."""

    def __init__(self) -> None:
        self._last: dict[str, Sample] = {}

    def add(self, looks: Sequence[Look]) -> tuple[float | None, float | None]:
        """(requests/s, errors/s) since the last look; None where no pod was seen twice."""
        requests = errors = 0.0
        seen = False
        for look in looks:
            if look.sample is None:
                continue
            before = self._last.get(look.pod)
            self._last[look.pod] = look.sample
            if before is None or look.sample.at <= before.at:
                continue
            seen = True
            seconds = look.sample.at - before.at
            for series, count in delta(before, look.sample).counts.items():
                requests += count / seconds
                errors += count / seconds if is_error(series.status) else 0.0
        return (requests, errors) if seen else (None, None)
