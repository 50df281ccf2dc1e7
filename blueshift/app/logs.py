"""Access logs from files: what they come to, and whether one side is as good as the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import msgspec

from blueshift.traffic.digest import MOST_CLIENTS, Digest
from blueshift.traffic.judge import NOTHING, JudgeRules, Verdict, evidence
from blueshift.traffic.logfiles import digested, shown
from blueshift.traffic.sides import Answered, judge_sides
from blueshift.traffic.sketch import Milliseconds, Sketch, milliseconds
from blueshift.traffic.targets import NO_TARGET, Target

SHOWN_CLIENTS = 10


class TargetFigures(msgspec.Struct, frozen=True):
    """One host, or one upstream where the format has no host."""

    target: str
    requests: int
    errors: int
    """Answers of 500 and more."""
    statuses: dict[str, int]
    ms: Milliseconds | None
    """None where the format tells no time."""


class Figures(msgspec.Struct, frozen=True):
    """What logs come to. Programs read it: fields come to it, and none goes or changes."""

    files: tuple[str, ...]
    layout: str
    lines: int
    requests: int
    """Of known hosts; probes of Blueshift, duplicates and noise apart."""
    errors: int
    errors_share: float
    ms: Milliseconds | None
    first: datetime | None
    last: datetime | None
    targets: tuple[TargetFigures, ...]
    """The busiest first."""
    clients: tuple[tuple[str, int], ...]
    """The busiest ones with their requests."""
    clients_seen: int
    """At least so many; beyond 20,000 the rarest are not told apart."""
    own: int
    """Requests of Blueshift's own probes."""
    noise: int
    """Requests that reached no known server."""
    duplicates: int
    """Lines that came twice, such as where the logs of a pod were fetched twice."""
    duplicate_errors: int
    """Of these, those of errors: whoever sends one request id again and again hides what he was answered."""
    before: str
    """What others put before each line, as stern does, by the first of them; what kubectl and the kubelet put
    there is not told."""
    foreign: int
    """The controller's own messages."""
    unread: int
    """Lines that should have been accesses and could not be read: what they hold is unknown."""
    unread_first: str
    lacks: tuple[str, ...]
    """Variables of nginx that the format does not have: what follows from them is unknown."""


class Difference(msgspec.Struct, frozen=True):
    """One target on both sides; None where it does not appear."""

    target: str
    old: TargetFigures | None
    new: TargetFigures | None
    verdict: Verdict


class Comparison(msgspec.Struct, frozen=True):
    """Two sides. Programs read it."""

    old: Figures
    new: Figures
    verdict: Verdict
    differences: tuple[Difference, ...]
    """Every target, the worst first."""


def analyze(files: Sequence[Path], form: str = "") -> Figures:
    """Read files (`-`: standard input; gzip too) to their end. Raises BlueshiftError; see `digested`."""
    return _figures(files, digested(files, form))


def compare(
    new: Sequence[Path], old: Sequence[Path], form: str = "", rules: JudgeRules | None = None
) -> Comparison:
    """Judge the new side's logs by the old side's: error shares and latencies, whole and by target.

    Where more lines of a side could not be read than the rules' margin of errors, every verdict is `nodata`:
    these may be the errors. Where what came twice would add more than that margin to the share of errors, and
    chance does not explain it, the verdict is `marginal` at best: a client may have sent one id each time.
    Where one side's format tells hosts and the other's upstreams, or neither, there is a `fail` at most.
    """
    rules = rules or JudgeRules()
    ours, theirs = digested(new, form), digested(old, form)
    if ours.told_by != theirs.told_by:
        return _of_wholes(_figures(old, theirs), _figures(new, ours), ours, theirs, rules)
    sides = [(side, one.answered(), one.again.answered()) for side, one in (("new", ours), ("old", theirs))]
    (_, counted, _), (_, reference, _) = sides
    judged = judge_sides(counted, reference, rules=rules)
    blind = (*_blind("new", ours, rules), *_blind("old", theirs, rules))

    names = (None, *(one.target for one in judged.targets))
    each = msgspec.structs.replace(rules, comparisons=len(names))
    hidden = {name: tuple(chain(*(_hidden(*side, name, each) for side in sides))) for name in names}

    def told(verdict: Verdict, why: tuple[str, ...]) -> Verdict:
        return Verdict("nodata", blind, verdict.numbers) if blind else _doubted(verdict, why)

    differences = tuple(
        Difference(
            one.target,
            _told(one.target, theirs.targets.get(one.target)),
            _told(one.target, ours.targets.get(one.target)),
            told(one.verdict, hidden[one.target]),
        )
        for one in judged.targets
    )
    # The whole is no better than its hosts.
    of_hosts = (f"{name}: {why[0]}" for name, why in hidden.items() if name is not None and why)
    whole = told(judged.verdict, hidden[None] or tuple(islice(of_hosts, 1)))
    return Comparison(_figures(old, theirs), _figures(new, ours), whole, differences)


