"""A rollout is judged by the workload's status; its newest pods say why it does not move."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.cluster.workloads import HOPELESS, ready_pods, rollout, selector

Json = dict[str, Any]


def deployment(*, generation: int = 2, observed: int = 2, **status: Any) -> Json:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": observed, **status},
    }


def pod(name: str, *, waiting: str = "", revision: str = "new", created: str = "10", **more: Any) -> Json:
    state: Json = {"waiting": {"reason": waiting, "message": "because"}} if waiting else {"running": {}}
    return {
        "metadata": {
            "name": name,
            "labels": {"pod-template-hash": revision},
            "creationTimestamp": f"2026-11-24T00:00:{created}Z",
            **more,
        },
        "status": {
            "conditions": [{"type": "Ready", "status": "False" if waiting else "True"}],
            "containerStatuses": [{"name": "main", "state": state}],
        },
    }


FULL = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}


def test_done_when_all_are_new_available_and_nothing_old_is_left() -> None:
    seen = rollout(deployment(**FULL), [pod("a"), pod("b"), pod("c")])
    assert (seen.done, seen.failed, seen.wanted, seen.ready) == (True, None, 3, 3)


@pytest.mark.parametrize(
    "status",
    [
        {**FULL, "replicas": 4},
        {**FULL, "availableReplicas": 2},
        {**FULL, "updatedReplicas": 2},
    ],
)
def test_not_done_while_something_is_missing_or_left(status: Json) -> None:
    assert not rollout(deployment(**status), []).done


def test_a_status_of_the_generation_before_proves_nothing() -> None:
    seen = rollout(deployment(observed=1, **FULL), [pod("a", waiting="CrashLoopBackOff")])
    assert (seen.done, seen.failed) == (False, None)
    assert seen.sentence == "the rollout has not begun"


@pytest.mark.parametrize("reason", sorted(HOPELESS))
def test_a_hopeless_reason_of_a_new_pod_fails_at_once(reason: str) -> None:
    status = {"replicas": 4, "updatedReplicas": 1, "availableReplicas": 3}
    old = [pod(name, revision="old", created="01") for name in "abc"]
    seen = rollout(deployment(**status), [*old, pod("new", waiting=reason)])
    assert seen.failed == f"new: main waits: {reason}: because"
    assert seen.sentence == (
        "1 of 3 pods are of the newest revision, 3 available; 3 older still there; "
        f"new: main waits: {reason}: because"
    )


def test_an_older_pod_in_trouble_is_not_this_rollouts_failure() -> None:
    pods = [pod("old", revision="old", created="01", waiting="CrashLoopBackOff"), pod("new")]
    assert rollout(deployment(replicas=4, updatedReplicas=1), pods).failed is None


def test_an_ending_pod_is_neither_ready_nor_of_the_newest_revision() -> None:
    ending = pod("ending", waiting="CrashLoopBackOff", deletionTimestamp="2026-11-24T00:00:11Z")
    ready = pod("ready", deletionTimestamp="2026-11-24T00:00:11Z")
    seen = rollout(deployment(replicas=4, updatedReplicas=1), [ending, ready])
    assert (seen.failed, seen.ready) == (None, 0)


def test_unschedulable_is_slow_and_said() -> None:
    waiting = pod("new", waiting="ContainerCreating")
    waiting["status"]["conditions"].append(
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes fit"}
    )
    seen = rollout(deployment(updatedReplicas=1), [waiting])
    assert seen.failed is None
    assert "new is not scheduled: 0/3 nodes fit" in seen.sentence


def test_a_quota_that_forbids_pods_is_said() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    assert rollout(deployment(conditions=[condition]), []).sentence.endswith("FailedCreate: quota")


def test_daemonset_counts_its_own_fields() -> None:
    workload = {
        "kind": "DaemonSet",
        "metadata": {"generation": 1},
        "spec": {},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": 2,
            "updatedNumberScheduled": 2,
            "numberAvailable": 1,
        },
    }
    assert not rollout(workload, []).done
    workload["status"]["numberAvailable"] = 2  # type: ignore[index]
    assert rollout(workload, []).done


def test_ready_needs_the_condition() -> None:
    without = pod("b")
    without["status"]["conditions"] = []
    assert [one["metadata"]["name"] for one in ready_pods([pod("a"), without])] == ["a"]


def test_selector_with_expressions() -> None:
    spec = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["x", "y"]},
            {"key": "d", "operator": "DoesNotExist"},
        ],
    }
    assert selector(spec) == "a=1,b=2,c in (x,y),!d"
