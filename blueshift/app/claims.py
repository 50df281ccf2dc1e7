"""Who may carry a run: one per release at a time, also when their journals are in different namespaces."""

from __future__ import annotations

import msgspec

from blueshift.app.carry import holder
from blueshift.engine.journal import OVER, Journal
from blueshift.engine.lease import Claim, Lease, told_run
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError


class TakeOver(msgspec.Struct, frozen=True):
    """From which process a run is taken, and why."""

    holder: str
    reason: str = ""


def lease_of(runs: Runs, release: str, namespace: str) -> Lease:
    """The lease of a release, for this process; not taken yet."""
    return Lease(runs.kube, runs.clock, namespace, release, holder(), runs.namespace)


async def claimed(runs: Runs, release: str, namespace: str, run: str) -> Lease:
    """The lease of a release, taken for `run`.

    Raises Held when a living process has it, BlueshiftError while it speaks of another run that is not over.
    """
    lease = lease_of(runs, release, namespace)
    await lease.acquire(run, lambda claim: _none_pending(runs, run, claim))
    return lease


async def unfinished(runs: Runs, release: str, namespace: str) -> list[Journal]:
    """Runs of a release that are not over."""
    return [
        journal
        for journal in await runs.all()
        if (journal.release, journal.namespace) == (release, namespace) and journal.status not in OVER
    ]


async def nobody_else(runs: Runs, release: str, namespace: str) -> None:
    """Raises BlueshiftError, naming run and holder, while a run of the release is not over."""
    for journal in await unfinished(runs, release, namespace):
        raise _not_over(journal, journal.run)


async def _none_pending(runs: Runs, run: str, claim: Claim) -> None:
    """Raises BlueshiftError while another run than `run`, which a lease speaks of, is not over.

    The lease is one per release and cluster: by it runs of different state namespaces know of each other.
    """
    if claim.run == run:
        return
    here = runs.namespace
    found = await Runs(runs.kube, runs.clock, claim.state or here).find(claim.run)
    if found is not None and found.journal.status not in OVER:
        raise _not_over(found.journal, told_run(claim, here))


def same_cluster(run: str, its: str, here: str) -> None:
    """Raises BlueshiftError for a run of another cluster than this one (kube-system UIDs)."""
    if its != here:
        raise BlueshiftError(
            f"run {run} belongs to the cluster {its}, and this one is {here}",
            hint="name the right one by --kubeconfig or --context",
        )


async def carrier(runs: Runs, journal: Journal) -> Claim:
    """Who carries a run, alive or not. Raises BlueshiftError when nobody does."""
    claim = await lease_of(runs, journal.release, journal.namespace).claim()
    if claim is None or not claim.holder or claim.run != journal.run:
        raise BlueshiftError(
            f"nobody carries run {journal.run} ({journal.status})",
            hint=f"`blueshift resume {journal.run}` carries it on",
        )
    return claim


def _not_over(journal: Journal, told: str) -> BlueshiftError:
    why = f" ({journal.said})" if journal.said else ""
    return BlueshiftError(
        f"run {journal.run} of {journal.release} is not over: it is {journal.status}, "
        f"held by {journal.holder or 'nobody'} since {journal.created:%Y-%m-%d %H:%M} UTC{why}",
        hint=f"`blueshift status {told}` shows it, `blueshift resume {told}` carries it "
        f"on, `blueshift rollback {told}` takes it back",
    )
