"""What the RFC 2136 driver and the authority's readers make of a name server that fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import dns.message
import dns.rcode
import pytest

from blueshift.dns.backend import BadKey, BadSig, BadTime, NotAuth, Refused, ServerFailed
from blueshift.dns.records import Change
from blueshift.dns.rfc2136 import Rfc2136
from blueshift.dns.wire import NoAnswer, ask, question
from blueshift.errors import Ambiguous, BlueshiftError, Retryable
from tests.contract.dns.bind import SECRET, ZONE, Bind
from tests.contract.dns.test_rfc2136 import change, records, standing
from tests.crash.faults.dns import Do, Proxy, Rule, Settings, fault


@asynccontextmanager
async def between(bind: Bind, *rules: Rule) -> AsyncIterator[tuple[Proxy, Rfc2136]]:
    """The product's driver, with the fault on its way to BIND."""
    key = ("writer", "hmac-sha256", SECRET)
    async with fault(Settings(bind.address, bind.port, rules, key=key)) as proxy:
        yield proxy, bind.backend(port=proxy.port)


def swap_of(name: str) -> list[Change]:
    return [change(records(name, "A", "192.0.2.1"), records(name, "A", "192.0.2.9"))]


async def test_all_goes_through_where_there_is_no_fault(bind: Bind) -> None:
    async with between(bind) as (proxy, backend):
        await backend.swap(swap_of("h200"))
    assert ("update", f"{ZONE}. SOA") in proxy.seen


REFUSALS: Sequence[tuple[Do, type[BlueshiftError], str]] = [
    ("servfail", Ambiguous, "SERVFAIL"),
    ("refused", Refused, "REFUSED"),
    ("notauth", NotAuth, "NOTAUTH"),
    ("badkey", BadKey, "BADKEY"),
    ("badsig", BadSig, "BADSIG"),
    ("badtime", BadTime, "4000 s"),
]


@pytest.mark.parametrize(("do", "kind", "says"), REFUSALS, ids=[do for do, _, _ in REFUSALS])
async def test_an_update_is_refused_and_nothing_changes(
    bind: Bind, do: Do, kind: type[BlueshiftError], says: str
) -> None:
    async with between(bind, Rule(do, ("update",))) as (proxy, backend):
        before = await standing(backend, "h201")
        with pytest.raises(kind, match=says) as caught:
            await backend.swap(swap_of("h201"))
        assert len(proxy.met) == 1
        assert await standing(backend, "h201") == before
    assert caught.value.hint, "every error says what to do"
    assert not (kind is not Ambiguous and isinstance(caught.value, Retryable | Ambiguous))


@pytest.mark.parametrize("do", ["lost", "timeout", "cut"])
async def test_an_update_without_an_answer_is_ambiguous_whether_it_landed_or_not(bind: Bind, do: Do) -> None:
    name = {"lost": "h202", "timeout": "h203", "cut": "h204"}[do]
    async with between(bind, Rule(do, ("update",))) as (_proxy, backend):
        driver = Rfc2136(
            type(backend.settings)(backend.settings.server, backend.settings.port, timeout=0.5),
            backend._key,
            backend._clock,
        )
        with pytest.raises(Ambiguous, match="no answer to the update"):
            # The clock of the contract tests moves by hand, so the bound comes from here.
            await asyncio.wait_for(_by_deadline(driver, name), 3)
        now = await standing(backend, name)
    assert now is not None
    assert now.values == (("192.0.2.9",) if do == "lost" else ("192.0.2.1",))


async def _by_deadline(driver: Rfc2136, name: str) -> None:
    from blueshift.clock import SystemClock

    driver._clock = SystemClock()
    await driver.swap(swap_of(name))


@pytest.mark.parametrize(
    ("do", "kind"), [("servfail", ServerFailed), ("refused", NotAuth), ("timeout", NoAnswer)]
)
async def test_a_question_that_is_not_answered_well_is_no_answer(
    bind: Bind, do: Do, kind: type[BlueshiftError]
) -> None:
    async with between(bind, Rule(do, ("query",), "h205", times=9)) as (proxy, backend):
        with pytest.raises(kind):
            await standing(backend, "h205")
        proxy.clear()
        assert await standing(backend, "h205") == records("h205", "A", "192.0.2.1")


async def test_one_lost_datagram_is_asked_again(bind: Bind) -> None:
    async with between(bind, Rule("timeout", ("query",), "h206")) as (proxy, backend):
        begin = time.monotonic()
        assert await standing(backend, "h206") is not None
        assert (len(proxy.met), 1.9 < time.monotonic() - begin < 4) == (1, True)


async def test_a_stale_secondary_goes_on_saying_what_was(bind: Bind) -> None:
    """The injector itself: the authority's readers are asked in tests/contract/dns."""
    asked = question(f"h207.{ZONE}", "A", recursive=False)
    async with between(bind, Rule("stale", ("query",), times=99)) as (proxy, _backend):

        async def values() -> list[str]:
            query = dns.message.from_wire(asked.to_wire())
            answer = await ask(query, proxy.address, proxy.port)
            return [str(rdata) for rdata in answer.answer[0]]

        assert await values() == ["192.0.2.1"]
        await bind.backend().swap(swap_of("h207"))
        assert await values() == ["192.0.2.1"]
        proxy.clear()
        assert await values() == ["192.0.2.9"]
