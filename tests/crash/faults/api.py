"""A proxy in front of the API server that fails as balancers, overload and networks do.

It ends TLS with a certificate of its own, and hands out a kubeconfig that points at it: clients with a
token are passed on as they are, a client certificate of the original kubeconfig is shown upstream.
Each request has a connection of its own, so a fault hits one request and no other.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import trustme
import yaml

from tests.crash.faults.rules import Rules

Do = Literal["answer", "lost", "silent", "hang", "cut", "gone"]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`answer` refuses with `code` and passes nothing on; `lost` passes the request on, waits for the whole
    answer and cuts; `silent` does too, and leaves the client waiting; `hang` passes nothing on and leaves
    it waiting; `cut` passes nothing on and cuts; `gone` closes the port for `seconds` from then on."""

    do: Do
    verbs: tuple[str, ...] = ()
    match: str = ""
    """Searched for in the path with its query."""
    nth: int = 1
    times: int = 1
    code: int = 503
    retry_after: int | None = None
    """Seconds."""
    seconds: float = 60.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which API server."""

    kubeconfig: str
    rules: tuple[Rule, ...] = ()
    port: int = 0


@dataclass
class Proxy(Rules[Rule]):
    """The handle."""

    kubeconfig: str = ""
    """For whoever is to meet the faults."""
    port: int = 0
    was_gone: int = 0
    """How often the port was closed."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _serving: set[asyncio.Task[Any]] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _inward: ssl.SSLContext | None = None
    _outward: ssl.SSLContext | None = None
    _target: tuple[str, int] = ("", 0)

    def cut(self) -> None:
        """End every connection with RST."""
        for writer in list(self._open):
            writer.transport.abort()

    async def listen(self) -> None:
        """Open the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._inward)
        self.port = self._server.sockets[0].getsockname()[1]

    async def gone(self, seconds: float) -> None:
        """Refuse every connection for so long."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self.was_gone += 1
        server.close()
        self.cut()
        await asyncio.sleep(seconds)
        await self.listen()

    async def close(self) -> None:
        """End all of it."""
        for task in list(self._tasks):
            task.cancel()
        if self._server:
            self._server.close()
        self.cut()
        if self._serving:
            await asyncio.wait(self._serving, timeout=1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if task := asyncio.current_task():
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._one(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await _request(reader)
        verb, path, _version = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        rule = self.meet(verb, path)
        do = rule.do if rule else "pass"
        if rule and do == "answer":
            writer.write(_answer(rule))
            await writer.drain()
            return
        if rule and do == "gone":
            self._spawn(self.gone(rule.seconds))
            await reader.read()
            return
        if do == "hang":
            await reader.read()
            return
        if do == "cut":
            writer.transport.abort()
            return
        await self._passed_on(head, body, reader, writer, back=do == "pass")
        if do == "silent":
            await reader.read()
        elif do == "lost":
            writer.transport.abort()

    async def _passed_on(
        self,
        head: bytes,
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        back: bool,
    ) -> None:
        """Send a request on; its answer comes `back`, or is only waited for."""
        upstream_reader, upstream = await asyncio.open_connection(*self._target, ssl=self._outward)
        self._open.add(upstream)
        try:
            upstream.write(_once(head) + body)
            await upstream.drain()
            if not back:
                await upstream_reader.read()
                return
            # A WebSocket goes both ways; and a client that leaves ends its request upstream.
            inward = asyncio.create_task(_relay(reader, upstream))
            await _relay(upstream_reader, writer)
            inward.cancel()
        finally:
            self._open.discard(upstream)
            upstream.transport.abort()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def fault(settings: Settings) -> AsyncIterator[Proxy]:
    """A proxy with its rules in force; more may be added while it runs."""
    with tempfile.TemporaryDirectory(prefix="api-fault-") as folder:
        proxy = Proxy(list(settings.rules), port=settings.port)
        _configure(proxy, settings, Path(folder))
        await proxy.listen()
        _write_kubeconfig(proxy, settings, Path(folder))
        try:
            yield proxy
        finally:
            await proxy.close()


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    headers = _headers(head)
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while True:
            line = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(line.split(b";")[0], 16) + 2)
            body += line + chunk
            if chunk == b"\r\n":
                return head, body
    return head, await reader.readexactly(int(headers.get("content-length", "0")))


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {
        name.strip().lower(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }


def _once(head: bytes) -> bytes:
    """The request with its connection's end as the end of its answer; an upgrade stays one."""
    if "upgrade" in _headers(head):
        return head
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([kept[0], b"Connection: close", *kept[1:]])


def _answer(rule: Rule) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": rule.code}
    body = msgspec.json.encode({**status, "message": f"the injected fault {rule.code}"})
    again = f"Retry-After: {rule.retry_after}\r\n" if rule.retry_after is not None else ""
    head = (
        f"HTTP/1.1 {rule.code} Fault\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n{again}\r\n"
    )
    return head.encode() + body


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _configure(proxy: Proxy, settings: Settings, folder: Path) -> None:
    cluster, user = _entries(settings.kubeconfig)
    url = urlsplit(cluster["server"])
    proxy._target = (str(url.hostname), url.port or 443)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    proxy._inward = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(proxy._inward)
    outward = proxy._outward = ssl.create_default_context(
        cafile=_file(folder, "upstream.crt", cluster, "certificate-authority")
    )
    outward.verify_flags &= ~ssl.VERIFY_X509_STRICT
    certificate = _file(folder, "client.crt", user, "client-certificate")
    if certificate:
        outward.load_cert_chain(certificate, _file(folder, "client.key", user, "client-key"))


def _write_kubeconfig(proxy: Proxy, settings: Settings, folder: Path) -> None:
    config = yaml.safe_load(Path(settings.kubeconfig).read_text())
    for entry in config["clusters"]:
        entry["cluster"] = {
            "server": f"https://127.0.0.1:{proxy.port}",
            "certificate-authority": str(folder / "ca.crt"),
        }
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    proxy.kubeconfig = str(path)


def _entries(kubeconfig: str) -> tuple[dict[str, Any], dict[str, Any]]:
    config = yaml.safe_load(Path(kubeconfig).read_text())
    named = {
        kind: {entry["name"]: entry[kind] for entry in config[f"{kind}s"]}
        for kind in ("cluster", "user", "context")
    }
    context = named["context"][config["current-context"]]
    return named["cluster"][context["cluster"]], named["user"][context["user"]]


def _file(folder: Path, name: str, entry: dict[str, Any], key: str) -> str | None:
    if key in entry:
        return str(entry[key])
    if f"{key}-data" not in entry:
        return None
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(base64.b64decode(entry[f"{key}-data"]))
    return str(path)
