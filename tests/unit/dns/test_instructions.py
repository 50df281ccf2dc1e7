"""What a person is asked to change: every record, exactly; and the provider's own command."""

from __future__ import annotations

import json
import shlex

from blueshift.dns.instructions import commands, lines
from blueshift.dns.records import Change, RecordSet

OLD = RecordSet("www.shop.test", "A", 300, ("192.0.2.1", "192.0.2.2"))
NEW = RecordSet("www.shop.test", "A", 60, ("198.51.100.7",))
WILD = Change("*.x.shop.test", "AAAA", None, RecordSet("*.x.shop.test", "AAAA", 60, ("2001:db8::1",)))
MOVE = Change("www.shop.test", "A", OLD, NEW)
GONE = Change("www.shop.test", "A", OLD, None)
ZONES = ["shop.test", "shop.test"]


def made(provider: str, *changes: Change) -> list[str]:
    return list(commands(provider, changes, ["shop.test"] * len(changes)))


def test_every_record_set_is_told_as_it_is_and_as_it_shall_be() -> None:
    assert list(lines([MOVE, WILD])) == [
        "www.shop.test A: 192.0.2.1 192.0.2.2 (TTL 300) → 198.51.100.7 (TTL 60)",
        "*.x.shop.test AAAA: nothing → 2001:db8::1 (TTL 60)",
    ]


def test_route53_is_one_batch_that_a_shell_can_take() -> None:
    (command,) = made("route53", MOVE, GONE)
    words = shlex.split(command)
    assert words[:3] == ["aws", "route53", "change-resource-record-sets"]
    batch = json.loads(words[words.index("--change-batch") + 1])
    assert [change["Action"] for change in batch["Changes"]] == ["UPSERT", "DELETE"]
    assert batch["Changes"][0]["ResourceRecordSet"] == {
        "Name": "www.shop.test.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "198.51.100.7"}],
    }  # fmt: skip
    assert len(batch["Changes"][1]["ResourceRecordSet"]["ResourceRecords"]) == 2


def test_google_has_a_command_for_each_record_set() -> None:
    update, create, delete = (shlex.split(command) for command in made("google", MOVE, WILD, GONE))
    assert update[3:] == [
        "update", "www.shop.test.", "--zone=ZONE_NAME_OF_shop.test", "--type=A", "--ttl=60",
        "--rrdatas=198.51.100.7",
    ]  # fmt: skip
    assert create[3:5] == ["create", "*.x.shop.test."]
    assert delete[3:] == ["delete", "www.shop.test.", "--zone=ZONE_NAME_OF_shop.test", "--type=A"]


def test_nsupdate_replaces_each_record_set_in_one_message_per_zone() -> None:
    assert made("nsupdate", MOVE)[1:-1] == [
        "zone shop.test",
        "update delete www.shop.test. A",
        "update add www.shop.test. 60 A 198.51.100.7",
        "send",
    ]


def test_another_provider_has_no_command() -> None:
    assert made("other", MOVE) == []
