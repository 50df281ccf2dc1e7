"""The way back by hand: never under traffic, never a namespace that is not the temporary's own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from blueshift.discovery.world import World
from blueshift.shift.protocol import Target
from blueshift.steps.places import Places
from blueshift.steps.ways import Standing, way_back
from tests.unit.app.worlds import world

PLACES = Places(kubeconfig=None, context=None, nsupdate="nsupdate -k K", server="server 192.0.2.53 53")
TEMPORARY = Target("temporary", ("198.18.0.60",), ("2001:2::60",))
FARTHEST = Standing(changed=True, traffic="temporary", temporary=TEMPORARY, idle=False, ttl=60)


def ways(world_: World | None = None, **changes: Any) -> list[tuple[str, str]]:
    standing = msgspec.structs.replace(FARTHEST, **changes)
    return [(way.what, way.command) for way in way_back(world_ or world(2), PLACES, standing)]


def verbs(**changes: Any) -> list[str]:
    return [" ".join(command.split()[:2]) for _, command in ways(**changes)]


def test_from_the_farthest_point() -> None:
    assert verbs() == ["helm rollback", "kubectl rollout", "nsupdate -k", "helm uninstall", "kubectl delete"]
    removal = ways()[-2][0]
    assert removal == "remove the temporary release after at least 15 minutes without requests"


@pytest.mark.parametrize("traffic", ["primary", "split"])
def test_a_changed_primary_with_traffic_is_left_before_it_is_put_back(traffic: str) -> None:
    found = ways(traffic=traffic, idle=True)
    assert [what.split(",")[0] for what, _ in found[:2]] == [
        "point every name at the temporary",
        "put the primary back to revision 3",
    ]
    assert "update add app00.lab.test. 60 A 198.18.0.60" in found[0][1]
    assert "after at least 15 minutes without requests at the primary" in found[1][0]
    assert "minutes without requests" in found[-2][0], "the temporary served meanwhile"


def test_an_unchanged_primary_is_left_alone() -> None:
    assert verbs(changed=False)[0] == "nsupdate -k"


def test_an_idle_temporary_may_go_at_once() -> None:
    assert ways(changed=False, idle=True)[1][0] == "remove the temporary release"
    assert verbs(changed=False, temporary=None) == ["nsupdate -k"]


def test_the_primarys_own_namespace_is_never_deleted() -> None:
    shared = msgspec.structs.replace(world(2), temporary_namespace="ingress")
    assert not any("delete namespace" in command for _, command in ways(shared))


def test_a_person_is_told_records_where_a_person_changes_them() -> None:
    base = world(1)
    manual = msgspec.structs.replace(base, dns=msgspec.structs.replace(base.dns, backend="manual"))
    command = ways(manual, changed=False)[0][1]
    assert command.splitlines()[0] == "# app00.lab.test 300 A 198.18.0.50"
    assert "nsupdate" not in command
