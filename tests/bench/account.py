"""Where the time of a run went: what anybody would have had to wait for, helm, and what Blueshift added.

A wait counts as *inherent* from its start until its condition came true by an outside witness, or for the
length that the playbook sets. Rounds of confirmation count at their set length. How long the run then went on
pausing before it looked and saw is the wait's *notice*. Where nobody outside can tell, a wait is added whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import msgspec

from tests.bench.eyes import Eyes, Instant

_LATE = 3.0
"""Seconds by which a watch may tell us later than it told the run."""


class Noted(msgspec.Struct, frozen=True):
    """What `counted` wrote."""

    requests: dict[str, int]
    helm: tuple[tuple[Instant, Instant], ...]
    pauses: tuple[tuple[str, str, Instant, Instant], ...]
    rounds: tuple[tuple[Instant, float], ...]
    looks: tuple[tuple[str, str, Instant, Instant], ...]
    peak_rss_mb: float


class Waited(msgspec.Struct, frozen=True):
    """One wait as it was accounted for; seconds."""

    step: str
    key: str
    since: Instant
    lasted: float
    inherent: float
    notice: float | None
    """From the condition to the look that saw it; None where nobody outside can tell."""


class Outside(msgspec.Struct, frozen=True):
    """What is known without the run."""

    requests: Mapping[tuple[str, str], Sequence[Instant]]
    """Address and client → ends of the generator's requests, in order."""
    sides: Mapping[str, Sequence[str]]
    """Side → its addresses."""
    least: float
    """Seconds that a drain must last at least, from the swap."""
    window: float
    """Seconds without a request that a drain needs."""
    quiet: float
    """Seconds without a request at the temporary before it may go."""
    answering: float
    """Seconds for which the temporary's addresses must answer."""


def waits(noted: Noted, journal: Mapping[str, Any], eyes: Eyes, outside: Outside) -> list[Waited]:
    """Account for every wait of a run that went through on its first track."""
    found = []
    for (step, key), polls in groupby(noted.pauses, lambda pause: pause[:2]):
        pauses = list(polls)
        since, end = pauses[0][2], pauses[-1][3]
        until = _until(step, key, journal, eyes, outside, since, end)
        if until is None:
            found.append(Waited(step, key, since, end - since, 0.0, None))
            continue
        true = min(max(until, since), end)
        # A set length is awaited, and no condition that must be noticed in time.
        notice = None if key == "answering" else end - true
        found.append(Waited(step, key, since, end - since, true - since, notice))
    return found


def rounds(noted: Noted, accounted: Sequence[Waited]) -> float:
    """Seconds between rounds of confirmation that are in no wait's inherent part already."""
    free = 0.0
    for at, slept in noted.rounds:
        within = (min(at + slept, one.since + one.inherent) - max(at, one.since) for one in accounted)
        free += max(0.0, slept - sum(max(0.0, part) for part in within))
    return free


def at_work(spans: Sequence[tuple[Instant, Instant]]) -> float:
    """Seconds in which at least one of these spans lasted: several revisions are rendered side by side."""
    lasted, until = 0.0, 0.0
    for since, end in sorted(spans):
        lasted += max(0.0, end - max(since, until))
        until = max(until, end)
    return lasted


def work(noted: Noted) -> dict[str, float]:
    """Seconds that each step looked and proved; helm and the rounds of agreements are not in it."""
    found: dict[str, float] = {}
    for step, _, began, ended in noted.looks:
        rounds = sum(slept for at, slept in noted.rounds if began <= at < ended)
        found[step] = found.get(step, 0.0) + ended - began - rounds
    return {step: round(seconds, 1) for step, seconds in found.items()}


def _until(
    step: str,
    key: str,
    journal: Mapping[str, Any],
    eyes: Eyes,
    outside: Outside,
    since: Instant,
    end: Instant,
) -> Instant | None:
    """When the wait could have ended at the earliest; None where nobody outside can tell."""
    entry = journal["steps"][step]
    match key:
        case "old-ttl" | "soak" | "watch":
            return _instant(entry["waits"][key]["deadline"])
        case "answering":
            return since + outside.answering
        case "servers":
            return _agreed(eyes, _changed(entry) or since)
        case "pods" | "rollout":
            return _rolled_out(eyes, step, since, end)
        case "address":
            return _addressed(eyes, since, end)
        case "gone":
            return _gone(eyes, since, end)
        case "observe namespace":
            return _emptied(eyes, since, end)
        case "quiet":
            return _quiet(outside, outside.sides["temporary"], since, end)
        case "drain":
            side = "primary" if step.endswith("drain-primary") else "temporary"
            return _drained(outside, eyes, outside.sides[side], _swapped(journal, step), end)
    return None


def _swapped(journal: Mapping[str, Any], step: str) -> Instant:
    """When the shift before a drain had landed everywhere: its last wave's watch began then."""
    track = journal["track"]
    wave = [name for name in track[: track.index(step)] if "/wave-" in name][-1]
    return _instant(journal["steps"][wave]["waits"]["watch"]["since"])


