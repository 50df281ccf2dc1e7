"""The hooks that ship, against a real HTTP server."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.conftest import ROOT

HOOK = ROOT / "hooks" / "notify-webhook"
EVENT = {
    "event": "holding",
    "run": "1124-0302-k7xq",
    "release": "edge/ingress-nginx",
    "step": "forward/upgrade",
    "reason": "the primary's new pods do not start: ImagePullBackOff",
    "command": "blueshift status 1124-0302-k7xq",
}
SECRET = "T0KEN-in-the-path"


class Chat:
    """A webhook that keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        self.status = 200
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"]))
                chat.bodies.append(json.loads(text))
                self.send_response(chat.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}"


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    serving = threading.Thread(target=chat.server.serve_forever)
    serving.start()
    yield chat
    chat.server.shutdown()
    serving.join()
    chat.server.server_close()


def notify(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HOOK)],
        input=json.dumps(EVENT),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environment},
    )


def test_a_hold_is_posted_with_what_to_do(chat: Chat) -> None:
    done = notify(BLUESHIFT_WEBHOOK_URL=chat.url)
    assert done.returncode == 0, done.stderr
    (body,) = chat.bodies
    assert body["text"].splitlines() == [
        "*edge/ingress-nginx*: run 1124-0302-k7xq stands still and needs a person in forward/upgrade",
        EVENT["reason"],
        "`blueshift status 1124-0302-k7xq`",
    ]


def test_the_url_may_be_in_a_file(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{chat.url}\n")
    assert notify(BLUESHIFT_WEBHOOK_FILE=str(tmp_path / "url")).returncode == 0
    assert len(chat.bodies) == 1


def test_a_refusal_is_told_without_the_url(chat: Chat) -> None:
    chat.status = 403
    done = notify(BLUESHIFT_WEBHOOK_URL=chat.url)
    assert done.returncode == 1
    assert "answered 403" in done.stderr
    chat.server.server_close()
    gone = notify(BLUESHIFT_WEBHOOK_URL="http://127.0.0.1:1/" + SECRET)
    assert "cannot be reached" in gone.stderr
    assert "BLUESHIFT_WEBHOOK_FILE" in notify().stderr
    assert SECRET not in done.stderr + done.stdout + gone.stderr + gone.stdout
