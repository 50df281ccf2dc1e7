"""Builds the lab's Go programs from pinned go.mod files, once for each set of inputs."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import golang
from blueshift.lab.cache import locked, remade
from blueshift.lab.paths import cache_folder
from blueshift.lab.processes import killed

Say = Callable[[str], None]
_MODULES = Path(__file__).parent / "go"


class Progress(msgspec.Struct, frozen=True):
    """How far a build is. The number of packages is known when `total` is not 0."""

    group: str
    packages: int
    total: int
    programs: int
    of_programs: int
    seconds: float

    def __str__(self) -> str:
        elapsed = f"{int(self.seconds) // 60}:{int(self.seconds) % 60:02d} elapsed"
        if not self.total:
            return f"{self.group}: fetching modules, {self.packages} so far, {elapsed}"
        return (
            f"{self.group}: {self.packages} of {self.total} packages compiled, "
            f"{self.programs} of {self.of_programs} programs linked, {elapsed}"
        )


async def cluster_tools(say: Say, progress: Callable[[Progress], None], clock: Clock | None = None) -> Path:
    """The folder of the Kubernetes programs, etcd, helm and kubectl; builds them if need be (6 minutes)."""
    return await _group("kubernetes", _cluster_flags(), say, progress, clock or SystemClock())


async def controller_tools(
    release: str, say: Say, progress: Callable[[Progress], None], clock: Clock | None = None
) -> Path:
    """The folder of ingress-nginx's `nginx`, `dbg` and `waitshutdown`, which say that they are `release`."""
    flags = f"-s -w -X k8s.io/ingress-nginx/version.RELEASE={release}"
    return await _group("controller", flags, say, progress, clock or SystemClock())


async def helm3(say: Say, progress: Callable[[Progress], None], clock: Clock | None = None) -> Path:
    """The folder of the last major version of Helm, which many releases are made by (a minute beside the
    cluster's programs, whose packages it shares)."""
    go_mod = (_MODULES / "helm3" / "go.mod").read_text()
    version = _versions(go_mod)["helm.sh/helm/v3"]
    flags = f"-s -w -X helm.sh/helm/v3/internal/version.version={version}"
    return await _group("helm3", flags, say, progress, clock or SystemClock())


def programs(go_mod: str) -> tuple[str, ...]:
    """Names of the programs that the `tool` lines of a go.mod build, as `go install` calls them."""
    block = re.search(r"^tool \((.*?)^\)", go_mod, re.MULTILINE | re.DOTALL)
    packages = block[1].split() if block else []
    # A major version at the end of a path is not the name (go help install): …/server/v3 is `server`.
    return tuple(re.sub(r"/v\d+$", "", package).rpartition("/")[2] for package in packages)


def key(go_mod: bytes, go_sum: bytes, flags: str, family: str) -> str:
    """Names the output by everything that goes into it."""
    digest = hashlib.sha256()
    for part in (go_mod, go_sum, flags.encode(), family.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def _cluster_flags() -> str:
    go_mod = (_MODULES / "kubernetes" / "go.mod").read_text()
    versions = _versions(go_mod)
    kubernetes, helm = versions["k8s.io/kubernetes"], versions["helm.sh/helm/v4"]
    major, minor, _ = kubernetes.removeprefix("v").split(".", 2)
    component = "k8s.io/component-base/version"
    return (
        f"-s -w -X {component}.gitVersion={kubernetes} -X {component}.gitMajor={major} "
        f"-X {component}.gitMinor={minor} -X helm.sh/helm/v4/internal/version.version={helm}"
    )


def _versions(go_mod: str) -> dict[str, str]:
    return dict(re.findall(r"^\t(\S+) (v\S+)", go_mod, re.MULTILINE))


async def _group(
    group: str, flags: str, say: Say, progress: Callable[[Progress], None], clock: Clock
) -> Path:
    go_mod, go_sum = (_MODULES / group / "go.mod").read_bytes(), (_MODULES / group / "go.sum").read_bytes()
    toolchain = golang.choose(golang.NEEDED)
    tools = cache_folder() / "tools"
    built = tools / f"{group}-{key(go_mod, go_sum, flags, toolchain.family)}"
    if built.is_dir():
        return built
    go = toolchain.program or await golang.fetch(say)
    with locked(f"tools-{group}", say):
        if built.is_dir():
            return built
        with remade(built) as half:
            source = half / "source"
            source.mkdir()
            (source / "go.mod").write_bytes(go_mod)
            (source / "go.sum").write_bytes(go_sum)
            names = programs(go_mod.decode())
            await _Build(group, go, half, names, progress, clock).run(flags)
            shutil.rmtree(source)
            if (half / "server").exists():
                (half / "server").rename(half / "etcd")
    return built


class _Build:
    """One run of `go list` (which fetches the modules) and `go install`, with their progress."""

    def __init__(
        self,
        group: str,
        go: Path,
        folder: Path,
        names: Sequence[str],
        progress: Callable[[Progress], None],
        clock: Clock,
    ) -> None:
        self._group, self._go, self._folder, self._names = group, go, folder, names
        self._progress, self._clock, self._began = progress, clock, clock.now()
        self._total = 0

    async def run(self, flags: str) -> None:
        """Build into the folder; raises BlueshiftError with what Go said."""
        packages = await self._call(["list", "-deps", "tool"])
        self._total = len(packages)
        await self._call(["install", "-v", "-trimpath", "-ldflags", flags, "tool"])
        missing = [name for name in self._names if not (self._folder / name).exists()]
        if missing:
            raise BlueshiftError(f"go install did not make {', '.join(missing)}")

    async def _call(self, arguments: list[str]) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            self._go,
            *arguments,
            cwd=self._folder / "source",
            env=golang.environment({"GOBIN": str(self._folder)}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told: list[str] = []
        assert process.stdout
        assert process.stderr
        try:
            async with asyncio.TaskGroup() as group:
                out = group.create_task(process.stdout.read())
                ticks = group.create_task(self._tell(told))
                async for line in process.stderr:
                    told.append(line.decode(errors="replace").rstrip())  # noqa: PERF401 read meanwhile
                ticks.cancel()
            code = await process.wait()
        except BaseException:
            # Compilers that Go started end by themselves within a package.
            await killed(process)
            raise
        if code != 0:
            words = "\n".join(line for line in told if not line.startswith("go: downloading"))
            raise BlueshiftError(
                f"building the {self._group} programs failed:\n{words[-2000:]}",
                hint="Go fetches modules from its proxy (GOPROXY): see whether it can be reached.",
            )
        return out.result().decode().split()

    async def _tell(self, told: list[str]) -> None:
        """Every second: linking takes long and says nothing."""
        while True:
            self._progress(
                Progress(
                    group=self._group,
                    packages=min(len(told), self._total) if self._total else len(told),
                    total=self._total,
                    programs=sum((self._folder / name).exists() for name in self._names),
                    of_programs=len(self._names),
                    seconds=self._clock.now() - self._began,
                )
            )
            await self._clock.sleep(1)
