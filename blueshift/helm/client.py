"""Helm as this project uses it: one merged mapping of values, no waiting for pods, one cluster."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import semver
from pyhelm3 import errors as theirs

from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.cluster.versions import api_versions
from blueshift.helm import charts, yaml
from blueshift.helm.charts import Chart, ChartRef
from blueshift.helm.command import Command
from blueshift.helm.errors import HelmError, HelmLost, HelmUnreachable, ReleaseNotFound, translate

# `--api-versions` of `helm template` and OCI registries, which we use, came with it.
OLDEST = semver.Version(3, 8)
# Seconds. Rendering takes 0.2 s; a pull may cross a slow line.
READ = 120.0
# Seconds that helm may take beyond its own --timeout, which it counts for each hook and not for the whole.
MARGIN = 60.0


class Helm:
    """The helm program on one cluster."""

    def __init__(self, command: Command, kube: KubeApi, clock: Clock, version: semver.Version) -> None:
        self._command = command
        self._kube = kube
        self._clock = clock
        self.version = version

    @classmethod
    async def open(cls, kube: KubeApi, clock: Clock, executable: str = "helm") -> Helm:
        """Find helm and ask its version. Raises HelmError when it is missing, too old, or set up otherwise.

        helm gets the kubeconfig and the context by name that `kube` uses, and no credential.
        """
        if shutil.which(executable) is None:
            raise HelmError(
                f"there is no program {executable}",
                hint="install Helm 3 or 4 (https://helm.sh/docs/intro/install), and put it on PATH",
            )
        driver = os.environ.get("HELM_DRIVER", "secret")
        if driver not in ("", "secret", "secrets"):
            raise HelmError(
                f"HELM_DRIVER is {driver}: Blueshift reads release records from Secrets only",
                hint="`unset HELM_DRIVER` if the release is kept in Secrets",
            )
        command = Command(
            clock, executable=executable, kubeconfig=kube.kubeconfig, context=kube.context or None
        )
        try:
            async with clock.timeout(READ):
                said = (await command.version()).strip()
            version = semver.Version.parse(said.removeprefix("v"))
        except (theirs.Error, TimeoutError, ValueError, OSError) as error:
            raise HelmError(f"{executable} does not tell its version: {error}") from error
        if version < OLDEST:
            raise HelmError(f"helm {version} is too old", hint=f"install Helm {OLDEST} or newer, 3 or 4")
        return cls(command, kube, clock, version)

    def asking(self, kube: KubeApi) -> Helm:
        """The same program, for which `kube` tells what the cluster is and serves."""
        return Helm(self._command, kube, self._clock, self.version)

    async def render(
        self,
        release: str,
        namespace: str,
        chart: Chart,
        values: Mapping[str, Any],
        *,
        is_upgrade: bool,
        validate: bool = False,
    ) -> list[dict[str, Any]]:
        """The objects that an install or upgrade would apply, hooks too, without the chart's CRDs.

        Rendered for this cluster's version and kinds; with `validate` by the API server itself, which also
        lets `lookup` see the cluster. Raises ChartError when it does not render.
        """
        argv: list[str] = ["template", release, str(chart.path), "--namespace", namespace, "--values", "-"]
        argv += ["--skip-crds", *(["--is-upgrade"] if is_upgrade else [])]
        if validate:
            argv.append("--dry-run=server" if self.version.major >= 4 else "--validate")
        else:
            version = (await self._kube.get("/version"))["gitVersion"]
            argv += ["--kube-version", version, "--api-versions", ",".join(await api_versions(self._kube))]
        place = f"helm template {release}"
        return yaml.load_all(await self._run(argv, place, READ, values=values), place)

    async def install(
        self,
        release: str,
        namespace: str,
        chart: Chart,
        values: Mapping[str, Any],
        *,
        description: str,
        timeout: float = 300.0,
    ) -> None:
        """Make a release, or try again one whose first install failed. The namespace must exist.

        Errors as for `upgrade`. CRDs of the chart are left out: they would outlive the uninstall.
        """
        argv = ["upgrade", release, str(chart.path), "--install", "--skip-crds"]
        await self._apply(argv, release, namespace, values, description, timeout, history_max=0)

    async def upgrade(
        self,
        release: str,
        namespace: str,
        chart: Chart,
        values: Mapping[str, Any],
        *,
        description: str,
        timeout: float = 300.0,
        history_max: int = 0,
        force_conflicts: bool = False,
    ) -> None:
        """Make a new revision with exactly these values (`--reset-values`); does not wait for pods.

        `timeout` is what helm gives each hook, in seconds; the whole ends within `timeout` + 60 s.
        `history_max` 0 prunes no older revision: those are the user's. `force_conflicts` takes fields from
        other managers where Helm 4 applies on the server. `description` is for `helm history`.

        Raises ChartError (nothing changed), ReleaseNotFound, ReleaseBusy, HelmLost (look at the record and
        the live objects), HelmError.
        """
        argv = ["upgrade", release, str(chart.path)]
        if force_conflicts and self.version.major >= 4:  # Helm 3 applies on the client, without conflicts
            argv.append("--force-conflicts")
        await self._apply(argv, release, namespace, values, description, timeout, history_max)

    async def uninstall(self, release: str, namespace: str, *, timeout: float = 300.0) -> None:
        """Remove a release and its history; one that is not there is fine. Errors as for `upgrade`."""
        argv = ["uninstall", release, "--namespace", namespace, "--timeout", _go(timeout)]
        try:
            await self._run(argv, f"helm uninstall {release}", timeout + MARGIN, write=True)
        except ReleaseNotFound:
            return

    async def fetch(self, ref: ChartRef, into: Path) -> Chart:
        """Bring a chart into the empty folder `into`, where it is not local already; read it.

        Raises ChartError when there is none, HelmUnreachable when the repository does not answer.
        """
        if ref.local:
            return await asyncio.to_thread(charts.read_local, ref, into)
        argv = ["pull", ref.ref, "--destination", str(into), "--untar", "--untardir", str(into)]
        argv += [
            *(["--repo", ref.repo] if ref.repo else []),
            *(["--version", ref.version] if ref.version else []),
        ]
        place = f"helm pull {ref.ref}"
        await self._run(argv, place, READ)
        return await asyncio.to_thread(lambda: charts.read_chart(charts.only_chart(into, place)))

    async def _apply(
        self,
        argv: list[str],
        release: str,
        namespace: str,
        values: Mapping[str, Any],
        description: str,
        timeout: float,
        history_max: int,
    ) -> None:
        argv = [*argv, "--namespace", namespace, "--reset-values", "--values", "-"]
        argv += ["--timeout", _go(timeout), "--history-max", str(history_max), "--description", description]
        await self._run(argv, f"helm upgrade {release}", timeout + MARGIN, values=values, write=True)

    async def _run(
        self,
        argv: list[str],
        place: str,
        bound: float,
        *,
        values: Mapping[str, Any] | None = None,
        write: bool = False,
    ) -> bytes:
        """Values go by standard input: a file would stay behind a kill, and arguments are for all to see."""
        try:
            async with self._clock.timeout(bound):
                return await self._command.run(argv, None if values is None else msgspec.json.encode(values))
        except theirs.Error as error:
            raise translate(error, place, write=write) from error
        except TimeoutError as error:
            said = f"helm did not end within {bound:g} s and was stopped"
            raise (HelmLost if write else HelmUnreachable)(said, place=place) from error
        except OSError as error:
            raise HelmError(f"helm could not be started: {error.strerror}", place=place) from error


def _go(seconds: float) -> str:
    """A Go duration: Helm refuses a plain number."""
    return f"{round(seconds)}s"
