"""Words from people to a run, over an object that the runner only reads.

ConfigMap `blueshift-run-<id>` in the control namespace (default `blueshift-control`): one key per answered
standstill. An approval carries run, step and standstill number, and opens that standstill only.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.store import RUN_LABEL, ensure_namespace, object_name
from blueshift.errors import BlueshiftError


class _Word(msgspec.Struct, frozen=True):
    run: str
    approval: Approval


async def approval(kube: KubeApi, namespace: str, run: str, standstill: Standstill) -> Approval | None:
    """The approval of this standstill, if somebody gave one."""
    found = await kube.find(paths.core("configmaps", namespace, object_name(run)))
    text = ((found or {}).get("data") or {}).get(_key(standstill.number))
    if text is None:
        return None
    try:
        word = msgspec.json.decode(text, type=_Word)
    except msgspec.MsgspecError:
        return None  # not ours to judge: somebody wrote by hand; the gate stays closed
    given = word.approval
    meant = (word.run, given.standstill, given.step, given.gate)
    return given if meant == (run, standstill.number, standstill.step, standstill.gate) else None


async def approve(
    kube: KubeApi, namespace: str, journal: Journal, gate: str, *, by: str, at: datetime, reason: str = ""
) -> Approval:
    """Open the gate at which a run stands. Raises BlueshiftError when it does not stand there."""
    still = journal.standstill
    if still is None or not still.gate:
        raise BlueshiftError(
            f"run {journal.run} waits at no gate ({journal.status})",
            hint=f"`blueshift status {journal.run}` shows where it is",
        )
    if still.gate != gate:
        raise BlueshiftError(
            f"run {journal.run} waits at the gate {still.gate}, not {gate}",
            hint=f"`blueshift approve {journal.run} {still.gate}`",
        )
    given = Approval(still.number, still.step, gate, by, at, reason)
    await ensure_namespace(kube, namespace)
    key, text = _key(still.number), msgspec.json.encode(_Word(journal.run, given)).decode()
    name = object_name(journal.run)
    path = paths.core("configmaps", namespace, name)
    if await kube.find(path) is None:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {RUN_LABEL: journal.run}},
            "data": {key: text},
        }
        try:
            await kube.create(paths.core("configmaps", namespace), body)
        except Conflict:
            await kube.patch(path, {"data": {key: text}})
    else:
        await kube.patch(path, {"data": {key: text}})
    return given


def _key(standstill: int) -> str:
    return f"standstill-{standstill}"
