"""Who called sudo: what a lab gives to people is theirs, and not root's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

ELEVATED = "BLUESHIFT_ELEVATED"
"""Set when a command line started itself again by sudo."""


def hand_over(paths: Iterable[Path]) -> None:
    """Give files of mode 0600 to the person who called sudo."""
    user = os.environ.get("SUDO_UID")
    if user is not None and os.geteuid() == 0:
        for path in paths:
            os.chown(path, int(user), int(os.environ["SUDO_GID"]))


def step_down(environment: Mapping[str, str]) -> dict[str, str]:
    """Be again who called sudo, for good; their environment, without what sudo made of it."""
    name, group = environment["SUDO_USER"], int(environment["SUDO_GID"])
    os.initgroups(name, group)
    os.setgid(group)
    os.setuid(int(environment["SUDO_UID"]))
    theirs = {k: v for k, v in environment.items() if k != ELEVATED and not k.startswith("SUDO_")}
    return theirs | {"USER": name, "LOGNAME": name}
