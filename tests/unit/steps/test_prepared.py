"""A namespace that was prepared for the temporary is taken as it is, and left empty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app.plans import offline
from blueshift.discovery.prepared import PREPARED, admission, is_prepared, mark
from blueshift.engine.protocol import Absent, Done, Foreign, InFlight
from blueshift.engine.store import RUN_LABEL
from blueshift.playbook.config import Release
from blueshift.steps.context import Tools
from blueshift.steps.namespace import CreateNamespace, Empty
from blueshift.steps.places import Places
from tests.fake_kube import FakeKube
from tests.unit.app.worlds import world

SPACE = "/api/v1/namespaces/demo-blueshift"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/demo-blueshift/leases"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def tools(kube: FakeKube, *, prepared: bool = True) -> Tools:
    places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
    seen = msgspec.structs.replace(world(2), prepared=prepared)
    return replace(offline(seen, places, "r1"), kube=cast(Any, kube))


def there(kube: FakeKube, path: str, **labels: str) -> None:
    metadata = {"name": path.rpartition("/")[2], "labels": labels, "resourceVersion": "1"}
    kube.objects[path] = {"metadata": metadata}


@pytest.mark.parametrize("labels", [RESTRICTED, {**RESTRICTED, "team": "edge"}])
async def test_it_is_taken_when_it_admits_pods_as_the_primarys_does(labels: dict[str, str]) -> None:
    kube = FakeKube()
    there(kube, SPACE, **labels)
    create = CreateNamespace(tools(kube), "demo-blueshift", RESTRICTED, {})
    assert await create.observe(None) == Done()


async def test_it_is_not_taken_with_other_admission_labels() -> None:
    kube = FakeKube()
    there(kube, SPACE)
    seen = await CreateNamespace(tools(kube), "demo-blueshift", RESTRICTED, {}).observe(None)
    assert isinstance(seen, Foreign)
    assert "restricted" in seen.difference


async def test_one_that_was_not_prepared_is_somebody_elses() -> None:
    kube = FakeKube()
    there(kube, SPACE, **RESTRICTED)
    create = CreateNamespace(tools(kube, prepared=False), "demo-blueshift", RESTRICTED, {})
    assert isinstance(await create.observe(None), Foreign)


async def test_what_the_run_brought_goes_when_the_pods_have_and_nothing_else_does() -> None:
    kube = FakeKube()
    there(kube, f"{SPACE}/secrets/copied", **{RUN_LABEL: "r1"})
    there(kube, f"{LEASES}/leader")
    there(kube, f"{SPACE}/pods/last")
    empty = Empty(tools(kube), "demo-blueshift")
    assert isinstance(await empty.observe(None), InFlight)
    del kube.objects[f"{SPACE}/pods/last"]
    there(kube, SPACE)
    assert await empty.observe(None) == Absent()
    await empty.do()
    assert await empty.observe(None) == Done()
    assert kube.objects.keys() == {SPACE}


async def test_it_is_prepared_for_one_release_alone() -> None:
    kube, release = FakeKube(), Release("demo", "ingress")
    there(kube, SPACE, **{PREPARED: mark(release)})
    assert await is_prepared(cast(Any, kube), "demo-blueshift", release)
    assert not await is_prepared(cast(Any, kube), "demo-blueshift", Release("other", "ingress"))
    assert not await is_prepared(cast(Any, kube), "elsewhere", release)
    assert len(mark(Release("r" * 50, "n" * 50))) <= 63
    assert admission(None) == {}
