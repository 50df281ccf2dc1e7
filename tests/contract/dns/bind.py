"""A real BIND for the contract tests: a primary and a secondary on loopback, held by their own processes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from blueshift.dns.key import Key, parse_key
from blueshift.dns.rfc2136 import Rfc2136
from blueshift.dns.settings import Rfc2136Settings
from blueshift.dns.wire import NoAnswer, ask, question
from tests.fakes import ManualClock

ZONE = "shop.test"
SECRET = "c2VjcmV0LW9mLXRoZS1jb250cmFjdC10ZXN0cw=="
OTHER_SECRET = "YW5vdGhlci1zZWNyZXQtYWx0b2dldGhlci4uLi4="
WRITER = 'key "writer" { algorithm hmac-sha256; secret "' + SECRET + '"; };'
NARROW = 'key "narrow" { algorithm hmac-sha512; secret "' + SECRET + '"; };'

RECORDS = f"""$TTL 300
$ORIGIN {ZONE}.
@ IN SOA ns1 admin ( 7 3600 600 86400 60 )
@ IN NS ns1
@ IN NS ns2
ns1 IN A 127.0.0.1
ns2 IN A 127.0.0.2
@ IN A 192.0.2.1
www IN A 192.0.2.1
www IN AAAA 2001:db8::1
two IN A 192.0.2.1
two IN A 192.0.2.2
pair IN A 192.0.2.1
pair IN A 192.0.2.2
*.wild IN A 192.0.2.1
own.wild IN A 192.0.2.1
txt.wild IN TXT "own, without an address"
shared IN A 192.0.2.1
alias IN CNAME shared
second IN CNAME alias
loop IN CNAME pool
pool IN CNAME loop
away IN CNAME elsewhere.example.
child IN NS ns.elsewhere.example.
""" + "".join(f"h{n} IN A 192.0.2.1\nh{n} IN AAAA 2001:db8::1\n" for n in range(300))


@dataclass(frozen=True)
class Bind:
    """Where the two servers listen."""

    port: int
    secondary_port: int
    folder: Path
    address: str = "127.0.0.1"

    def backend(
        self,
        key: Key | None = None,
        *,
        port: int = 0,
        zones: Sequence[str] = (),
        max_batch: int = 400,
        signed_reads: bool = False,
    ) -> Rfc2136:
        """Return a backend for the primary, by default with the key that may write everything."""
        writer = parse_key(WRITER, place="test") if key is None else key
        settings = Rfc2136Settings(
            server=self.address, port=port or self.port, max_batch=max_batch, signed_reads=signed_reads
        )
        return Rfc2136(settings, writer, ManualClock(), zones=zones)


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configuration(bind: Bind, home: Path, port: int, zone: str) -> str:
    return f"""
{WRITER}
{NARROW}
options {{
  directory "{home}";
  pid-file "{home}/named.pid";
  session-keyfile "{home}/session.key";
  listen-on port {port} {{ {bind.address}; }};
  listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify explicit; minimal-responses no;
}};
controls {{ }};
{zone}
"""


def _primary(bind: Bind) -> str:
    return f"""
zone "{ZONE}" {{
  type primary; file "zone.db";
  update-policy {{ grant writer zonesub ANY; grant narrow name www.{ZONE} A AAAA; }};
  also-notify {{ {bind.address} port {bind.secondary_port}; }}; notify-delay 0;
  allow-transfer {{ any; }};
}};
zone "fixed.test" {{ type primary; file "fixed.db"; }};
"""


def _left_behind(_bind: Bind) -> str:
    return f'zone "{ZONE}" {{ type primary; file "zone.db"; }};'


def _secondary(bind: Bind) -> str:
    return f"""
zone "{ZONE}" {{
  type secondary; file "copy.db"; primaries {{ {bind.address} port {bind.port}; }};
  allow-notify {{ {bind.address}; }};
}};
"""


@contextmanager
def running(bind: Bind, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server of this port until the block ends; on any third port, one that no update reaches."""
    home = bind.folder / str(port)
    home.mkdir(exist_ok=True)
    (home / "zone.db").write_text(RECORDS)
    (home / "fixed.db").write_text(RECORDS.replace(ZONE, "fixed.test"))
    zone = {bind.port: _primary, bind.secondary_port: _secondary}.get(port, _left_behind)(bind)
    (home / "named.conf").write_text(_configuration(bind, home, port, zone))
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            ["named", "-g", "-n", "1", "-c", f"{home}/named.conf"], stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def both(folder: Path) -> Iterator[Bind]:
    """A primary and a secondary that has copied its zone."""
    bind = Bind(port=free_port(), secondary_port=free_port(), folder=folder)
    with running(bind, bind.port):
        # A secondary that finds no primary asks again only a minute later.
        asyncio.run(until_ready(bind, bind.port))
        with running(bind, bind.secondary_port):
            asyncio.run(until_ready(bind, bind.secondary_port))
            yield bind


async def until_ready(bind: Bind, *ports: int) -> None:
    """Return when the server of each port answers for the zone."""
    for port in ports:
        for _ in range(50):
            try:
                answer = await ask(question(ZONE, "SOA", recursive=False), bind.address, port, timeout=0.2)
            except NoAnswer:
                answer = None
            if answer is not None and answer.answer:
                break
            await asyncio.sleep(0.1)
        else:
            log = (bind.folder / str(port) / "log").read_text()
            raise AssertionError(f"named at port {port} did not start:\n{log}")
