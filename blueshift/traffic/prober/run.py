"""The open loop: sends each request when it is due, whatever became of those before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.connect import Failed
from blueshift.traffic.prober.client import Client, Tls, Watch, patience
from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import LedgerWriter, Row
from blueshift.traffic.prober.names import Resolve
from blueshift.traffic.prober.plan import Plan, Stream
from blueshift.traffic.prober.schedule import moments
from blueshift.traffic.prober.session import hold

LINGER = 60.0
"""Seconds that the last requests get after the sending has ended, or more where a plan gives its own more."""
_NAP = 0.25  # seconds; how long a stop may go unseen


def longest(plan: Plan) -> float:
    """Seconds after which any request of a plan has ended: wait for a connection, connect, answer."""
    answers = max((patience(plan, stream.route) for stream in plan.streams), default=0.0)
    return 2 * plan.connect_timeout + answers


class Run:
    """One run of a plan. `stop()` ends the sending; sessions then say goodbye, polls get their answers.

    Its clock starts when it is made, and so should the ledger's: `tls` (`client.tls_of`) is made before both.
    """

    def __init__(
        self,
        plan: Plan,
        tls: Tls,
        run: str,
        resolve: Resolve,
        clock: Clock,
        ledger: LedgerWriter,
        *,
        report: Callable[[float, Counter], None] | None = None,
    ) -> None:
        self.counter = Counter(run)
        self.seconds = 0.0
        """How long it has been sending."""
        self.fault: BlueshiftError | None = None
        """The ledger's, which ended the sending: what has no row is not asked."""
        self._plan = plan
        self._watch = Watch(clock, clock.now())
        self._ledger = ledger
        self._clients = {
            p.name: Client(p, plan, run, resolve, self._watch, tls[p.protocol]) for p in plan.personas
        }
        self._random = random.Random(plan.seed)  # noqa: S311  # lengths of sessions, not secrets
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._report = report

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True

    async def go(self) -> Counter:
        """Send until the plan's duration is over or `stop` was called; return the count of all rows.

        Where the ledger cannot be written it ends early too, with `fault`.
        """
        reporter = asyncio.create_task(self._report_often())
        try:
            await self._send()
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=max(LINGER, longest(self._plan)))
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            try:
                self._ledger.flush()
            except BlueshiftError as error:
                self.fault = error
        finally:
            reporter.cancel()
            for client in self._clients.values():
                client.close()
        return self.counter

    async def _send(self) -> None:
        clock = self._watch.clock
        for moment, index in moments(self._plan.streams, self._plan.duration):
            while (ahead := moment - self._watch.now()) > 0 and not self._stopped:
                await clock.sleep(min(ahead, _NAP))
            if self._stopped:
                break
            self._begin(self._plan.streams[index], moment)
        while not self._stopped and (ahead := self._plan.duration - self._watch.now()) > 0:
            await clock.sleep(min(ahead, _NAP))
        self._stopped = True
        self.seconds = self._watch.now()

    def _begin(self, stream: Stream, moment: float) -> None:
        route = stream.route
        row = Row(
            id=self.counter.scheduled + self.counter.long_scheduled,
            kind=stream.kind,
            persona=stream.persona,
            host=route.host,
            path=route.path,
            expected=route.service,
            scheduled=moment,
        )
        prompt = stream.kind in ("http1", "http2") and not (route.wait or route.lines)
        self.counter.due(row, prompt=prompt)
        if len(self._under_way) >= self._plan.most_in_flight:
            row.phase, row.reason = "unsent", "too many in flight"
            self._end(row, prompt)
            return
        task = asyncio.create_task(self._ask(stream, row, prompt))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, stream: Stream, row: Row, prompt: bool) -> None:
        row.begun = self._watch.now()
        client = self._clients[stream.persona]
        try:
            if stream.kind.startswith("websocket"):
                await hold(
                    client, stream.route, row, self._random.uniform(*stream.hold), lambda: self._stopped
                )
            else:
                await client.ask(stream.route, row)
        except Failed as failed:
            row.phase, row.reason = failed.phase, failed.reason
        except asyncio.CancelledError:
            row.phase, row.reason = "unfinished", "still under way when the run ended"
        except Exception as error:  # a fault of our own must not pass for a good answer
            row.phase, row.reason = "internal", f"{type(error).__name__}: {error}"
        finally:
            self._end(row, prompt)

    def _end(self, row: Row, prompt: bool) -> None:
        row.end = self._watch.now()
        self.counter.end(row, prompt=prompt)
        try:
            self._ledger.add(row)
        except BlueshiftError as error:
            self.fault = error
            self.stop()

    async def _report_often(self) -> None:
        while self._report is not None:
            await self._watch.clock.sleep(10.0)
            self._report(self._watch.now(), self.counter)
