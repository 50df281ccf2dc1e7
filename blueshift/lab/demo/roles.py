"""The demo's people: a runner and an approver, with exactly what `blueshift rbac` prints and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from blueshift.errors import BlueshiftError
from blueshift.lab.demo import upgrade
from blueshift.lab.demo.inside import apply, kubectl
from blueshift.lab.demo.world import World
from blueshift.lab.paths import Lab
from blueshift.lab.pki import write_secret

PEOPLE = "people"
"""Namespace of their service accounts."""
_HOURS = "24h"
ROLES: Mapping[str, str] = MappingProxyType({"runner": "ann", "approver": "bob"})
"""Role → account."""


async def grant(world: World, config: Path) -> None:
    """Bind the printed roles to an account each, and write a kubeconfig for each into the demo's folder."""
    accounts = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": PEOPLE}}
        for name in ROLES.values()
    ]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PEOPLE}}
    await apply(world.lab, [namespace, *accounts])
    for role, account in ROLES.items():
        printed = await _printed(
            world.lab,
            "rbac",
            "--role",
            role,
            "--config",
            str(config),
            "--service-account",
            f"{PEOPLE}:{account}",
        )
        await kubectl(world.lab, "apply", "--server-side", "-f", "-", stdin=printed)
        token = await kubectl(world.lab, "create", "token", account, "-n", PEOPLE, f"--duration={_HOURS}")
        _kubeconfig(world.lab, upgrade.kubeconfig_of(world.lab, role), token.strip())


async def _printed(lab: Lab, *arguments: str) -> str:
    """What a command of ours prints, as cluster-admin."""
    process = await upgrade.start(lab, *arguments, admin=True, apart=True)
    out, err = await process.communicate()
    if process.returncode:
        raise BlueshiftError(f"blueshift {' '.join(arguments)}: {err.decode(errors='replace')[-2000:]}")
    return out.decode()


def _kubeconfig(lab: Lab, path: Path, token: str) -> None:
    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path.unlink(missing_ok=True)
    write_secret(path, yaml.safe_dump(config))
