"""`blueshift probe` as a person runs it, against real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from blueshift.traffic.logs import PROBE_AGENT
from blueshift.traffic.prober.ledger import read_ledger
from blueshift.traffic.websocket import CLOSE, PING, PONG, TEXT
from tests.contract.traffic.servers import (
    HOST,
    Connection,
    frame,
    healthy,
    receive,
    server_tls,
    serving,
    upgrade,
)

BLUESHIFT = str(Path(sys.executable).with_name("blueshift"))
AT = ("--address", f"{HOST}=127.0.0.1")


class Ended(NamedTuple):
    code: int
    out: str
    said: str

    @property
    def figures(self) -> Any:
        return json.loads(self.out)


async def probe(*arguments: str, after: float | None = None, room: int | None = None) -> Ended:
    """Run it to its end; with Ctrl-C `after` so many seconds; `room`: bytes that a file may have."""
    limited = () if room is None else ("prlimit", f"--fsize={room}")
    process = await asyncio.create_subprocess_exec(
        *limited,
        BLUESHIFT,
        "probe",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    talk = asyncio.create_task(process.communicate())
    if after is not None:
        await asyncio.sleep(after)
        process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        out, said = await talk
    return Ended(process.returncode or 0, out.decode(), said.decode())


async def test_what_it_counts_is_what_the_server_served(tmp_path: Path) -> None:
    ledger = tmp_path / "rows"
    async with serving(healthy) as one, serving(healthy) as other:
        urls = [f"http://{HOST}:{one.port}/a?b=c", f"http://{HOST}:{other.port}/a?b=c"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = await probe(*urls, "--rate", "40", "--for", "2s", *AT, "--ledger", str(ledger), "-o", "json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.code == 0, done.said
    served = [len(one.requests), len(other.requests)]
    assert served == [40, 40]
    assert [target["requests"] for target in done.figures["targets"]] == served
    assert [target["url"] for target in done.figures["targets"]] == urls
    for target in done.figures["targets"]:
        assert target["statuses"] == {"200": 40}
        assert target["addresses"] == {"127.0.0.1": 40}
        assert 0 < target["ms"]["p50"] <= target["ms"]["p95"] <= target["ms"]["p99"]
    assert done.figures["summary"]["requests"] == len(list(read_ledger(ledger))) == 80
    # The port is no part of the name, and stands in Host where it is not the scheme's own.
    assert {request.headers["host"] for request in one.requests} == {f"{HOST}:{one.port}"}
    assert {request.path for request in one.requests} == {"/a?b=c"}
    own = done.figures["own"]
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime  # with start and end
    assert 0 < own["cpu_s"] < whole
    assert own["cpu_ms_per_request"] == pytest.approx(own["cpu_s"] * 1000 / 80, abs=0.01)
    assert 0 < own["cpu_share"] <= own["cpu_s"]  # of two seconds, less what came before the first request
    assert 10 < own["peak_rss_mb"] <= after.ru_maxrss / 1024
    # By it the access logs of an ingress controller know our own.
    assert all(request.headers["user-agent"].startswith(PROBE_AGENT) for request in one.requests)


async def test_a_wrong_status_and_a_cut_connection_are_told_apart() -> None:
    async def breaks(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if request.path == "/cut":
                connection.reset()
                return
            await connection.answer(b"", status=503)

    async with serving(breaks) as server:
        base = f"http://{HOST}:{server.port}"
        urls = (f"{base}/busy", f"{base}/cut")
        told = await probe(*urls, "--rate", "20", "--for", "1s", *AT)
        done = await probe(*urls, "--rate", "20", "--for", "1s", *AT, "-o", "json")
    assert done.code == told.code == 1
    reasons = Counter((each["phase"], each["reason"]) for each in done.figures["summary"]["failures"])
    assert reasons == {("check", "status 503"): 10, ("headers", "reset"): 10}
    assert f"{HOST}/busy at 127.0.0.1 in check: status 503" in told.said
    assert "and 10 more; `--ledger FILE` keeps every one" in told.said


async def test_a_websocket_is_held_by_pings_and_one_that_is_cut_has_failed() -> None:
    """The server echoes nothing: all that every server must do is answer a Ping."""
    pings: Counter[str] = Counter()

    async def holds(connection: Connection) -> None:
        path = await upgrade(connection)
        while True:
            kind, data = await receive(connection)
            if kind == CLOSE:
                connection.writer.write(frame(CLOSE, data))
                return
            pings[path] += kind == PING
            if path == "/cut":
                return
            if path != "/mute":
                connection.writer.write(frame(TEXT, b"news") + frame(PONG, b"unasked") + frame(PONG, data))

    async with serving(holds) as server:
        urls = [f"ws://{HOST}:{server.port}{path}" for path in ("/good", "/cut", "/mute")]
        done = await probe(
            *urls, "--rate", "6", "--for", "1s", "--hold", "2s", "--timeout", "1s", *AT, "-o", "json"
        )
        served = len(server.requests)
    assert done.code == 1, done.said
    good, cut, mute = done.figures["targets"]
    assert (good["requests"], good["failed"], good["statuses"]) == (2, 0, {"101": 2})
    assert good["ms"]["p99"] < 1000  # to the answer of the upgrade: not how long it was held
    assert (cut["failed"], mute["failed"]) == (2, 2)
    reasons = Counter((each["phase"], each["reason"]) for each in done.figures["summary"]["failures"])
    assert reasons == {("session", "cut without a Close frame"): 2, ("session", "timeout"): 2}
    assert done.figures["summary"]["by_kind"]["websocket"] == {"requests": 6, "failed": 4}
    assert served == 6
    assert pings["/good"] >= 2


async def test_a_long_poll_has_its_time_and_one_that_ends_early_has_failed() -> None:
    async def polls(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await asyncio.sleep(0.1 if request.path == "/early" else 1.2)
            await connection.answer(b"nothing new")

    async with serving(polls) as server:
        urls = [f"http://{HOST}:{server.port}{path}" for path in ("/late", "/early")]
        short = (*urls, "--rate", "20", "--for", "500ms", *AT, "-o", "json")
        polled = await probe(*short, "--timeout", "1s", "--wait", "1s")
        asked = await probe(*short, "--timeout", "1s")
    late, early = polled.figures["targets"]
    assert (late["requests"], late["failed"]) == (5, 0)
    assert early["failed"] == 5
    assert {each["reason"] for each in polled.figures["summary"]["failures"]} == {"long poll ended early"}
    assert polled.figures["summary"]["by_kind"]["longpoll"]["requests"] == 10
    assert {each["reason"] for each in asked.figures["summary"]["failures"]} == {"timeout"}


async def test_certificates_are_verified_unless_told_otherwise(tmp_path: Path) -> None:
    context, ca = server_tls(tmp_path)
    async with serving(healthy, context) as server:
        url = f"https://{HOST}:{server.port}/"
        short = (url, "--rate", "10", "--for", "500ms", *AT, "-o", "json")
        stranger, trusted, blind = (
            await probe(*short),
            await probe(*short, "--ca", ca),
            await probe(*short, "--insecure"),
        )
    assert (stranger.code, trusted.code, blind.code) == (1, 0, 0)
    (failure, *_) = stranger.figures["summary"]["failures"]
    assert failure["phase"] == "tls"
    assert failure["reason"].startswith("certificate: ")


async def test_the_dot_of_a_full_name_is_in_host_and_in_no_certificate(tmp_path: Path) -> None:
    context, ca = server_tls(tmp_path)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with serving(healthy, context) as server:
        done = await probe(
            f"https://{HOST}.:{server.port}/", "--rate", "4", "--for", "500ms", "--ca", ca,
            "--address", f"{HOST}.=127.0.0.1", "-o", "json",
        )  # fmt: skip
    assert done.code == 0, done.out
    assert set(asked) == {HOST}
    assert {request.headers["host"] for request in server.requests} == {
        f"{HOST}.:{server.port}"
    }  # as curl has it


async def test_ctrl_c_ends_it_with_the_figures_so_far() -> None:
    async with serving(healthy) as server:
        done = await probe(
            f"http://{HOST}:{server.port}/", "--rate", "20", "--for", "1h", *AT, "-o", "json", after=4.0
        )
        served = len(server.requests)
    assert done.code == 0, done.said
    assert done.figures["summary"]["requests"] == served > 0
    assert "once more stops now" in done.said


async def test_a_server_that_ends_idle_connections_is_well() -> None:
    async def impatient(connection: Connection) -> None:
        await connection.request()
        await connection.answer(b"")
        await asyncio.sleep(0.1)

    async with serving(impatient) as server:
        done = await probe(f"http://{HOST}:{server.port}/", "--rate", "2", "--for", "2s", *AT, "-o", "json")
    assert done.code == 0, done.said
    (target,) = done.figures["targets"]
    assert target["statuses"] == {"200": 4}
    assert (target["stale_closed"], done.figures["summary"]["stale_closed"]) == (3, 3)
    assert "kept connections found closed by the server: 3" in done.figures["remarks"][0]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_full_disk_is_one_error_with_the_figures_so_far(tmp_path: Path, *, kept: bool) -> None:
    """As `ulimit -f 8` has it: the first 2,048 rows take 20 KiB."""
    arguments = ("--rate", "1200", "--for", "1m", *AT, "-o", "json")
    ledger = ("--ledger", str(tmp_path / "rows")) if kept else ()
    async with serving(healthy) as server:
        done = await probe(f"http://{HOST}:{server.port}/", *arguments, *ledger, room=8192)
        served = len(server.requests)
    assert done.code == 1
    error, hint = done.said.splitlines()[-2:]
    assert "the ledger cannot be written: File too large; the sending ended there" in error
    assert (str(tmp_path / "rows") in error) is kept
    assert ("$TMPDIR" in hint) is not kept
    assert "fault" not in done.said
    assert "Traceback" not in done.said
    summary = done.figures["summary"]
    assert 2048 <= summary["requests"] == done.figures["targets"][0]["requests"] == served
    assert (summary["failed"], summary["void"]) == (0, False)
    assert summary["seconds"] < 60
    assert done.figures["unwritten"] == "the ledger cannot be written: File too large"


async def test_a_rate_that_is_not_held_voids_the_figures() -> None:
    async def stalls(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(30)

    async with serving(stalls) as server:
        done = await probe(
            f"http://{HOST}:{server.port}/", "--rate", "15000", "--for", "2s", "--timeout", "1", *AT,
            "-o", "json",
        )  # fmt: skip
    assert done.code == 1
    assert done.figures["summary"]["void"]
    assert "were sent on time" in done.figures["summary"]["void_reasons"][0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ftp://app.example/"], "this is no URL that can be asked"),
        (["https://"], "this is no URL that can be asked"),
        (["https://app.example:99999/"], "this is no URL that can be asked"),
        (["https://ann:hunter22@app.example/"], "would stand in the ledger"),
        (["https://app.invalid/"], "app.invalid "),
        (["http://127.0.0.1/", "--address", "app.example=nowhere"], "is no host with its address"),
        (["http://127.0.0.1/", "--address", "typo.example=127.0.0.1"], "no URL asks typo.example"),
        (["http://127.0.0.1/", "--ledger", __file__], "it is not overwritten"),
        (["wss://127.0.0.1/", "--wait", "5s"], "a WebSocket has no answer to wait for"),
        (["https://127.0.0.1/", "--hold", "5s"], "there is no WebSocket to hold"),
        (["ws://127.0.0.1/", "--hold", "0"], "that is not nothing"),
        (["http://127.0.0.1/", "--timeout", "soon"], "expected a length of time"),
        (["http://127.0.0.1/", "--for", "soon"], "expected a length of time"),
        (["http://127.0.0.1/", "--for", "0"], "that is not nothing"),
        (["http://127.0.0.1/", "--rate", "0"], "--rate"),
        (["http://127.0.0.1/", "--ca", __file__, "--insecure"], "exclude each other"),
        (["https://127.0.0.1/", "--ca", __file__, "--for", "1s"], "holds no certificate"),
        (["http://127.0.0.1/", "--ledger", "/no/such/folder/rows"], "the ledger cannot be written"),
        ([], "URL"),
    ],
)
async def test_what_cannot_be_asked_is_one_error(arguments: list[str], says: str) -> None:
    done = await probe(*arguments)
    assert done.code == 1, done.said
    assert says in done.said
    assert "hunter22" not in done.said
    assert "Traceback" not in done.said
