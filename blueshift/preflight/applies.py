"""Checks of what the API server said when the revisions were tried on it."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_apply import Applied, Drift
from blueshift.discovery.seen_helm import Client
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns
from blueshift.preflight.revisions import changing


def _tried(world: World) -> tuple[tuple[str, Applied], ...]:
    """What each revision was answered. Raises NotLooked where one was not tried."""
    both = [(which, one.applied) for which, one in changing(world)]
    tried = tuple((which, one) for which, one in both if one is not None)
    if len(tried) < len(both):
        raise NotLooked("this World was taken without trying the objects on the API server")
    return tried


def ssa_conflict(world: World) -> Iterator[Seen]:
    """No other manager owns a field that Helm would set otherwise."""
    on_server = found(world, "helm-client", Client).on_server
    bad = False
    for which, one in _tried(world):
        if one.conflicts:
            bad = True
            fields = [f"{owned.object}: {owned.field} ({owned.manager})" for owned in one.conflicts]
            if on_server:
                yield fails(
                    f"the {which} revision sets fields that others own, and Helm would fail: {brief(fields)}",
                    "take them out of the chart's values, or let the other manager give them up; "
                    "`kubectl get -o yaml --show-managed-fields` shows who owns what",
                    fields,
                )
            else:
                yield tells(
                    f"the {which} revision takes fields that others own, as Helm applies by the client: "
                    f"{brief(fields)}",
                    fields,
                )
        if one.refused:
            bad = True
            said = [f"{name}: {why}" for name, why in one.refused.items()]
            # Not all that an apply on the server asks for is asked of one by the client.
            sees = fails if on_server else warns
            yield sees(
                f"the API server would not take all of the {which} revision: {brief(said)}",
                "set the values behind it otherwise; `blueshift plan` shows the objects",
                said,
            )
        if one.untried:
            bad = True
            name, why = next(iter(one.untried.items()))
            yield Seen(
                "not-looked",
                f"{len(one.untried)} objects of the {which} revision could not be tried, {name} first: {why}",
                "see that this user may patch them (`blueshift rbac`), then check again",
                tuple(one.untried),
                stops=on_server,
            )
    if not bad:
        yield passed("the API server would take every object of every revision, without a conflict")


def api_deprecated(world: World) -> Iterator[Seen]:
    """This cluster serves the API of every object, and goes on to."""
    bad = False
    for which, one in _tried(world):
        if one.unserved:
            bad = True
            yield fails(
                f"this cluster does not serve the API of objects of the {which} revision, or of the one "
                f"before it: {brief(one.unserved)}",
                "install the kinds (CRDs) that are missing; where the running revision has an API that is "
                "gone, the plugin `helm mapkubeapis` rewrites its record",
                one.unserved,
            )
        if one.deprecated:
            bad = True
            said = [f"{name}: {why}" for name, why in one.deprecated.items()]
            yield warns(
                f"the API server warns of objects of the {which} revision: {brief(said)}",
                "a newer chart may use the API that follows; the cluster's next upgrade may end this one",
                said,
            )
        if one.untried:
            bad = True
            yield Seen(
                "not-looked",
                f"{len(one.untried)} objects of the {which} revision could not be tried: see "
                "helm-ssa-conflict",
                stops=False,
            )
    if not bad:
        yield passed("this cluster serves the API of every object, and warns of none")


def values_drift(world: World) -> Iterator[Seen]:
    """Nobody changed beside Helm what the running revision sets: the next one takes such changes back."""
    seen = found(world, "helm-values-drift", Drift)
    if seen.fields:
        yield warns(
            f"{len(seen.fields)} fields differ from what Helm believes, and a revision takes them back: "
            f"{brief(seen.fields)}",
            "put into the values what is to stay; `helm get manifest` shows what Helm believes",
            seen.fields,
        )
    if seen.unread:
        name, why = next(iter(seen.unread.items()))
        yield Seen(
            "not-looked",
            f"{len(seen.unread)} objects could not be compared, {name} first: {why}",
            "see that this user may read and patch them (`blueshift rbac`), then check again",
            tuple(seen.unread),
        )
    if not seen.fields and not seen.unread:
        yield passed("every object is as the running revision made it")
