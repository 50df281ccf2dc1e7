"""The Lease says who is alive; the journal, not the Lease, is the fence.

One Lease per release, `blueshift-<release>` in the release's namespace, so that two operators meet at it
whatever their state namespace is. Whether a holder lives is judged as client-go does it: by *watching
the record change*, never by comparing its timestamps with our clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, NotFound
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

RUN_ANNOTATION = "blueshift.dev/run"
STATE_ANNOTATION = "blueshift.dev/state-namespace"
DURATION = 15.0
RENEW = 5.0


class Held(BlueshiftError):
    """Another process upgrades this release."""


class Claim(msgspec.Struct, frozen=True):
    """What a Lease says: a run, the namespace of its journal, and who carries it (empty: nobody)."""

    run: str
    state: str
    holder: str
    since: str


class Lease:
    """This process's claim on one release. `state` is the namespace in which its run is journalled."""

    def __init__(
        self, kube: KubeApi, clock: Clock, namespace: str, release: str, holder: str, state: str
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._collection = paths.apis("coordination.k8s.io/v1", "leases", namespace)
        self._name = f"blueshift-{release}"
        self._path = paths.apis("coordination.k8s.io/v1", "leases", namespace, self._name)
        self._state = state
        self.holder = holder
        self.lost: BlueshiftError | None = None
        """Set when another run took the lease."""

    async def claim(self) -> Claim | None:
        """What it says now, None where there is none."""
        found = await self._kube.find(self._path)
        return None if found is None else _claim(found)

    async def acquire(self, run: str, allowed: Callable[[Claim], Awaitable[None]]) -> None:
        """Take the lease for `run`; waits up to its duration to see whether a holder still renews it.

        Raises Held, naming the holder, when it does, and what `allowed` raises for what it said until now.
        """
        claim: dict[str, Any] = {}
        while True:
            found = await self._kube.find(self._path)
            if found and claim and found["spec"] == claim["spec"]:
                return  # the answer to our own claim was lost
            try:
                if found is None:
                    claim = self._body(run, {})
                    await self._kube.create(self._collection, claim)
                    return
                if _holder(found):
                    await self._see_it_dead(found)
                await allowed(_claim(found))
                latest = await self._kube.get(self._path)
                if _holder(latest) != _holder(found):
                    continue
                claim = self._body(run, latest)
                await self._kube.replace(self._path, claim)
            except (Conflict, NotFound, Ambiguous):
                continue
            return

    async def seize(self, run: str, holder: str) -> None:
        """Take the lease of `run` from `holder`, alive or not. Raises Held when it is not theirs any more."""
        while True:
            found = await self._kube.find(self._path)
            if found is not None and _holder(found) == self.holder:
                return  # the answer to our own claim was lost
            if found is None or (_holder(found), _claim(found).run) != (holder, run):
                raise Held(
                    f"run {run} is no longer carried by {holder}: nothing was changed",
                    hint=f"`blueshift status {run}` shows who carries it",
                )
            try:
                await self._kube.replace(self._path, self._body(run, found))
            except (Conflict, NotFound, Ambiguous):
                continue
            return

    async def _see_it_dead(self, found: Mapping[str, Any]) -> None:
        seen = found["metadata"]["resourceVersion"]
        began = self._clock.now()
        while self._clock.now() - began < float(found["spec"].get("leaseDurationSeconds", DURATION)):
            await self._clock.sleep(1.0)
            now = await self._kube.find(self._path)
            if now is None or not _holder(now):
                return
            if now["metadata"]["resourceVersion"] != seen:
                claim = _claim(now)
                run = told_run(claim, self._state)
                raise Held(
                    f"{self._name.removeprefix('blueshift-')} is being upgraded by {claim.holder}, "
                    f"run {claim.run}, since {claim.since or 'an unknown time'}",
                    hint=f"`blueshift status {run}` shows it; `blueshift takeover {run}` takes it from that "
                    f"process; when it is gone for good, `blueshift resume {run}` carries it on",
                )

    async def keep(self) -> None:
        """Renew until cancelled. A lost lease sets `lost`; an unreachable API is tried again."""
        while True:
            await self._clock.sleep(RENEW)
            try:
                found = await self._kube.get(self._path)
                if _holder(found) != self.holder:
                    claim = _claim(found)
                    self.lost = Held(
                        f"run {claim.run} was taken over by {claim.holder or 'nobody'}: "
                        "this process does nothing more",
                        hint=f"`blueshift status {told_run(claim, self._state)}` shows how it goes on",
                    )
                    return
                found["spec"]["renewTime"] = _micro(self._clock.utc())
                await self._kube.replace(self._path, found)
            except (Conflict, Retryable, Ambiguous):
                continue
            except NotFound:
                self.lost = Held(f"{self._name} was deleted meanwhile")
                return

    def check(self) -> None:
        """Raise when the lease was lost."""
        if self.lost:
            raise self.lost

    async def release(self, *, finished: bool) -> None:
        """Let go: delete it after a finished run, else leave it pointing at the run with no holder."""
        try:
            found = await self._kube.get(self._path)
            if _holder(found) != self.holder:
                return
            if finished:
                await self._kube.delete(self._path, uid=found["metadata"]["uid"])
                return
            found["spec"]["holderIdentity"] = ""
            await self._kube.replace(self._path, found)
        except (NotFound, Conflict, Retryable, Ambiguous):
            return  # it runs out by itself

    def _body(self, run: str, found: Mapping[str, Any]) -> dict[str, Any]:
        now = _micro(self._clock.utc())
        transitions = int(found.get("spec", {}).get("leaseTransitions", 0)) + bool(found)
        metadata = {
            "name": self._name,
            "labels": {"app.kubernetes.io/managed-by": "blueshift"},
            "annotations": {RUN_ANNOTATION: run, STATE_ANNOTATION: self._state},
        }
        if found:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": int(DURATION),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }


def told_run(claim: Claim, here: str) -> str:
    """The run as an argument of commands that are given with `here` as their state namespace."""
    return claim.run if claim.state in ("", here) else f"{claim.run} --state-namespace {claim.state}"


def _claim(lease: Mapping[str, Any]) -> Claim:
    noted = lease["metadata"].get("annotations") or {}
    return Claim(
        run=noted.get(RUN_ANNOTATION, "?"),
        state=noted.get(STATE_ANNOTATION, ""),
        holder=_holder(lease),
        since=lease["spec"].get("acquireTime") or "",
    )


def _holder(lease: Mapping[str, Any]) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _micro(instant: datetime) -> str:
    """MicroTime as Kubernetes writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
