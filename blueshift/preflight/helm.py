"""Checks of the release and of the revisions that a run would make."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked
from blueshift.discovery.world import Rendered, World
from blueshift.preflight.protocol import Seen, brief, fails, passed, warns

_REFUSED = "chart requires kubeVersion"
"""Helm's words for a cluster that the chart does not allow (pkg/action: renderResources)."""
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


def release_exists(world: World) -> Iterator[Seen]:
    """A release whose newest revision is what runs."""
    release = world.release
    what = f"{release.namespace}/{release.name} revision {release.revision}"
    if release.status in ("uninstalled", "uninstalling"):
        yield fails(f"{what} is {release.status}", f"`helm history {release.name}` shows what is left of it")
    elif release.status == "failed":
        yield warns(
            f"{what} failed: what runs may be a mixture of it and of the one before",
            f"`helm history {release.name} -n {release.namespace}`; a rollback ends here again",
        )
    else:
        made = f"{release.chart} {release.chart_version} (version {release.app_version})"
        yield passed(f"{what} is {release.status}, made from {made}")


def release_pending(world: World) -> Iterator[Seen]:
    """No other Helm command is at work, or seems to be."""
    release = world.release
    if release.status in PENDING:
        yield fails(
            f"revision {release.revision} of {release.name} is {release.status}: Helm works, or was killed",
            f"wait for it; if nothing is at work, `helm rollback {release.name} -n {release.namespace}`",
        )
    else:
        yield passed(f"no Helm command is at work on {release.name}")


def gitops_owner(world: World) -> Iterator[Seen]:
    """Nobody would take back what the run changes."""
    kind, _, name = world.release.owner.partition(":")
    called = {"argocd": "the Argo CD application", "flux": "the Flux HelmRelease"}.get(kind, kind)
    if kind:
        yield fails(
            f"{world.release.name} belongs to {called} {name}, which would take back what a run changes",
            "upgrade it there, or suspend it and hand the release over to Helm first",
            (name,),
        )
    else:
        yield passed("no object of the release carries a mark of Argo CD or Flux")


def _revisions(world: World) -> tuple[tuple[str, Rendered], ...]:
    return ("temporary", world.temporary), ("hardened", world.harden), ("target", world.target)


def refused(one: Rendered) -> bool:
    """Whether it does not render because its chart does not allow this cluster: another check says that."""
    return _REFUSED in one.error


def says_why(one: Rendered) -> str:
    """The check that tells why a revision does not render."""
    return "helm-kube-version" if refused(one) else "helm-render"


def render(world: World) -> Iterator[Seen]:
    """Every revision of the run renders on this cluster, where its chart allows that."""
    bad = [(which, one) for which, one in _revisions(world) if one.error]
    for which, one in bad:
        if refused(one):
            continue
        yield fails(
            f"the {which} revision does not render from {one.chart} {one.chart_version}: {one.error}",
            "`helm template` with the same chart and values shows the same; see `values` in blueshift.yaml",
        )
    if kept := [which for which, one in bad if refused(one)]:
        raise NotLooked(f"their charts do not allow this cluster (see helm-kube-version): {', '.join(kept)}")
    if not bad:
        counts = ", ".join(f"{which} changes {len(one.objects)} objects" for which, one in _revisions(world))
        yield passed(f"all revisions render: {counts}")


def name_collision(world: World) -> Iterator[Seen]:
    """Nothing that a run would create exists already as another's, or asks for what is another's."""
    bad = False
    for which, one in _revisions(world):
        if one.collisions:
            bad = True
            yield fails(
                f"the {which} revision cannot create its objects: {brief(one.collisions)}",
                "if `blueshift status` shows a run that is not over, this is its temporary; else choose "
                "another `temporary.release` in blueshift.yaml, or remove what is left over there",
                one.collisions,
            )
        if one.fixed:
            bad = True
            yield fails(
                f"the {which} revision asks for what one release alone can have: {brief(one.fixed)}",
                "`blueshift temporary render` shows the objects; take it out of the chart or values of the "
                "primary where it is not needed, else this release cannot have a second beside it",
                one.fixed,
            )
    if not bad:
        yield passed("nothing that would be created exists already, or asks for an address that is taken")
