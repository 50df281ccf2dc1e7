"""An upgrade whose name server is broken, or none at all: refused before anything is changed, and told once.

The cluster, helm and BIND are real; between the command and BIND stands what breaks the answers.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from blueshift.cli.errors import ExitCode
from tests.contract.app.front import Front
from tests.contract.dns.bind import SECRET, ZONE
from tests.crash.faults.dns import Do, Proxy, Rule, Settings, fault

LINES = 5
ALWAYS = 1_000_000


@contextmanager
def broken(front: Front, rule: Rule) -> Iterator[Proxy]:
    """The name server as the command meets it; in a thread, since the command is waited for."""
    settings = Settings(front.bind.address, front.bind.port, (rule,), key=("writer", "hmac-sha256", SECRET))
    stands: list[Proxy] = []
    ready, over = threading.Event(), asyncio.Event()

    async def stand() -> None:
        async with fault(settings) as proxy:
            stands.append(proxy)
            ready.set()
            await over.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(stand(),))
    thread.start()
    assert ready.wait(30)
    try:
        yield stands[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def upgraded(front: Front, proxy: Proxy) -> tuple[int, str]:
    """Exit code, and what was said."""
    where = f"{proxy.address}:{proxy.port}"
    named = {"server": proxy.address, "port": proxy.port, "key": {"file": "update.key"}}
    front.settings(dns={"settings": named, "zones": [ZONE], "authorities": [where]})
    done = front.blueshift("upgrade", "--yes")
    return done.returncode, done.stderr


def told(said: str, check: str) -> list[str]:
    """The findings of a check that are against the upgrade, each with its lines but those of a list."""
    blocks = re.split(r"\n(?=\S)", said)
    against = [one for one in blocks if re.match(rf"(FAIL|NOT LOOKED) +{check}:", one)]
    return [re.sub(r"\n +- .*", "", one) for one in against]


@pytest.mark.parametrize(
    ("verb", "do", "check", "says"),
    [
        ("query", "half", "dns-hosts", "an answer that cannot be read"),
        ("query", "words", "dns-hosts", "no answer within"),
        ("query", "other-id", "dns-hosts", "no answer"),
        ("query", "web", "dns-hosts", "no answer"),
        ("query", "servfail", "dns-hosts", "answered SERVFAIL"),
        ("query", "refused", "dns-hosts", "REFUSED"),
        ("query", "notauth", "dns-hosts", "NOTAUTH"),
        ("update", "half", "dns-update-rights", "it cannot be verified"),
        ("update", "other-id", "dns-update-rights", "it answers another message"),
        ("update", "web", "dns-update-rights", "no answer to the update"),
        ("update", "servfail", "dns-update-rights", "SERVFAIL"),
        ("update", "refused", "dns-update-rights", "REFUSED"),
        ("update", "notauth", "dns-update-rights", "NOTAUTH"),
        ("update", "badkey", "dns-update-rights", "BADKEY"),
        ("update", "badsig", "dns-update-rights", "BADSIG"),
        ("update", "badtime", "dns-update-rights", "BADTIME"),
    ],
)
async def test_a_broken_name_server_is_one_finding_with_place_and_remedy(
    front: Front, verb: Literal["query", "update"], do: Do, check: str, says: str
) -> None:
    before = await front.state()
    with broken(front, Rule(do, (verb,), times=ALWAYS)) as proxy:
        code, said = await asyncio.to_thread(upgraded, front, proxy)
        assert proxy.met, "nothing was asked of it"
        port = str(proxy.port)
    assert code == ExitCode.REFUSED
    assert "nothing was changed" in said
    assert "Traceback" not in said
    (finding,) = told(said, check)
    text = " ".join(finding.split())
    assert says in text
    assert re.search(rf"127\.0\.0\.1( port |:){port}\b", text)
    assert "→" in text
    assert len(finding.splitlines()) <= LINES + 1  # the last is the link
    again = re.compile(rf"{says}|cannot be read|proves nothing")
    others = [one for other in ("dns-wildcard-apex", "dns-ttl", "dns-hosts") for one in told(said, other)]
    assert [one for one in others if one != finding and again.search(one)] == []
    assert await front.state() == before
