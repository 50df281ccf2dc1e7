"""Pods of one namespace that crash by a policy, on a real API server: begun, ended, and nowhere else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from tests.contract.apiserver import ApiServer

PROGRAM = Path(__file__).parents[2] / "crash" / "faults" / "pods-crash"


async def crashes(kube: KubeApi, namespace: str) -> bool:
    """Whether a pod that is made there now would crash."""
    pod = {"metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "web", "image": "none"}]}}
    made = await kube.create(paths.core("pods", namespace), pod, dryRun="All")
    return "SystemExit" in str(made["spec"]["containers"][0].get("command"))


async def test_pods_crash_until_that_is_ended_and_in_one_namespace_alone(
    apiserver: ApiServer, kube: KubeApi, namespace: str
) -> None:
    variables = {
        "KUBECONFIG": apiserver.kubeconfig,
        "PATH": f"{apiserver.helm.parent}:{os.environ['PATH']}",
        "HOME": str(apiserver.folder),
    }

    async def run(*arguments: str) -> int:
        process = await asyncio.create_subprocess_exec(PROGRAM, namespace, *arguments, env=variables)
        return await process.wait()

    assert not await crashes(kube, namespace)
    assert await run() == 0
    assert await crashes(kube, namespace)
    assert not await crashes(kube, "default")
    assert await run("end") == 0
    assert not await crashes(kube, namespace)