def _instant(text: str) -> Instant:
    return datetime.fromisoformat(text).timestamp()


def _changed(entry: dict[str, Any]) -> Instant | None:
    """When the last effect of a step was in the world."""
    done = [_instant(effect["done"]) for effect in entry.get("effects", {}).values()]
    return max(done, default=None)


def _agreed(eyes: Eyes, changed: Instant) -> Instant | None:
    """When every server had the serial that the newest had right after the change."""
    wanted = max((max(sight.seen.values()) for sight in eyes.serials if sight.at <= changed + 0.3), default=0)
    for sight in eyes.serials:
        if sight.at >= changed - 0.3 and len(sight.seen) > 1 and min(sight.seen.values()) >= wanted:
            return sight.at
    return None


def _last(sights: Iterable[tuple[Instant, bool]], since: Instant, end: Instant) -> Instant | None:
    """When something last became true, within a wait; None where it was never seen."""
    turned, before = None, False
    for at, true in sights:
        if at > end + _LATE:
            break
        if true and not before:
            turned = at
        before = true
    return max(turned, since) if before and turned is not None else None


def _rolled_out(eyes: Eyes, step: str, since: Instant, end: Instant) -> Instant | None:
    """The controller's Deployment of the side that the step changes: every replica updated and available."""
    temporary = "install-temporary" in step or "shift-to-temporary" in step

    def states() -> Iterable[tuple[Instant, bool]]:
        for sight in eyes.objects:
            thing = sight.seen["object"]
            if thing["kind"] != "Deployment" or "controller" not in thing["metadata"]["name"]:
                continue
            ours = "blueshift" in thing["metadata"]["namespace"] or "blueshift" in thing["metadata"]["name"]
            if ours == temporary:
                yield sight.at, _complete(thing)

    return _last(states(), since, end)


def _complete(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return counts == [wanted] * 3 and status.get("observedGeneration") == deployment["metadata"]["generation"]


def _addressed(eyes: Eyes, since: Instant, end: Instant) -> Instant | None:
    """The temporary's Service of type LoadBalancer has an address of each family that it asks for."""

    def states() -> Iterable[tuple[Instant, bool]]:
        for sight in eyes.objects:
            thing = sight.seen["object"]
            if thing["kind"] != "Service" or thing["spec"].get("type") != "LoadBalancer":
                continue
            if "blueshift" in thing["metadata"]["namespace"] + thing["metadata"]["name"]:
                found = thing.get("status", {}).get("loadBalancer", {}).get("ingress", [])
                yield sight.at, len(found) == len(thing["spec"].get("ipFamilies", []))

    return _last(states(), since, end)


def _emptied(eyes: Eyes, since: Instant, end: Instant) -> Instant | None:
    """No pod of the temporary is left."""
    pods: set[str] = set()

    def states() -> Iterable[tuple[Instant, bool]]:
        for sight in eyes.objects:
            thing = sight.seen["object"]
            if thing["kind"] == "Pod" and "blueshift" in thing["metadata"]["namespace"]:
                change = pods.discard if sight.seen["type"] == "DELETED" else pods.add
                change(thing["metadata"]["name"])
                yield sight.at, not pods

    return _last(states(), since, end)


def _gone(eyes: Eyes, since: Instant, end: Instant) -> Instant | None:
    """The temporary's namespace is deleted."""
    for sight in eyes.objects:
        thing = sight.seen["object"]
        if (
            thing["kind"] == "Namespace"
            and sight.seen["type"] == "DELETED"
            and since <= sight.at <= end + 5.0
        ):
            return sight.at
    return None


def _quiet(outside: Outside, addresses: Sequence[str], since: Instant, end: Instant) -> Instant:
    """So long after the last request at the temporary that it is idle."""
    return max(_asked(outside, addresses, end), default=since - outside.quiet) + outside.quiet


def _drained(
    outside: Outside, eyes: Eyes, addresses: Sequence[str], swapped: Instant, end: Instant
) -> Instant:
    """No sooner than the least, a window after the last request, and the last connection's end.

    The window is at least twice the longest silence of any client since the swap (DESIGN §7).
    """
    silences = [
        after - before
        for (address, _), ends in outside.requests.items()
        for before, after in pairwise(ends)
        if address in addresses and before >= swapped and after <= end
    ]
    window = max(outside.window, 2 * max(silences, default=0.0))
    open_until = swapped
    for sight, after in zip(eyes.connections, eyes.connections[1:], strict=False):
        if sight.at <= end and not set(addresses).isdisjoint(sight.seen):
            open_until = min(after.at, end)
    last = max(_asked(outside, addresses, end), default=swapped)
    return max(swapped + max(outside.least, window), last + window, open_until)


def _asked(outside: Outside, addresses: Sequence[str], end: Instant) -> Iterable[Instant]:
    """When requests at any of these addresses ended, up to an instant."""
    for (address, _), ends in outside.requests.items():
        if address in addresses:
            yield from (at for at in ends if at <= end)
