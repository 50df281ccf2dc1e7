"""Records that a person changes, read at a real authority; the person is nsupdate, by our own words."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blueshift.dns.authority import Directory
from blueshift.dns.backend import DnsError
from blueshift.dns.manual import Manual
from blueshift.dns.records import Change, RecordSet
from blueshift.dns.settings import ManualSettings
from blueshift.dns.wire import NoAnswer
from blueshift.engine.protocol import Absent, Done, InFlight, Journalled
from blueshift.errors import Ambiguous
from blueshift.shift.swap import swaps
from tests.contract.dns.bind import WRITER, ZONE, Bind, free_port


def manual(bind: Bind, port: int = 0) -> Manual:
    directory = Directory(
        f"127.0.0.1:{bind.port}", authorities=(f"127.0.0.1:{port or bind.port}",), zones=(ZONE,)
    )
    return Manual(ManualSettings(provider="nsupdate"), directory)


def record(name: str, kind: str, *values: str, ttl: int = 300) -> RecordSet:
    return RecordSet(f"{name}.{ZONE}", kind, ttl, values)


async def test_it_reads_what_stands_under_exactly_that_name(bind: Bind) -> None:
    asked = [(f"www.{ZONE}", "A"), (f"www.{ZONE}", "AAAA"), (f"alias.{ZONE}", "A"), (f"no.{ZONE}", "A")]
    assert await manual(bind).read(asked) == (
        record("www", "A", "192.0.2.1"), record("www", "AAAA", "2001:db8::1"), None, None,
    )  # fmt: skip
    (alias,) = await manual(bind).read([(f"alias.{ZONE}", "CNAME")])
    assert alias == record("alias", "CNAME", f"shared.{ZONE}")


async def test_a_silent_authority_is_no_answer(bind: Bind) -> None:
    with pytest.raises(NoAnswer):
        await manual(bind, free_port()).read([(f"www.{ZONE}", "A")])


async def test_it_never_writes(bind: Bind) -> None:
    change = Change(f"h30.{ZONE}", "A", record("h30", "A", "192.0.2.1"), record("h30", "A", "192.0.2.9"))
    with pytest.raises(DnsError, match="changed by a person"):
        await manual(bind).swap([change])


async def test_what_is_printed_is_what_makes_it_so(bind: Bind, tmp_path: Path) -> None:
    changes = [
        Change(f"{name}.{ZONE}", kind, record(name, kind, old), record(name, kind, new, ttl=60))
        for name in ("h31", "h32")
        for kind, old, new in (("A", "192.0.2.1", "192.0.2.9"), ("AAAA", "2001:db8::1", "2001:db8::9"))
    ]
    notices: list[str] = []
    (asked,) = await swaps(manual(bind), "point at the temporary", changes, notices.append)
    assert isinstance(await asked.observe(None), Absent)
    with pytest.raises(Ambiguous):
        await asked.do()
    journalled = Journalled(asked.intent, datetime.now(UTC))
    assert isinstance(await asked.observe(journalled), InFlight)
    (tmp_path / "key").write_text(WRITER)
    _, _, script = notices[0].partition("<<'EOF'\n")
    text = f"server 127.0.0.1 {bind.port}\n{script.removesuffix('EOF')}"
    argv = ["nsupdate", "-k", str(tmp_path / "key")]
    await asyncio.to_thread(subprocess.run, argv, input=text.encode(), check=True)
    assert isinstance(await asked.observe(journalled), Done)
