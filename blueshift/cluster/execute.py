"""Commands in containers, over the WebSocket form of the exec subresource."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import msgspec

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.errors import ApiUnreachable
from blueshift.cluster.transport import Transport
from blueshift.errors import BlueshiftError

# k8s.io/apimachinery/pkg/util/remotecommand: v5 only adds closing of stdin, which we never open.
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _ERROR = 1, 2, 3


class ExecResult(msgspec.Struct, frozen=True):
    """What a command wrote, and its exit code."""

    stdout: bytes
    stderr: bytes
    code: int


async def execute(
    transport: Transport,
    clock: Clock,
    pod: tuple[str, str],
    argv: Sequence[str],
    *,
    container: str,
    timeout: float,
) -> ExecResult:
    """Run `argv` in a container of `pod` (namespace, name) without input, within `timeout` seconds.

    For commands that only look: a lost connection is Retryable. Raises BlueshiftError when the command
    could not be started (no such file, container not running).
    """
    path = paths.core("pods", *pod, "exec")
    params = [("container", container), ("stdout", "true"), ("stderr", "true")]
    params += [("command", argument) for argument in argv]
    place = f"{' '.join(argv)} in {pod[0]}/{pod[1]}"
    try:
        async with clock.timeout(timeout), transport.websocket(path, params, _PROTOCOLS) as socket:
            return await _collect(socket, place)
    except TimeoutError as error:
        raise ApiUnreachable(f"gave no answer within {timeout:g} s", place=place) from error


async def _collect(socket: aiohttp.ClientWebSocketResponse, place: str) -> ExecResult:
    streams: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: [], _ERROR: []}
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY and message.data:
            streams.setdefault(message.data[0], []).append(message.data[1:])
    outcome = b"".join(streams[_ERROR])
    if not outcome:
        raise ApiUnreachable("the connection ended before the command did", place=place)
    return ExecResult(
        stdout=b"".join(streams[_STDOUT]), stderr=b"".join(streams[_STDERR]), code=exit_code(outcome, place)
    )


def exit_code(outcome: bytes, place: str) -> int:
    """The exit code in the `Status` of the error channel. Raises BlueshiftError when nothing ran."""
    status = msgspec.json.decode(outcome)
    if status.get("status") == "Success":
        return 0
    if status.get("reason") == "NonZeroExitCode":
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
    raise BlueshiftError(
        status.get("message") or "the command could not be started",
        place=place,
        hint="`kubectl describe pod` shows whether the container runs; the image may lack the program",
    )
