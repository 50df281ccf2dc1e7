"""The section of docs/benchmarks.md, and its pictures, out of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.bench.upgrade.order import TOOLS
from tests.bench.upgrade.picture import Bar, bars
from tests.bench.upgrade.result import Result, Sum
from tests.bench.upgrade.scenarios import SCENARIOS

BEGIN = "<!-- upgrade: made by `make bench-upgrade`; do not edit -->"
END = "<!-- upgrade: end -->"
LOST, WALL = "upgrade-lost.svg", "upgrade-wall.svg"
"""Pictures in docs/results."""
UNMEASURED = """\
## The same upgrade, three ways

Not measured on this version yet: `make bench-upgrade` does, and writes this section."""
RARE = 1e-4
"""A share of requests below which a tool is told to have lost next to nothing."""
_NAMES = {"helm_upgrade": "plain `helm upgrade --wait`", "manual": "by hand", "blueshift": "Blueshift"}
_HOW = """\
Measured on {machine}, {runs} runs, {requests:,} requests ({commit}, {date}; \
[figures](results/upgrade.json)). Each run has a lab of its own: two replicas of the controller, some forty \
hosts over IPv4 and IPv6, DNS by BIND with a TTL of 15 s. The same open-loop traffic runs before, during and \
after each of them: {rate:g} requests/s over HTTP/1.1, and HTTP/2, WebSockets and long polls beside it. \
Every request has a row in a ledger, and a run whose generator was late or whose ids do not match the \
application's is void: it is tried once more and counted nowhere.

- `helm_upgrade`: `helm upgrade --wait` to the next chart, with the same values.
- `manual`: the published procedure as a script, as a careful person follows it \
(`tests/bench/upgrade/manual.py` names its sources): a temporary release without the IngressClass, DNS to \
it, twice the TTL slept through and the logs watched until they are silent, the upgrade with a hook, DNS \
back, the same wait, the temporary gone. The published path of nginx and the published labels are mended, or \
it would do worse.
- `blueshift`: `blueshift upgrade --yes` with the lab's short times, which are in the figures.

*Failed* is a request without the right answer; *wrong* are those of them that were answered, but not as \
before (status, route, header, body or certificate). *Stale* are pooled connections that a client found \
closed before it sent anything: it takes another, and no user sees it. *Noticed* says in how many runs the \
tool itself stopped or said that something is wrong; nobody else looked. Sums are over all runs of a row, \
wall time is their mean."""


def section(result: Result) -> str:
    """All between the markers, without them."""
    every = [each for tools in result.worlds.values() for each in tools.values()]
    intro = _HOW.format(
        machine=result.machine,
        runs=len(result.runs),
        requests=sum(each.requests for each in every),
        commit=_commits(result),
        date=result.date,
        rate=result.rate,
    )
    blocks = [
        "## The same upgrade, three ways",
        intro,
        "\n".join(_table(result)),
        f"![Failed requests of 100,000](results/{LOST})",
        f"![Wall time](results/{WALL})",
        "What it says:",
        "\n".join(f"- {sentence}" for sentence in _sentences(result)),
        "The worlds:",
        "\n".join(f"- `{name}`: {SCENARIOS[name].about}." for name in result.worlds),
    ]
    lacking = [f"`{name}`" for name in SCENARIOS if name not in result.worlds]
    if lacking:
        blocks.append(f"Not run here: {', '.join(lacking)}.")
    if result.void:
        blocks.append("Void: " + "; ".join(result.void) + ".")
    return "\n\n".join(blocks)


def _commits(result: Result) -> str:
    made = tuple(dict.fromkeys(run.commit for run in result.runs)) or (result.commit,)
    return f"commit {made[0]}" if len(made) == 1 else f"commits {', '.join(made)}: each run names its own"


def pictures(result: Result) -> dict[str, str]:
    """File name → SVG."""
    lost = bars(
        "Failed requests of 100,000, wrong answers included",
        "logarithmic; no bar: none failed",
        [(name, [_bar(tool, each, _lost) for tool, each in tools.items()])
         for name, tools in result.worlds.items()],
        logarithmic=True,
    )  # fmt: skip
    wall = bars(
        "Wall time of the tool, in seconds",
        "mean of the runs; where Blueshift stopped, until then",
        [(name, [_bar(tool, each, _wall) for tool, each in tools.items()])
         for name, tools in result.worlds.items()],
    )  # fmt: skip
    return {LOST: lost, WALL: wall}


def placed(page: str, text: str) -> str:
    """The page with its section in place of what is between the markers. Raises ValueError without them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def _bar(tool: str, each: Sum, measure: Callable[[Sum], tuple[float, str]]) -> Bar:
    value, said = measure(each)
    return Bar(tool, value, said)


def _lost(each: Sum) -> tuple[float, str]:
    share = 100_000 * each.failed / max(1, each.requests)
    return share, f"{share:,.1f} ({each.failed:,} of {each.requests:,})" if each.failed else "0"


def _wall(each: Sum) -> tuple[float, str]:
    return each.wall_s / each.runs, f"{each.wall_s / each.runs:,.0f} s"


def _table(result: Result) -> Iterator[str]:
    yield "| world | tool | runs | requests | failed | wrong | wrong for | stale | wall | noticed |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, tools in result.worlds.items():
        for tool, each in tools.items():
            cells = (
                f"`{name}`", f"`{tool}`", str(each.runs), f"{each.requests:,}", f"{each.failed:,}",
                f"{each.wrong:,}", f"{each.wrong_seconds} s", str(each.stale_closed), _wall(each)[1],
                f"{each.noticed} of {each.runs}",
            )  # fmt: skip
            yield f"| {' | '.join(cells)} |"


