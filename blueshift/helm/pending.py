"""A revision that our own intent announced: is it in the world, at work, dead, or somebody else's?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from blueshift.cluster import paths
from blueshift.errors import BlueshiftError
from blueshift.helm.records import ReleaseRecord, decode, encode, secret_name

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

# The intent's instant and the record's are of the API server's clock, both of whole seconds.
_SKEW = timedelta(seconds=5)
# Beyond --timeout: helm is stopped 60 s after it (client.MARGIN) and has 10 s to say so.
_MARGIN = timedelta(seconds=75)

Standing = Literal["absent", "done", "in_flight", "dead", "failed", "foreign"]


class RevisionIntent(msgspec.Struct, frozen=True):
    """What was journalled before helm was started."""

    previous: int
    """The newest revision then; 0 for an install."""
    values_hash: str
    chart_hash: str
    at: datetime
    """When the intent was journalled, by the corrected clock."""
    timeout: float
    """Seconds: helm's --timeout."""


def standing(record: ReleaseRecord | None, intent: RevisionIntent, now: datetime) -> Standing:
    """Where the announced revision stands, given the newest record.

    `absent`: nothing happened. `done`: deployed. `in_flight`: pending, and a helm may still be at work on
    it. `dead`: pending beyond any helm's time; `recover` may end it. `failed`: Helm gave up.
    `foreign`: the newest revision is not the one announced (`why_foreign` says how).
    """
    if record is None:
        return "foreign" if intent.previous else "absent"
    if record.revision == intent.previous:
        return "absent"
    if why_foreign(record, intent):
        return "foreign"
    if record.pending:
        began = record.created or intent.at
        over = now > began + timedelta(seconds=intent.timeout) + _MARGIN
        return "dead" if over else "in_flight"
    return "done" if record.status == "deployed" else "failed"


def why_foreign(record: ReleaseRecord | None, intent: RevisionIntent) -> str:
    """What tells the newest record from the one announced; empty when nothing does."""
    if record is None:
        return "the release is gone" if intent.previous else ""
    began = record.created or record.last_deployed
    told = (
        (
            record.revision == intent.previous + 1,
            f"it is revision {record.revision}, not {intent.previous + 1}",
        ),
        (record.values_hash == intent.values_hash, "its values are others"),
        (record.chart_hash == intent.chart_hash, "its chart is another"),
        (
            began is None or began >= intent.at - _SKEW,
            f"it was made at {began}, before this run meant to ({intent.at})",
        ),
    )
    differences = [text for alike, text in told if not alike]
    return "; ".join(differences)


async def recover(kube: KubeApi, record: ReleaseRecord) -> None:
    """Mark a pending revision as failed, so that Helm upgrades again. Only for one that is `dead`.

    A compare-and-swap on the very Secret: raises Conflict when it was changed meanwhile, BlueshiftError
    when it is no longer pending.
    """
    path = paths.core("secrets", record.namespace, secret_name(record.name, record.revision))
    secret = await kube.get(path)
    raw = decode(secret)
    if raw["info"]["status"] != record.status or not record.pending:
        raise BlueshiftError(
            f"revision {record.revision} of {record.name} is {raw['info']['status']} now",
            hint=f"`helm history {record.name} -n {record.namespace}` shows it",
        )
    raw["info"]["status"] = "failed"
    raw["info"]["description"] = f"was left {record.status}; marked as failed by blueshift"
    secret["data"]["release"] = encode(raw)
    secret["metadata"]["labels"]["status"] = "failed"
    await kube.replace(path, secret)
