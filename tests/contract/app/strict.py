"""Local HTTP servers that stand for what shipped hooks talk to.

Mocked, since a test run has neither: the part of Alertmanager's API v2 and of Grafana's annotation API that
the hooks call. They refuse (400) every body that the published schemas do not describe, unknown fields too,
which the real ones may pass over.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class Api:
    """An API that wants a token; `requests` are the methods and paths that it was asked for."""

    token = "canary-token-of-the-api"

    def __init__(self) -> None:
        self.requests: list[str] = []

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        raise NotImplementedError


class Alertmanager(Api):
    """Silences as `openapi.yaml` of API v2 has them, changed in place as its `silence.Set` does."""

    def __init__(self) -> None:
        super().__init__()
        self.silences: dict[str, dict[str, Any]] = {}

    def state(self, one: dict[str, Any]) -> str:
        return "expired" if _instant(one["endsAt"]) <= datetime.now(UTC) else "active"

    @property
    def active(self) -> list[dict[str, Any]]:
        return [one for one in self.silences.values() if self.state(one) == "active"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if (method, path) == ("GET", "/api/v2/silences"):
            return 200, [{**one, "status": {"state": self.state(one)}} for one in self.silences.values()]
        if (method, path) == ("POST", "/api/v2/silences"):
            return self._set(body)
        if method == "DELETE" and (found := re.fullmatch(r"/api/v2/silence/([0-9a-f-]{36})", path)):
            if found[1] not in self.silences:
                return 404, None
            self.silences[found[1]]["endsAt"] = datetime.now(UTC).isoformat()
            return 200, None
        return 404, "no such path"

    def _set(self, body: Any) -> Answer:
        needed = {"matchers", "startsAt", "endsAt", "createdBy", "comment"}
        if not needed <= body.keys() <= {*needed, "id"} or not body["matchers"]:
            return 400, f"bad silence: {sorted(body)}"
        for one in body["matchers"]:
            kinds = {name: type(value) for name, value in one.items()}
            if kinds != {"name": str, "value": str, "isRegex": bool, "isEqual": bool}:
                return 400, f"bad matcher: {one}"
        if _instant(body["endsAt"]) <= max(_instant(body["startsAt"]), datetime.now(UTC)):
            return 400, "the end is not after the start, or in the past"
        known = self.silences.get(body.get("id", ""))
        if "id" in body and known is None:
            return 404, "silence not found"
        same = known and (known["matchers"], known["startsAt"]) == (body["matchers"], body["startsAt"])
        name = body["id"] if same else str(uuid.uuid4())
        self.silences[name] = {**body, "id": name, "updatedAt": datetime.now(UTC).isoformat()}
        return 200, {"silenceID": name}


class Grafana(Api):
    """Annotations as its HTTP API documents them."""

    def __init__(self) -> None:
        super().__init__()
        self.annotations: list[dict[str, Any]] = []

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if (method, path) == ("GET", "/api/annotations"):
            if set(query) - {"tags", "type", "limit", "from", "to", "dashboardUID"}:
                return 400, "bad query"
            wanted = set(query.get("tags", ()))
            return 200, [one for one in self.annotations if wanted <= {*one["tags"]}][
                : int(query["limit"][0])
            ]
        if (method, path) == ("POST", "/api/annotations"):
            kinds = {"text": str, "time": int, "tags": list, "dashboardUID": str}
            if "text" not in body or not _is(body, kinds):
                return 400, f"bad annotation: {body}"
            self.annotations.append({**body, "id": len(self.annotations) + 1})
            return 200, {"message": "Annotation added", "id": len(self.annotations)}
        if method == "PATCH" and (found := re.fullmatch(r"/api/annotations/(\d+)", path)):
            if not _is(body, {"text": str, "time": int, "timeEnd": int, "tags": list}):
                return 400, f"bad patch: {body}"
            self.annotations[int(found[1]) - 1].update(body)
            return 200, {"message": "Annotation patched"}
        return 404, "no such path"


def _is(body: dict[str, Any], kinds: dict[str, type]) -> bool:
    return all(name in kinds and type(value) is kinds[name] for name, value in body.items())


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """The base URL of an API."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            api.requests.append(f"{self.command} {split.path}")
            if self.headers.get("Authorization") != f"Bearer {api.token}":
                status, answer = 401, "who are you?"
            elif text and self.headers.get("Content-Type") != "application/json":
                status, answer = 415, "no JSON"
            else:
                body = json.loads(text) if text else None
                status, answer = api.answer(self.command, split.path, parse_qs(split.query), body)
            data = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815  # the base's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            return

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def ingress(seen: list[str], *, tls: Path | None = None, status: int = 200) -> Iterator[int]:
    """The port of an ingress that notes each request's host and path, and the name that TLS was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.headers['Host']}{self.path}")
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        context.sni_callback = lambda socket, name, context: seen.append(f"sni {name}")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _running(server):
        yield server.server_port


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
