"""What a person has to change at a DNS provider, in words and as the provider's own command; pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from blueshift.dns.records import Change, described


def lines(changes: Sequence[Change]) -> Iterator[str]:
    """One line a record set: what stands, and what shall stand."""
    for change in changes:
        yield f"{change.name} {change.type}: {described(change.expected)} → {described(change.desired)}"


def commands(provider: str, changes: Sequence[Change], zones: Sequence[str]) -> Iterator[str]:
    """The commands of a provider that make the changes; none for a provider without one.

    Ids that only the account knows stand in capitals. Sources: `aws route53 change-resource-record-sets help`
    (UPSERT replaces a whole record set), `gcloud dns record-sets update --help`, nsupdate(1).
    """
    by_zone: dict[str, list[Change]] = {}
    for change, zone in zip(changes, zones, strict=True):
        by_zone.setdefault(zone, []).append(change)
    make = _COMMANDS.get(provider)
    for zone, of_zone in by_zone.items() if make else ():
        assert make is not None
        yield from make(zone, of_zone)


def _route53(zone: str, changes: Sequence[Change]) -> Iterator[str]:
    batch = json.dumps({"Changes": [_route53_change(change) for change in changes]})
    yield (
        "aws route53 change-resource-record-sets --hosted-zone-id ZONE_ID_OF_"
        f"{zone} --change-batch {shlex.quote(batch)}"
    )


def _route53_change(change: Change) -> dict[str, Any]:
    """Where nothing shall stand, DELETE names the exact record set that stands."""
    records = change.desired or change.expected
    assert records is not None
    return {
        "Action": "UPSERT" if change.desired else "DELETE",
        "ResourceRecordSet": {
            "Name": f"{records.name}.",
            "Type": records.type,
            "TTL": records.ttl,
            "ResourceRecords": [{"Value": value} for value in records.values],
        },
    }


def _google(zone: str, changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        verb = "update" if change.expected and change.desired else "create" if change.desired else "delete"
        flags = f" --zone=ZONE_NAME_OF_{zone} --type={change.type}"
        if change.desired:
            flags += f" --ttl={change.desired.ttl} --rrdatas={','.join(change.desired.values)}"
        yield f"gcloud dns record-sets {verb} {shlex.quote(change.name + '.')}{flags}"


def _nsupdate(zone: str, changes: Sequence[Change]) -> Iterator[str]:
    yield "nsupdate -k KEYFILE <<'EOF'"
    yield f"zone {zone}"
    for change in changes:
        yield f"update delete {change.name}. {change.type}"
        if change.desired:
            for value in change.desired.values:
                yield f"update add {change.name}. {change.desired.ttl} {change.type} {value}"
    yield "send"
    yield "EOF"


_COMMANDS = {"route53": _route53, "google": _google, "nsupdate": _nsupdate}
