"""Runs a command inside the lab's network. Nothing stays in between: this process becomes the command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from blueshift.errors import BlueshiftError
from blueshift.lab import facts, namespaces
from blueshift.lab.ownership import ELEVATED, step_down
from blueshift.lab.paths import Lab

# Name services that answer past /etc/resolv.conf, by a socket that leads out of the lab.
_PAST_RESOLV_CONF = (Path("/run/systemd/resolve/io.systemd.Resolve"), Path("/run/nscd/socket"))


def become(lab: Lab, argv: Sequence[str], *, clients: bool = False) -> NoReturn:
    """Replace this process by `argv`, in the lab's network (or its clients') and with its resolver.

    Keeps terminal, folder, environment and signals; adds KUBECONFIG, and the lab's kubectl and helm first on
    PATH. Raises BlueshiftError when the lab is not up or there is no such program.
    """
    settled = facts.of(lab)
    namespaces.enter(lab.clients_netns_path if clients else lab.netns_path, namespaces.NEW_NETWORK)
    # A mount namespace, and not `ip netns exec`, which mounts /sys anew and so hides the cgroups.
    namespaces.private_mounts()
    if Path("/etc/resolv.conf").exists():
        namespaces.bind(lab.config / "resolv.conf", Path("/etc/resolv.conf"))
    for way_out in _PAST_RESOLV_CONF:
        if way_out.exists():
            namespaces.bind(Path("/dev/null"), way_out)
    environment = dict(os.environ)
    environment["KUBECONFIG"] = str(lab.kubeconfig)
    environment["PATH"] = f"{settled.tools}:{environment.get('PATH', os.defpath)}"
    if ELEVATED in environment:
        environment = step_down(environment)
    try:
        os.execvpe(argv[0], list(argv), environment)  # noqa: S606
    except OSError as error:
        raise BlueshiftError(f"{argv[0]}: {error.strerror}") from error
