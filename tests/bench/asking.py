"""How many requests a second the prober holds over TLS on one core, beside wrk at the same server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from blueshift.lab.certificates import Authority
from blueshift.traffic.prober.count import STALE_SHARE
from blueshift.traffic.prober.ledger import read_ledger
from tests.bench.pinned import pinned

HOST = "bench.test"
RATES = (4000, 5000, 6000, 7000)
"""Tried from the lowest on, until one is not held."""
SECONDS = 30
LATE_MS = 10.0
"""The 99th percentile of lateness within which a rate counts as held (issue 7)."""
_CONF = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/pair.pem; ssl_certificate_key {folder}/pair.pem;
    location / {{ return 200 "well\\n"; }}
  }}
}}
"""


class Held(NamedTuple):
    """The highest rate that was held."""

    requests_per_s: float
    late_p99_ms: float
    wrk_requests_per_s: float
    sent_p99_ms: float
    """From when a request was due to its first byte, the wait for a connection and its making included."""
    rows: float
    """In the ledger of that try."""


def held(folder: Path) -> Held:
    """Try the rates, then wrk for as long."""
    with _serving(folder) as (port, ca):
        url = f"https://{HOST}:{port}/"
        best = (0.0, 0.0, 0.0, 0.0)
        for rate in RATES:
            ledger = folder / f"ledger-{rate}"
            got = _probed(url, ca, rate, ledger)
            print(f"prober at {rate}/s: {got}", flush=True)
            stale = got["stale_closed"] > STALE_SHARE * got["requests"]
            if got["void"] or got["failed"] or stale or got["late_p99_ms"] > LATE_MS:
                break
            best = (got["requests"] / got["seconds"], got["late_p99_ms"], _sent_p99(ledger), got["requests"])
        argv = ["wrk", "-t1", "-c64", f"-d{SECONDS}s", "-H", f"Host: {HOST}", f"https://127.0.0.1:{port}/"]
        wrk = re.search(r"Requests/sec:\s+([\d.]+)", pinned(argv).out)
        assert wrk is not None
        return Held(round(best[0]), best[1], round(float(wrk[1])), best[2], best[3])


def _probed(url: str, ca: Path, rate: int, ledger: Path) -> dict[str, float]:
    blueshift = str(Path(sys.executable).with_name("blueshift"))
    done = pinned(
        [
            blueshift, "probe", url, "--rate", str(rate), "--for", f"{SECONDS}s", "--ca", str(ca),
            "--address", f"{HOST}=127.0.0.1", "--ledger", str(ledger), "-o", "json",
        ],
        ok=(0, 1),
    )  # fmt: skip
    summary = json.loads(done.out)["summary"]
    names = ("requests", "failed", "stale_closed", "void", "late_p99_ms", "seconds")
    return {name: summary[name] for name in names}


def _sent_p99(ledger: Path) -> float:
    waits = sorted(row.sent - row.scheduled for row in read_ledger(ledger) if row.sent >= 0)
    return round(waits[len(waits) * 99 // 100] * 1000, 1)


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[int, Path]]:
    """nginx on the other core; its package is unpacked and not installed, so that no service is started."""
    subprocess.run(["apt-get", "download", "-q", "nginx-light", "nginx"], cwd=folder, check=False)
    packages = [str(path) for path in folder.glob("nginx*.deb")]
    for package in packages:
        subprocess.run(["dpkg", "-x", package, str(folder / "root")], check=True)
    authority = Authority(folder / "ca.pem")
    certificate, key = authority.issue(HOST)
    (folder / "pair.pem").write_bytes(key + certificate)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, port=port))
    program, other = folder / "root/usr/sbin/nginx", max(os.sched_getaffinity(0))
    nginx = subprocess.Popen(["taskset", "-c", str(other), str(program), "-p", str(folder), "-c", str(conf)])
    try:
        _until_answers(port)
        yield port, authority.certificate
    finally:
        nginx.terminate()
        nginx.wait(20)


def _until_answers(port: int) -> None:
    for _ in range(100):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("nginx does not listen")
