"""Commands of the demo's own in a lab, so that it judges without the product's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from blueshift.lab import facts
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run


async def kubectl(lab: Lab, *arguments: str, stdin: str | None = None) -> str:
    """Run the lab's kubectl as cluster admin. Raises BlueshiftError with what it said."""
    argv = [str(facts.of(lab).tools / "kubectl"), "--kubeconfig", str(lab.kubeconfig), *arguments]
    return await run(entered(lab, argv), f"kubectl {arguments[0]}", stdin=stdin)


async def helm(lab: Lab, *arguments: str, stdin: str | None = None) -> str:
    """Run the lab's helm as cluster admin. Raises BlueshiftError with what it said."""
    argv = [str(facts.of(lab).tools / "helm"), "--kubeconfig", str(lab.kubeconfig), *arguments]
    return await run(entered(lab, argv), f"helm {arguments[0]}", stdin=stdin)


async def listed(lab: Lab, *arguments: str) -> list[dict[str, Any]]:
    """The items of a `kubectl get`."""
    text = await kubectl(lab, "get", *arguments, "-o", "json")
    items: list[dict[str, Any]] = msgspec.json.decode(text)["items"]
    return items


async def apply(lab: Lab, objects: Sequence[dict[str, Any]]) -> None:
    """Create or change objects, in their order."""
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    text = msgspec.json.encode(bundle).decode()
    await kubectl(lab, "apply", "--server-side", "-f", "-", stdin=text)


def entered(lab: Lab, argv: Sequence[str], *, clients: bool = False) -> list[str]:
    """`argv` in the lab's network, or in its clients'; the process id stays the caller's to signal."""
    return within(lab.clients_netns_path if clients else lab.netns_path, argv)


def within(netns: Path, argv: Sequence[str]) -> list[str]:
    """`argv` in a network namespace; the process id stays the caller's to signal."""
    return ["nsenter", f"--net={netns}", "--", *argv]
