"""What a run says at its end of the groups that it was not about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.app import untouched
from blueshift.cluster.errors import ApiUnreachable
from blueshift.discovery.seen_groups import Group, Groups
from tests.fakes import ManualClock
from tests.unit.preflight.worlds import GROUP, INSIDE, but, seen, world

NOW = Groups((but(GROUP, revision=9), INSIDE))
SESSION = cast(Any, SimpleNamespace(kube=None, knows=None, clock=ManualClock()))


class Over(ManualClock):
    """Every bound is over as soon as something is waited for."""

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        async with asyncio.timeout(0) as scope:
            yield scope


def look(monkeypatch: pytest.MonkeyPatch, now: Groups | Exception | None) -> None:
    async def controllers(*_: Any) -> None:
        if isinstance(now, Exception):
            raise now
        if now is None:
            await asyncio.Event().wait()

    async def groups(*_: Any) -> Any:
        return now

    monkeypatch.setattr(untouched, "controllers", controllers)
    monkeypatch.setattr(untouched, "groups", groups)


async def said(monkeypatch: pytest.MonkeyPatch, now: Groups | Exception, *before: Group) -> str:
    look(monkeypatch, now)
    found = Groups(before or (GROUP, INSIDE))
    return await untouched.as_they_were(SESSION, world(findings=seen(class_groups=found)), asyncio.Event())


async def test_the_others_are_as_they_were_whatever_became_of_the_primary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await said(monkeypatch, NOW) == (
        "the other groups are as they were (revisions, workloads, Services, IngressClasses): "
        "inside (inside/web)"
    )


async def test_a_change_is_named_with_its_object(monkeypatch: pytest.MonkeyPatch) -> None:
    other = but(INSIDE, revision=8, digests={"Deployment inside/web-controller": "d3"})
    told = await said(monkeypatch, Groups((GROUP, other)))
    assert told.startswith("ATTENTION: of the other groups (inside (inside/web)) not all is as it was: ")
    assert "inside (inside/web): revision 7 → 8" in told
    assert "Deployment inside/web-controller is another" in told
    assert "Service inside/web-controller is gone" in told
    assert "it is gone" in await said(monkeypatch, Groups((GROUP,)))


async def test_revisions_that_may_not_be_read_are_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    unread = but(INSIDE, revision=None)
    assert "(workloads, Services, IngressClasses)" in await said(
        monkeypatch, Groups((unread,)), GROUP, unread
    )
    partner = but(INSIDE, name="partner", release="partner/web", revision=2)
    now = Groups((unread, partner))
    assert "and the revisions of 1 of 2" in await said(monkeypatch, now, GROUP, unread, partner)


async def test_a_temporary_release_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = but(GROUP, release="web-blueshift/web-blueshift", run="1129-0300-abcd")
    assert await said(monkeypatch, Groups((GROUP,)), GROUP, own) == ""


@pytest.mark.parametrize("error", [ApiUnreachable("no answer"), RuntimeError("odd")])
async def test_what_cannot_be_looked_at_is_never_as_before(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    told = await said(monkeypatch, error)
    assert told.startswith("whether the other groups are as they were (1) could not be looked at: ")
    unseen = world(findings=seen(class_groups={"not-looked": "no right"}))
    assert "is not known: no right" in await untouched.as_they_were(SESSION, unseen, asyncio.Event())


async def test_a_look_without_an_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    look(monkeypatch, None)
    session = cast(Any, SimpleNamespace(kube=None, knows=None, clock=Over()))
    end = untouched.as_they_were(session, world(findings=seen(class_groups=NOW)), asyncio.Event())
    assert await asyncio.wait_for(end, 10) == (
        "whether the other groups are as they were (1) could not be looked at: it took longer than 30 s"
    )


async def test_a_signal_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    look(monkeypatch, None)
    stopping = asyncio.Event()
    end = asyncio.create_task(
        untouched.as_they_were(SESSION, world(findings=seen(class_groups=NOW)), stopping)
    )
    await asyncio.sleep(0)  # no time passes: the look begins
    stopping.set()
    assert (await asyncio.wait_for(end, 10)).endswith("could not be looked at: a signal came")
