"""What must hold of a cell after its run: all is as after an undisturbed one, and nothing foreign moved."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import msgspec

from blueshift.lab.demo.inside import entered, helm, listed
from blueshift.lab.nameservers import zone
from blueshift.lab.processes import run
from tests.crash.cells import CELL, Cell

_KINDS = (
    "namespaces,clusterroles,clusterrolebindings,ingressclasses,validatingwebhookconfigurations,deployments,"
    "services,configmaps,secrets,serviceaccounts,roles,rolebindings,ingresses,leases,poddisruptionbudgets"
)
_OURS = re.compile(r"^(blueshift|blueshift-control)$")
_MOVING = ("kube-node-lease", "kube-system")
"""Where leases change by themselves."""
_FLEETING = frozenset({"resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"})
_REVISION = "deployment.kubernetes.io/revision"
_MADE = re.compile(r"^ +(ca|cert|key|caBundle): \S+$", re.MULTILINE)
"""What a chart makes anew for each release: the certificate of its webhook."""


class Seen(msgspec.Struct, frozen=True):
    """One look at a cell and at everything around it."""

    own: tuple[str, ...]
    """What there is of the cell: `Kind [namespace/]name`."""
    state: dict[str, Any]
    """Release, manifests and answers, without what differs from cell to cell."""
    foreign: dict[str, str]
    """Every object of nobody's cell and every one of the cell's that is no release's: name → fingerprint."""


async def look(cell: Cell) -> Seen:
    """Look, by kubectl, helm and dig."""
    items, manifest, values, listing, answers = await asyncio.gather(
        listed(cell.lab, _KINDS, "-A"),
        helm(cell.lab, "get", "manifest", cell.name, "-n", cell.name),
        helm(cell.lab, "get", "values", cell.name, "-n", cell.name, "-o", "json"),
        helm(cell.lab, "list", "-n", cell.name, "-o", "json"),
        _answers(cell),
    )
    mine = [item for item in items if cell.name in _named(item)]
    around = [item for item in items if not CELL.search(_named(item)) and not _ours(item)]
    releases = msgspec.json.decode(listing)
    state = {
        "releases": [(_plain(cell, one["name"]), one["status"], one["chart"]) for one in releases],
        "manifest": hashlib.sha256(_MADE.sub("", _plain(cell, manifest)).encode()).hexdigest(),
        "values": _plain(cell, values),
        "live": _plain(cell, msgspec.json.encode(_live(mine), order="sorted").decode()),
        "answers": answers,
    }
    ingresses = [item for item in mine if item["kind"] == "Ingress"]
    return Seen(
        own=tuple(sorted(_plain(cell, _named(item)) for item in mine if not _fades(item))),
        state=state,
        foreign={_named(item): _fingerprint(item) for item in (*around, *ingresses)},
    )


def differences(before: Seen, after: Seen, wanted: Seen) -> tuple[str, ...]:
    """What of `after` is not as it must be; `wanted` is the undisturbed cell after its run."""
    found = [
        f"{part}: {after.state[part]!r} instead of {wanted.state[part]!r}"
        for part in wanted.state
        if after.state[part] != wanted.state[part]
    ]
    found += [f"left over: {name}" for name in after.own if name not in wanted.own]
    found += [f"missing: {name}" for name in wanted.own if name not in after.own]
    return (*found, *touched(before, after))


def touched(before: Seen, after: Seen) -> tuple[str, ...]:
    """What is nobody's of the run and was changed all the same."""
    return tuple(
        f"foreign, changed: {name}" for name, was in before.foreign.items() if after.foreign.get(name) != was
    )


def _live(items: list[dict[str, Any]]) -> list[Any]:
    """What people would see of the release's workload and Service."""
    return sorted(
        (item["kind"], item["metadata"]["name"], _spec(item), item["metadata"].get("labels", {}))
        for item in items
        if item["kind"] in ("Deployment", "Service") and item["metadata"].get("namespace")
    )  # fmt: skip


def _spec(item: dict[str, Any]) -> str:
    spec = dict(item["spec"])
    for field in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
        spec.pop(field, None)
    ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in spec.get("ports", ())]
    return msgspec.json.encode(spec | ({"ports": ports} if ports else {}), order="sorted").decode()


async def _answers(cell: Cell) -> dict[str, list[str]]:
    known = zone(cell.lab)
    found = {}
    for server in (known.primary[0], known.secondary[0]):
        words = [word for host in cell.hosts for kind in ("A", "AAAA") for word in (host, kind)]
        text = await run(
            entered(cell.lab, ["dig", f"@{server}", "+noall", "+answer", "+nottlunits", *words]), "dig"
        )
        found[server] = sorted(" ".join(line.split()) for line in text.splitlines() if line)
    return found


def answers(before: Seen, after: Seen) -> tuple[str, ...]:
    """Names that are not as they were, TTL too; each cell has addresses of its own."""
    was, now = before.state["answers"], after.state["answers"]
    return () if was == now else (f"names: {now} instead of {was}",)


def _plain(cell: Cell, text: str) -> str:
    return text.replace(cell.name, "CELL")


def _named(item: dict[str, Any]) -> str:
    metadata = item["metadata"]
    within = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{item['kind']} {within}{metadata['name']}"


def _ours(item: dict[str, Any]) -> bool:
    metadata = item["metadata"]
    place = metadata.get("namespace", metadata["name"] if item["kind"] == "Namespace" else "")
    return bool(_OURS.match(place)) or (item["kind"] == "Lease" and place in _MOVING)


def _fades(item: dict[str, Any]) -> bool:
    """Whether an object comes and goes by itself: the state of runs, leases, Helm's records of revisions."""
    record = item.get("type") == "helm.sh/release.v1"
    own = record and item["metadata"]["name"].startswith(
        f"sh.helm.release.v1.{item['metadata']['namespace']}."
    )
    return _ours(item) or item["kind"] == "Lease" or own


def _fingerprint(item: dict[str, Any]) -> str:
    kept = {key: value for key, value in item.items() if key != "status"}
    metadata = {key: value for key, value in item["metadata"].items() if key not in _FLEETING}
    body = msgspec.json.encode(kept | {"metadata": metadata}, order="sorted")
    return hashlib.sha256(body).hexdigest()
