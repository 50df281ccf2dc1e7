"""What Helm keeps of a release, and who applied it how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blueshift.discovery.raw import Raw, listed
from blueshift.discovery.seen_helm import Client, Kept
from blueshift.helm.records import ReleaseRecord, history

if TYPE_CHECKING:
    from blueshift.cluster.api import KubeApi

MANAGER = "helm"
"""Field manager of the helm program, 3 and 4: the name that it was started by."""


async def kept(kube: KubeApi, record: ReleaseRecord) -> Kept:
    """The revisions that are left, oldest first."""
    found = await history(kube, record.namespace, record.name)
    return Kept(tuple(one.revision for one in found))


def client(record: ReleaseRecord, workload: Raw, version: str) -> Client:
    """By the record and the live workload; `version` is of the helm program here."""
    fields = listed(workload, "metadata", "managedFields")
    operations = {str(one.get("operation")) for one in fields if one.get("manager") == MANAGER}
    return Client(version, record.apply_method, tuple(sorted(operations)))