def _of_wholes(old: Figures, new: Figures, ours: Digest, theirs: Digest, rules: JudgeRules) -> Comparison:
    """Sides whose targets have no names in common, as where one controller logs hosts, the other services."""
    told = [" and ".join(sorted(side.told_by)) for side in (theirs, ours)]
    why = (
        f"requests are told apart by {told[0]} in the log of the old side and by {told[1]} in that of the "
        "new side: a host that fails alone cannot be seen, and no pass given"
    )
    judged = judge_sides(
        Answered(ours.answered().whole), Answered(theirs.answered().whole), rules=rules
    ).verdict
    blind = (*_blind("new", ours, rules), *_blind("old", theirs, rules))
    if blind or judged.outcome != "fail":
        whole = f"as a whole: {judged.outcome}: {'; '.join(judged.reasons)}"
        judged = Verdict("nodata", blind or (why, whole), judged.numbers)
    unknown = Verdict("nodata", (why,), {})
    differences = (
        *(Difference(one.target, one, None, unknown) for one in old.targets),
        *(Difference(one.target, None, one, unknown) for one in new.targets),
    )
    return Comparison(old, new, judged, differences)


def _doubted(verdict: Verdict, why: tuple[str, ...]) -> Verdict:
    """A verdict that is no pass for these reasons."""
    if not why or verdict.outcome not in ("pass", "marginal"):
        return verdict
    known = verdict.reasons if verdict.outcome == "marginal" else ()
    return Verdict("marginal", (*known, *why), verdict.numbers)


def _hidden(
    side: str, counted: Answered, again: Answered, name: str | None, rules: JudgeRules
) -> Iterator[str]:
    """Why what came twice may be no copy, of a target or of all: it holds too many of the errors."""
    once, twice = (
        seen.whole if name is None else seen.targets.get(name, NOTHING) for seen in (counted, again)
    )
    if not (once.requests and twice.requests):
        return
    share = once.errors / once.requests
    both = (once.errors + twice.errors) / (once.requests + twice.requests)
    nats = evidence(twice.errors, twice.requests, once.errors, once.requests)
    if both > share + rules.margin and nats >= rules.bar:
        yield (
            f"{twice.requests} lines of the {side} side came twice and count once, {twice.errors} of them "
            f"errors: where a client sent one request id each time, {both:.2%} failed and not {share:.2%}"
        )


def _blind(side: str, digest: Digest, rules: JudgeRules) -> Iterator[str]:
    """Why nothing can be said of a side by its lines."""
    if "status" in digest.lacks:
        yield f"the lines of the {side} side have no $status: errors are not known"
    if digest.unread > rules.margin * digest.lines:
        yield (
            f"{digest.unread} of {digest.lines} lines of the {side} side could not be read "
            f"({digest.unread / digest.lines:.2%}, at most {rules.margin:.1%})"
        )


def _told(name: str, target: Target | None) -> TargetFigures | None:
    if target is None:
        return None
    statuses = {f"{status:03}": count for status, count in sorted(target.statuses.items())}
    return TargetFigures(name, target.requests, target.errors, statuses, milliseconds(target.latency))


def _figures(files: Sequence[Path], digest: Digest) -> Figures:
    whole, span = digest.answered().whole, digest.span()
    noise = digest.targets.get(NO_TARGET, Target()).requests
    known = [_told(name, target) for name, target in digest.targets.items() if name != NO_TARGET]
    busiest = sorted(digest.clients.items(), key=lambda item: (-item[1], item[0]))
    return Figures(
        files=tuple(map(str, files)),
        layout=digest.layout,
        lines=digest.lines,
        requests=whole.requests,
        errors=whole.errors,
        errors_share=whole.errors / whole.requests if whole.requests else 0.0,
        ms=milliseconds(whole.latency or Sketch()),
        first=span[0] if span else None,
        last=span[1] if span else None,
        targets=tuple(sorted((one for one in known if one), key=lambda one: (-one.requests, one.target))),
        clients=tuple(busiest[:SHOWN_CLIENTS]),
        clients_seen=len(busiest) if not digest.other_clients else MOST_CLIENTS,
        own=digest.own,
        noise=noise,
        duplicates=digest.duplicates,
        duplicate_errors=digest.again.answered().whole.errors,
        before=shown(digest.before),
        foreign=digest.foreign,
        unread=digest.unread,
        unread_first=shown(digest.unread_first),
        lacks=digest.lacks,
    )
