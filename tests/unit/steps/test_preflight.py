"""The preflight step says without which checks the run was opened."""

from __future__ import annotations

from blueshift.app.plans import offline
from blueshift.engine.protocol import Settled
from blueshift.steps.places import Places
from blueshift.steps.simple import NoSettings, Preflight
from tests.unit.app.worlds import world

PLACES = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")


def preflight(*skipped: str) -> Preflight:
    return Preflight("forward/preflight", NoSettings(), offline(world(2), PLACES, "r1", skipped))


async def test_it_names_what_was_skipped_before_and_after() -> None:
    step = preflight("helm-gitops-owner", "dns-hosts")
    assert step.plan().summary.endswith("(exit 3); skipped: helm-gitops-owner, dns-hosts")
    passed = "the checks passed when the run was opened"
    assert await step.settle() == Settled(f"{passed}, without helm-gitops-owner, dns-hosts")
    assert await preflight().settle() == Settled(passed)
