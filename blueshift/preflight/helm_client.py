"""Checks of the chart's source, and of the Helm that makes the revisions."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_helm import Client, Kept
from blueshift.discovery.world import World
from blueshift.preflight.helm import refused
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_SMALL = 3
"""Revisions: the one before a run, and the two that it makes."""


def kube_version(world: World) -> Iterator[Seen]:
    """The charts allow this cluster, as Helm itself judges when it renders them."""
    unseen: list[str] = []
    for which, one in (("running", world.harden), ("target", world.target)):
        what = f"the {which} chart {one.chart} {one.chart_version}"
        if refused(one):
            yield fails(
                f"{what} does not allow Kubernetes {world.cluster.version}: it asks for {one.kube_version}",
                "choose a chart version that allows this cluster, or upgrade the cluster first",
            )
        elif one.error:
            unseen.append(f"{what} does not render (see helm-render)")
        else:
            asks = f"asks for {one.kube_version}" if one.kube_version else "asks for no version"
            yield passed(f"{what} {asks}, and this is {world.cluster.version}")
    if unseen:
        raise NotLooked("; ".join(unseen))


def chart_source(world: World) -> Iterator[Seen]:
    """Where the target's chart is from."""
    target = world.target
    what = f"the target's chart {target.chart} {target.chart_version}"
    kind, _, where = target.source.partition(" ")
    if not kind:
        raise NotLooked("this World was taken without keeping where the chart is from")
    if kind == "record":
        yield tells(
            f"{what} is rebuilt from Helm's record of revision {world.release.revision}: it renders the "
            "same, but comments in values.yaml, a signature and subcharts are not in a record"
        )
    elif kind == "path":
        yield tells(f"{what} is read from {where} on this machine; a run keeps a copy of it in the cluster")
    else:
        yield passed(f"{what} is from the {kind} {where}")


def history_max(world: World) -> Iterator[Seen]:
    """Helm keeps the revision that a way back by hand needs."""
    kept = found(world, "helm-history-max", Kept).revisions
    name, revision = world.release.name, world.release.revision
    pruned = bool(kept) and kept[0] > 1 and len(kept) < _SMALL
    if pruned:
        yield tells(
            f"Helm has {len(kept)} of {revision} revisions of {name} left, as with --history-max "
            f"{len(kept)}: the next upgrade so prunes revision {revision}; a run prunes none, keeps a "
            "copy of it, and `blueshift revert` goes by the copy"
        )
    else:
        yield passed(f"{len(kept)} revisions of {name} are left, and a run prunes none")


def client(world: World) -> Iterator[Seen]:
    """The same kind of Helm makes the next revision as made the last."""
    seen = found(world, "helm-client", Client)
    if not seen.version:
        raise NotLooked("the version of helm was not asked")
    new = seen.version.partition(".")[0]
    old = "4" if seen.apply_method else "3"
    last = "on the server" if seen.apply_method == "ssa" else "by the client"
    mixed = seen.apply_method != "ssa" and "Apply" in seen.operations
    if old == "4" and new == "3":
        yield warns(
            f"Helm 4 made the running revision, applied {last}, and helm {seen.version} would make the next "
            "by the client: fields that others own are overwritten without a conflict",
            "put Helm 4 first on PATH for the run",
        )
    elif old == "3" and new == "4":
        yield tells(
            f"Helm 3 made the running revision, and helm {seen.version} would make the next, by the client "
            "as before (--server-side=auto); the temporary release, being new, is applied on the server"
        )
    elif mixed:
        yield tells(
            "the running revision was applied by the client, and an older one on the server: the manager "
            "helm owns fields of the workload both ways"
        )
    else:
        yield passed(f"Helm {old} made the running revision, applied {last}; helm {seen.version} goes on so")


def reuse_values(world: World) -> Iterator[Seen]:
    """The target's values are for the target's chart."""
    target = world.target
    if target.forgotten is None:
        raise NotLooked("this World was taken without comparing the charts' values")
    if target.forgotten:
        yield warns(
            f"values are set that {target.chart} {target.chart_version} knows no more, and the running chart "
            f"does: {brief(target.forgotten)}",
            "they have no effect then: look in the chart's notes what became of them, and set that in "
            "`values.inline` or a file of `values.files`",
            target.forgotten,
        )
    if target.strange:
        yield warns(
            f"values stand at the top that {target.chart} {target.chart_version} does not know: "
            f"{brief(target.strange)}",
            "they have no effect: see how they are written and indented; `helm show values` has the chart's",
            target.strange,
        )
    if world.harden.reused:
        yield tells(
            f"revision {world.release.revision} looks as if it was made with --reuse-values: the defaults in "
            "its record hold everything that was set, so they may be those of an older chart; a run sets "
            "values anew on the target's own defaults (--reset-values)"
        )
    if not (target.forgotten or target.strange) and not world.harden.reused:
        yield passed(f"{target.chart} {target.chart_version} knows every value that the running chart knows")
