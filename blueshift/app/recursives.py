"""What resolvers that clients ask would tell these, for the people who watch: no decision waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from blueshift import events
from blueshift.app.sides import answered, owners
from blueshift.dns.resolver import query
from blueshift.dns.wire import NoAnswer, addresses
from blueshift.steps.context import Tools
from blueshift.together import together

EVERY = 15.0
# Names asked per look: those who run a public resolver count questions.
MOST_NAMES = 20


async def watch_recursives(tools: Tools, resolvers: Sequence[tuple[str, int]], emit: events.Emit) -> None:
    """Emit how many names each resolver (host and port) answers with each side until cancelled."""
    while resolvers:
        for seen in await together(*(_asked(tools, host, port) for host, port in resolvers)):
            emit(seen)
        await tools.clock.sleep(EVERY)


async def _asked(tools: Tools, host: str, port: int) -> events.AnswersSeen:
    """Ask one resolver. By its first silence it is not asked any further: the rest is unknown."""
    counts: Counter[str] = Counter()
    whose = owners(tools)
    names = tools.moving()[:MOST_NAMES]
    questions = [(record.name, record.type) for name in names for record in name.records]
    for number, (name, kind) in enumerate(questions):
        try:
            (server, *_) = await addresses(host)
            answer = await query(server, port, name, kind, tools.clock)
        except NoAnswer:
            counts["unknown"] += len(questions) - number
            break
        failed = answer.rcode not in ("NOERROR", "NXDOMAIN")
        counts["unknown" if failed else whose(answer.values)] += 1
    return answered(tools, host, counts, recursive=True)
