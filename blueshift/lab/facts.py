"""What `up` settled about a lab, kept beside its state for every later command."""

from __future__ import annotations

from pathlib import Path

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.lab.addresses import Family, families
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.paths import Lab


class LabFacts(msgspec.Struct, frozen=True):
    """`ready` turns true when the node is; without it, `up` was cut off."""

    tools: Path
    """Folder of kubectl, helm and the cluster's programs."""
    ipv6: bool
    balancer: Habits = Habits()
    ready: bool = False

    @property
    def families(self) -> tuple[Family, ...]:
        """The address families of this lab."""
        return families(self.ipv6)


def save(lab: Lab, facts: LabFacts) -> None:
    """Write the facts, all at once."""
    half = lab.facts.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(facts, enc_hook=str))
    half.rename(lab.facts)


def load(lab: Lab) -> LabFacts | None:
    """The facts of a lab; None where there is no such lab, or `up` did not come that far."""
    try:
        data = lab.facts.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(data, type=LabFacts, dec_hook=_decode)


def of(lab: Lab) -> LabFacts:
    """The facts of a lab that is up; raises BlueshiftError otherwise."""
    facts = load(lab)
    if facts is None or not facts.ready:
        raise BlueshiftError(f"there is no lab {lab.name}", hint=f"blueshift lab up --name {lab.name}")
    return facts


def _decode(kind: type, value: object) -> object:
    return kind(value)
