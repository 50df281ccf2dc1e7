"""An API server on loopback that answers what a case says, and notes whatever would change something."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import trustme

from blueshift.engine.journal import Journal
from tests.bad_input.case import Answer

RUN = "1124-0302-k7xq"


class Api:
    """What it answers, and the changes that it was asked for."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.writes: list[str] = []
        self.port = 0
        self.authority = b""
        """The certificate of the authority that its clients are to trust; empty without TLS."""

    def answer(self, path: str) -> Answer:
        """By the longest part of the path; else that this user may do it, or that there is nothing."""
        fitting = [part for part in self.answers if part in path]
        if fitting:
            return self.answers[max(fitting, key=len)]
        if "selfsubjectaccessreviews" in path:
            return Answer(body='{"status": {"allowed": true}}')
        return Answer(404, '{"kind": "Status", "code": 404, "message": "not found"}')


def body(answer: Answer, path: str) -> bytes:
    """The answer's body."""
    if not answer.journal:
        return answer.body.encode()
    journal = msgspec.to_builtins(_journal()) | answer.journal
    item = {
        "metadata": {"name": f"blueshift-run-{RUN}", "resourceVersion": "1"},
        "data": {"journal.json": msgspec.json.encode(journal).decode()},
    }
    of = {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {}, "items": [item]}
    whole: Any = item if path.rstrip("/").endswith(RUN) else of
    return msgspec.json.encode(whole)


def _journal() -> Journal:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return Journal(RUN, "demo", "ingress", "uid", "hash", "blue-green", now, ("preflight",))


def _certificate(tls: str) -> tuple[ssl.SSLContext, bytes]:
    """What the server shows, and the authority that its clients trust."""
    authority = trustme.CA()
    shown = authority.issue_cert("other.test" if tls == "other-name" else "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.configure_cert(context)
    trusted = trustme.CA() if tls == "other-authority" else authority
    return context, trusted.cert_pem.bytes()


@contextmanager
def serving(answers: dict[str, Answer], tls: str = "") -> Iterator[Api]:
    """The server, until the block ends; with TLS its certificate is as in `Case`."""
    api = Api(answers)

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command != "GET" and "/selfsubject" not in self.path:
                api.writes.append(f"{self.command} {self.path}")
            answer = api.answer(self.path)
            if answer.raw:
                self.wfile.write(answer.raw.encode())
                self.close_connection = True
                return
            self.send_response(answer.status)
            data = body(answer, self.path.partition("?")[0])
            headers = {"Content-Type": "application/json", "Content-Length": str(len(data))} | answer.headers
            for name, value in headers.items():
                if value and not (answer.endless and name == "Content-Length"):
                    self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(data)
                while answer.endless:
                    self.wfile.write(b" " * 1_000_000)
            self.close_connection = self.close_connection or answer.endless

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815  # the base's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        context, api.authority = _certificate(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    api.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
