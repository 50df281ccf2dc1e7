"""A playbook of ten gates, parked at each and carried on by a new process: what that costs."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from blueshift.clock import Clock
from blueshift.lab.demo import settings, upgrade
from blueshift.lab.demo.inside import listed
from blueshift.lab.demo.world import World
from blueshift.lab.paths import Lab

NAME, GATES = "gates", 10
PARKED = 75


class Gates(msgspec.Struct, frozen=True):
    """Of one such run; seconds."""

    gates: int
    processes: int
    """That carried it: each but the last left it parked."""
    carrying_s: float
    """All processes together, from their start to their end."""
    longest_s: float
    """The longest of them."""
    journal_writes: int
    journal_bytes: int


async def parked(made: World, clock: Clock) -> Gates:
    """Carry it to its end. Raises AssertionError where a process does not park or end as it must."""
    playbook = made.folder / "gates.yaml"
    gates = [{"gate": {"id": f"gate-{number}", "message": "go on?"}} for number in range(GATES)]
    steps = ["preflight", "snapshot", *gates]
    playbook.write_text(yaml.safe_dump({"name": NAME, "description": "ten gates", "steps": steps}))
    config = settings.write(made, overrides={})
    lasted: list[float] = []

    async def carried(*command: str) -> tuple[int, str]:
        began, lines = clock.now(), list[str]()
        process = await upgrade.start(made.lab, *command, admin=True)
        code = await upgrade.followed(process, lines.append)
        lasted.append(clock.now() - began)
        return code, "\n".join(lines)

    begin = ("upgrade", "--yes", "--park", "--config", str(config), "--playbook", str(playbook))
    code, said = await carried(*begin)
    journal = await journal_of(made.lab, NAME)
    run = journal["run"]
    for number in range(GATES):
        assert code == PARKED, said
        opening = await upgrade.start(
            made.lab, "approve", run, f"gate-{number}", "--reason", "measured", "--no-wait", admin=True
        )
        assert await upgrade.followed(opening, print) == 0
        code, said = await carried("resume", run, "--park")
    assert code == 0, said
    journal = await journal_of(made.lab, NAME)
    return Gates(
        gates=GATES,
        processes=len(lasted),
        carrying_s=round(sum(lasted), 1),
        longest_s=round(max(lasted), 1),
        journal_writes=journal["seq"],
        journal_bytes=len(msgspec.json.encode(journal)),
    )


async def journal_of(lab: Lab, playbook: str) -> dict[str, Any]:
    """The journal of the one run by that playbook."""
    found = await listed(lab, "configmaps", "-A", "-l", "blueshift.dev/run")
    journals = [
        msgspec.json.decode(journal)
        for item in found
        if (journal := item.get("data", {}).get("journal.json"))
    ]
    (journal,) = (one for one in journals if one["playbook"] == playbook)
    return dict(journal)
