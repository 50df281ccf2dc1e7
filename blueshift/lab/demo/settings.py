"""What the demo tells Blueshift: a blueshift.yaml as users write one, with shorter times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from blueshift.dns.agreement import ROUNDS
from blueshift.lab.charts import chart
from blueshift.lab.demo.world import NAMESPACE, RELEASE, TO, World
from blueshift.lab.nameservers import zone

LOW_TTL = 2
"""Seconds. The playbook's drain takes ten times this as its least, and that is the lab's `at_least`."""
AGREE_EVERY = 1
"""Seconds between the rounds in which all servers must agree."""
WAVES = 3
"""The playbook's own: a canary, a tenth, the rest."""

OVERRIDES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # Lengths of time and `auto`, and nothing else: what is proven, and by what, stays the playbook's.
        "lower-ttl": {"ttl": f"{LOW_TTL}s", "margin": "2s", "agree_every": f"{AGREE_EVERY}s"},
        "install-temporary": {"answering": "10s"},
        "shift-to-temporary": {"hold": "10s", "agree_every": f"{AGREE_EVERY}s"},
        "drain-primary": {"at_least": "20s", "window": "15s", "agree_every": f"{AGREE_EVERY}s"},
        "harden": {"shutdown_grace": "5s", "min_ready": "1s"},
        "upgrade": {"shutdown_grace": "5s", "min_ready": "1s"},
        "shift-to-primary": {"hold": "10s", "agree_every": f"{AGREE_EVERY}s"},
        "drain-temporary": {"at_least": "20s", "window": "15s", "agree_every": f"{AGREE_EVERY}s"},
        "soak": {"lasts": "25s"},
        "purge": {"auto": True, "agree_every": f"{AGREE_EVERY}s"},
        "restore-ttl": {"agree_every": f"{AGREE_EVERY}s"},
    }
)


def inherent_wait(ttl: int) -> float:
    """Seconds that these settings make any run wait, however fast everything else is; `ttl` was the old one.

    Of a drain it is what is left of its least after the last wave was watched. The servers are seen to agree
    after lowering the TTL, at every wave, before the purge and at the end.
    """
    old_answers = ttl * 1.1 + 2
    shifts = 2 * (WAVES * 10 + max(20, 10 * LOW_TTL, 15) - 10)
    agreements = (1 + 2 * WAVES + 2) * (ROUNDS - 1) * AGREE_EVERY
    return old_answers + agreements + 10 + shifts + 20


def write(
    world: World,
    *,
    values: Mapping[str, Any] = MappingProxyType({}),
    overrides: Mapping[str, Mapping[str, Any]] = OVERRIDES,
    key_file: Path | None = None,
) -> Path:
    """Write the settings into the demo's folder; `values` are laid over the running ones. The file."""
    known = zone(world.lab)
    settings = {
        "release": {"name": RELEASE, "namespace": NAMESPACE},
        "chart": {"path": str(chart(TO))},
        "values": {"base": "running", "inline": dict(values)},
        "dns": {
            "backend": "rfc2136",
            "settings": {"server": known.primary[0], "key": {"file": str(key_file or known.key_file)}},
        },
        "overrides": {step: dict(given) for step, given in overrides.items()},
    }
    path = world.folder / "blueshift.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path
