"""When the conditions came true that a run waited for, by witnesses outside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from tests.bench.eyes import Eyes, Instant, Sight

_LATE = 3.0
"""Seconds by which a watch may tell us later than it told the run."""


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


def until_of(
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
    """The controller's Deployment of the side that the step changes: every replica updated and available.

    In the generation that was waited for: the next step may make another one before the watch's last word on
    this one is due, and its rollout is no part of this wait.
    """
    temporary = "install-temporary" in step or "shift-to-temporary" in step
    seen = [sight for sight in eyes.objects if _is_controller(sight.seen["object"], temporary=temporary)]
    awaited = max((_generation(sight) for sight in seen if sight.at <= end), default=0)
    ours = ((sight.at, _complete(sight.seen["object"])) for sight in seen if _generation(sight) <= awaited)
    return _last(ours, since, end)


def _is_controller(thing: dict[str, Any], *, temporary: bool) -> bool:
    if thing["kind"] != "Deployment" or "controller" not in thing["metadata"]["name"]:
        return False
    ours = "blueshift" in thing["metadata"]["namespace"] or "blueshift" in thing["metadata"]["name"]
    return ours == temporary


def _generation(sight: Sight) -> int:
    return int(sight.seen["object"]["metadata"]["generation"])


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
