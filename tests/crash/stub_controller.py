"""A controller that is ready in a second: it serves Ingresses by itself, as far as Blueshift can see.

This one file runs in an image with Debian's python3 and imports nothing of ours. What it says has the form of
the real one: metrics, status, access log, configuration. It answers every request by itself, and plain HTTP
only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
STATUS_PORT, HEALTH_PORT, DUMP = 10246, 10254, "/dump"
STARTED = time.time()  # no Clock in this image


class Served:
    """What it knows and has counted."""

    def __init__(self, controller: str) -> None:
        self.controller = controller
        self.ingresses: dict[str, dict[str, Any]] = {}
        self.counts: dict[tuple[str, str, str, str, int], int] = {}
        self.handled = 0
        self.open = 0
        self.ready = False
        self.lock = threading.Lock()

    def watch(self) -> None:
        """Follow the Ingresses of its class for ever."""
        while True:
            try:
                classes = {
                    item["metadata"]["name"]
                    for item in json.load(asked("ingressclasses"))["items"]
                    if item["spec"]["controller"] == self.controller
                }
                if not classes:
                    raise LookupError("the class is not there yet")
                began = json.load(asked("ingresses"))
                found = {item["metadata"]["uid"]: item for item in began["items"]}
                self.ingresses = {uid: item for uid, item in found.items() if _of(item, classes)}
                self.ready = True
                version = began["metadata"]["resourceVersion"]
                stream = asked(f"ingresses?watch=1&timeoutSeconds=300&resourceVersion={version}")
                for line in stream:
                    event = json.loads(line)
                    item = event["object"]
                    if event["type"] == "ERROR":
                        break
                    kept = {uid: old for uid, old in self.ingresses.items() if uid != item["metadata"]["uid"]}
                    if event["type"] != "DELETED" and _of(item, classes):
                        kept[item["metadata"]["uid"]] = item
                    self.ingresses = kept
            except (OSError, LookupError, ValueError):
                time.sleep(0.3)  # no Clock in this image

    def backends(self) -> list[tuple[str, str, str, str, str]]:
        """(host, path, namespace, ingress, service) of every rule."""
        found = []
        for item in list(self.ingresses.values()):
            for rule in item["spec"].get("rules", ()):
                for path in rule["http"]["paths"]:
                    meta, service = item["metadata"], path["backend"]["service"]["name"]
                    found.append((rule["host"], path["path"], meta["namespace"], meta["name"], service))
        return sorted(found)

    def serving(self, host: str, path: str) -> tuple[str, str, str, str, str] | None:
        """The rule that serves a request."""
        wild = "*." + host.partition(".")[2]
        fitting = [one for one in self.backends() if one[0] in (host, wild) and path.startswith(one[1])]
        return max(fitting, key=lambda one: (one[0] == host, len(one[1])), default=None)

    def dump(self) -> str:
        """As `nginx -T` prints it."""
        lines = ["# configuration file /etc/nginx/nginx.conf:", "events {}", "http {"]
        for host in sorted({one[0] for one in self.backends()}):
            name = host
            if host.startswith("*."):
                name = '"~^(?<subdomain>[\\w-]+)' + re.escape(host[1:]) + '$"'
            lines += ["server {", f"server_name {name} ;", "listen 80 ;", "listen [::]:80 ;"]
            for _, path, namespace, ingress, service in (one for one in self.backends() if one[0] == host):
                lines += [
                    f"location {path} {{",
                    f'set $namespace "{namespace}";',
                    f'set $ingress_name "{ingress}";',
                    f'set $service_name "{service}";',
                    'set $service_port "80";',
                    f'set $location_path "{path}";',
                    "}",
                ]
            lines += ["}"]
        return "\n".join([*lines, "}", ""])

    def metrics(self) -> str:
        """Prometheus text."""
        pod = os.environ.get("POD_NAME", "")
        prefix = "nginx_ingress_controller_"
        lines = [
            f'{prefix}config_hash{{controller_pod="{pod}"}} 1',
            f"process_start_time_seconds {STARTED}",
            f'{prefix}nginx_process_requests_total{{controller_pod="{pod}"}} {self.handled}',
        ]
        states = {"active": self.open + 1, "reading": 0, "writing": 1, "waiting": self.open}
        lines += [
            f'{prefix}nginx_process_connections{{controller_pod="{pod}",state="{state}"}} {count}'
            for state, count in states.items()
        ]
        with self.lock:
            counted = list(self.counts.items())
        lines += [
            f'{prefix}requests{{controller_pod="{pod}",host="{host}",namespace="{namespace}",'
            f'ingress="{ingress}",service="{service}",status="{status}",method="GET",path="/"}} {count}'
            for (host, namespace, ingress, service, status), count in counted
        ]
        return "\n".join([*lines, ""])

    def status(self) -> str:
        """As stub_status prints it."""
        return (
            f"Active connections: {self.open + 1} \nserver accepts handled requests\n"
            f" {self.handled} {self.handled} {self.handled} \n"
            f"Reading: 0 Writing: 1 Waiting: {self.open} \n"
        )


def _of(item: dict[str, Any], classes: set[str]) -> bool:
    return item["spec"].get("ingressClassName") in classes


def asked(what: str) -> Any:
    """One request to the API server."""
    with open(f"{ACCOUNT}/token") as token:  # noqa: PTH123  # `python3 -S` starts quicker without pathlib
        head = {"Authorization": f"Bearer {token.read()}"}
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    url = f"https://{host}:{port}/apis/networking.k8s.io/v1/{what}"
    context = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    return urllib.request.urlopen(  # the API server's own address
        urllib.request.Request(url, headers=head), context=context, timeout=330
    )


class Handler(BaseHTTPRequestHandler):
    """One connection of any port."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    served: Served
    public = False

    def setup(self) -> None:
        """Count an open connection."""
        super().setup()
        if self.public:
            with self.served.lock:
                self.served.open += 1

    def finish(self) -> None:
        """It is over."""
        try:
            super().finish()
        finally:
            if self.public:
                with self.served.lock:
                    self.served.open -= 1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base
        """Its own lines are the access log's."""

    def say(self, status: int, text: str) -> None:
        """Answer."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Inside(Handler):
    """Health, metrics, status and configuration."""

    def do_GET(self) -> None:
        """Answer what is asked in the pod."""
        if self.path == "/healthz":
            self.say(200 if self.served.ready else 500, "ok")
        elif self.path == "/nginx_status":
            self.say(200, self.served.status())
        elif self.path == DUMP:
            self.say(200, self.served.dump())
        else:
            self.say(200, self.served.metrics())


class Public(Handler):
    """What clients ask."""

    public = True

    def do_GET(self) -> None:
        """Answer, count and log."""
        host = self.headers.get("Host", "").partition(":")[0].lower()
        rule = self.served.serving(host, self.path)
        status, text = (404, "404\n") if rule is None else (200, f"{rule[4]} {host} {self.path}\n")
        self.say(status, text)
        with self.served.lock:
            self.served.handled += 1
            if rule:
                key = (rule[0], rule[2], rule[3], rule[4], status)
                self.served.counts[key] = self.served.counts.get(key, 0) + 1
        if rule:
            when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
            client = self.client_address[0].removeprefix("::ffff:")
            agent = self.headers.get("User-Agent", "-")
            size = len(text)
            print(  # noqa: T201  # the access log
                f'{client} - - [{when}] "{self.requestline}" {status} {size} "-" "{agent}" 100 0.001 '
                f"[{rule[2]}-{rule[4]}-80] [] 192.0.2.1:80 {size} 0.001 {status} {uuid.uuid4().hex}",
                flush=True,
            )

    do_HEAD = do_POST = do_GET  # noqa: N815


class Server(ThreadingHTTPServer):
    """Both families on one socket."""

    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 256

    def server_bind(self) -> None:
        """Take IPv4 too."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def serve(arguments: list[str]) -> None:
    """Be the controller until SIGTERM."""
    flags = dict(word.lstrip("-").partition("=")[::2] for word in arguments)
    Handler.served = Served(flags.get("controller-class", "k8s.io/ingress-nginx"))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for port, handler in ((80, Public), (STATUS_PORT, Inside), (HEALTH_PORT, Inside)):
        threading.Thread(target=Server(("::", port), handler).serve_forever, daemon=True).start()
    Handler.served.watch()


def main() -> None:
    """Be the controller; the first argument is its name, as in the real image."""
    serve(sys.argv[2:])


if __name__ == "__main__":
    main()
