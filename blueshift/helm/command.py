"""pyhelm3's command made safe: no shell, no credential among the arguments, cancel really stops helm."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pyhelm3 import errors as theirs
from pyhelm3.command import CHART_NOT_FOUND, CONNECTION_ERROR
from pyhelm3.command import Command as Base

from blueshift.clock import Clock

# Seconds that helm has, after SIGTERM, to mark its release as failed before SIGKILL.
GRACE = 10.0

# helm must reach the very cluster that KubeApi reaches, which knows nothing of these.
_OURS = (
    "HELM_DEBUG",
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBEASUSER",
    "HELM_KUBECAFILE",
    "HELM_KUBECONTEXT",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
    "HELM_NAMESPACE",
)


class Command(Base):  # type: ignore[misc]
    """Runs helm in a process group of its own, which a cancelled task takes down with it."""

    def __init__(
        self,
        clock: Clock,
        *,
        executable: str,
        kubeconfig: str | None,
        context: str | None,
        token: str | None = None,
    ) -> None:
        super().__init__(executable=executable)
        self._clock = clock
        self._cluster = [*_flag("--kubeconfig", kubeconfig), *_flag("--kube-context", context)]
        self._token = token

    async def run(self, command: Sequence[Any], input: bytes | None = None) -> bytes:  # noqa: A002
        """Run helm with `input` on its standard input; its standard output.

        Raises pyhelm3's errors, told apart as pyhelm3 does. When cancelled, helm's process group has
        ended before CancelledError goes on.
        """
        argv = [self._executable, *(str(part) for part in command), *self._cluster]
        with _whole(input or b"") as standard_input:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=standard_input,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(os.environ, self._token),
                start_new_session=True,  # a Ctrl-C in the terminal is for us alone
            )
        try:
            stdout, stderr = await process.communicate()
        except BaseException:
            await self._stop(process)
            raise
        if process.returncode:
            raise kind(stderr)(process.returncode, stdout, stderr)
        return bytes(stdout)

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        try:
            _signal(process, signal.SIGTERM)
            with suppress(TimeoutError):
                async with self._clock.timeout(GRACE):
                    await process.wait()
        finally:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
                await process.wait()


def _whole(text: bytes) -> BinaryIO:
    """All of `text`, in a file that has no name, before helm starts to read.

    At the other end of a pipe helm would live on when we are killed, and take the values that had come until
    then, or none at all, for the values of the release.
    """
    file: BinaryIO
    if sys.platform == "linux":
        file = os.fdopen(os.memfd_create("blueshift"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # for the caller to close
    file.write(text)
    file.seek(0)
    return file


def environment(ours: Mapping[str, str], token: str | None) -> dict[str, str]:
    """The environment of helm: ours, without what would lead it to another cluster."""
    result = {name: value for name, value in ours.items() if name not in _OURS}
    if token:
        result["HELM_KUBETOKEN"] = token
    return result


def kind(stderr: bytes) -> type[theirs.Error]:
    """The class of error that pyhelm3's own `run` (0.5.8) would raise for this output."""
    text = stderr.decode(errors="replace").lower()
    table: tuple[tuple[bool, type[theirs.Error]], ...] = (
        ("context canceled" in text, theirs.CommandCancelledError),
        # Before all others: it stands beside a "not found" at times.
        ("etcdserver" in text, theirs.ConnectionError),
        ("release: not found" in text, theirs.ReleaseNotFoundError),
        ("failed to render chart" in text or "execution error" in text, theirs.FailedToRenderChartError),
        (
            "rendered manifests contain a resource that already exists" in text,
            theirs.ResourceAlreadyExistsError,
        ),
        ("is invalid" in text, theirs.InvalidResourceError),
        (CHART_NOT_FOUND.search(text) is not None, theirs.ChartNotFoundError),
        (CONNECTION_ERROR.search(text) is not None, theirs.ConnectionError),
    )
    return next((found for matches, found in table if matches), theirs.Error)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the group: helm may have started credential or post-render helpers."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _flag(name: str, value: str | Path | None) -> list[str]:
    return [name, str(value)] if value else []