def _sentences(result: Result) -> Iterator[str]:
    for tool in TOOLS:
        yield from _total(
            tool, {name: tools[tool] for name, tools in result.scenarios.items() if tool in tools}
        )
    yield from _stopped(result)
    yield from _as_good(result)
    yield from _slower(result)
    yield from _quiesced(result)
    for name, tools in result.worlds.items():
        if any(each.wrk.requests for each in tools.values()):
            yield f"wrk, a second witness beside the traffic of `{name}`: {'; '.join(_by_wrk(tools))}."
        if any(each.long for each in tools.values()):
            counted = (f"{_NAMES[tool]} {each.cut_long} of {each.long}" for tool, each in tools.items())
            yield (
                f"Sessions of five minutes in `{name}`, counted apart, that were cut: {', '.join(counted)}. "
                "nginx's workers get 240 s to end."
            )
            ours = tools.get("blueshift", Sum())
            if ours.long and not ours.cut_long and any(each.cut_long for each in tools.values()):
                yield "Who moves traffic away first and waits for open connections cuts none of them."


def _quiesced(result: Result) -> Iterator[str]:
    """What a quiesce saves and costs."""
    kept, ended = (result.worlds.get(name, {}).get("blueshift") for name in ("pooled", "pooled-quiesced"))
    if not kept or not ended:
        return
    yield (
        f"Where clients keep connections busy, Blueshift {_fate(kept)} (`pooled`); with a quiesce before "
        f"each drain it {_fate(ended)} (`pooled-quiesced`). The price: {ended.failed} of {ended.requests:,} "
        f"requests failed (without: {kept.failed} of {kept.requests:,}), {ended.cut_long} of {ended.long} "
        f"sessions of five minutes were cut (without: {kept.cut_long} of {kept.long}), and "
        f"{ended.stale_closed} connections were closed between requests (without: {kept.stale_closed}). A "
        "request that is sent in the moment in which its idle connection is closed gets no answer. This "
        "variation is in no sum above."
    )


def _fate(each: Sum) -> str:
    return f"{'stopped to ask a person' if each.noticed else 'went through'} after {_wall(each)[1]}"


def _by_wrk(tools: Mapping[str, Sum]) -> Iterator[str]:
    for tool, each in tools.items():
        seen = each.wrk
        if seen.requests:
            yield (
                f"{_NAMES[tool]} {seen.refused + seen.broken} of {seen.requests:,} requests failed "
                f"({seen.refused} by their status, {seen.broken} by their connection)"
            )


def _total(tool: str, of: Mapping[str, Sum]) -> Iterator[str]:
    if not of:
        return
    failed, requests = sum(each.failed for each in of.values()), sum(each.requests for each in of.values())
    unseen = [f"`{name}`" for name, each in of.items() if each.wrong and each.noticed < each.runs]
    name = _NAMES[tool][0].upper() + _NAMES[tool][1:]
    where = ", ".join(f"`{world}`" for world, each in of.items() if each.failed)
    told = f"{name}: {failed:,} of {requests:,} requests failed" + (f", in {where}" if where else "")
    yield told + (f"; wrong answers went unnoticed in {', '.join(unseen)}." if unseen else ".")


def _stopped(result: Result) -> Iterator[str]:
    """Where Blueshift did not upgrade, and with which words."""
    for name in result.worlds:
        runs = [run for run in result.runs if (run.cell.scenario, run.cell.tool) == (name, "blueshift")]
        noticed = [run for run in runs if run.noticed]
        if noticed:
            failed = sum(run.count.failed for run in noticed)
            yield (
                f"Blueshift did not go through in `{name}` ({len(noticed)} of {len(runs)} runs, {failed} "
                f'requests failed): a person has to decide. It said: "{" ".join(noticed[0].said.split())}"'
            )


def _as_good(result: Result) -> Iterator[str]:
    """Where the simplest way is no worse, or next to nothing is lost by it."""
    for tool in ("helm_upgrade", "manual"):
        equal, nearly = [], []
        for name, tools in result.worlds.items():
            if tool not in tools or "blueshift" not in tools:
                continue
            theirs, ours = tools[tool], tools["blueshift"]
            if theirs.failed <= ours.failed and theirs.cut_long <= ours.cut_long:
                equal.append(f"`{name}`")
            elif theirs.failed < RARE * theirs.requests:
                nearly.append(f"`{name}` ({theirs.failed} of {theirs.requests:,})")
        if equal:
            yield f"No worse than Blueshift, {_NAMES[tool]}: in {', '.join(equal)}."
        if nearly:
            how = _NAMES[tool] if tool == "manual" else f"by {_NAMES[tool]}"
            yield f"Next to nothing was lost {how} in {', '.join(nearly)}."


def _slower(result: Result) -> Iterator[str]:
    """By how much Blueshift is slower where it went through, and why."""
    for name, tools in result.worlds.items():
        if tools.keys() != set(TOOLS) or tools["blueshift"].noticed:
            continue
        ours, plain, hand = (tools[tool].wall_s / tools[tool].runs for tool in ("blueshift", *TOOLS[:2]))
        yield (
            f"Blueshift is slower: in `{name}` {ours:.0f} s, {ours / plain:.0f} times plain Helm "
            f"({plain:.0f} s) and {ours / hand:.1f} times the way by hand ({hand:.0f} s). "
            f"{result.waits_s:.0f} s of it are waits that its settings ask for: the old TTL, three waves of "
            "names each way that are watched, two drains and a soak; others are for clients that still come. "
            "The times of the shipped playbook are for production, where the same run takes over two hours."
        )
        return
