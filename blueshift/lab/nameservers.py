"""DNS of the lab: BIND as a real primary and secondary, Unbound as the caching resolver of everybody."""

from __future__ import annotations

import base64
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.dns.records import RecordSet
from blueshift.errors import BlueshiftError
from blueshift.lab import facts
from blueshift.lab.addresses import Family
from blueshift.lab.config import render
from blueshift.lab.paths import SYSTEM_PATH, Lab
from blueshift.lab.processes import run, start
from blueshift.lab.zone import ZONE

KEY = "blueshift"
PRIMARY, SECONDARY, RESOLVER = "named-primary", "named-secondary", "unbound"
_AGREE = 60.0
"""Seconds until the secondary must have what the primary has; well under one, unless the machine is full."""


class DnsFacts(msgspec.Struct, frozen=True):
    """Where the zone is served, and the key that may change it. Addresses: IPv4 first."""

    zone: str
    primary: tuple[str, ...]
    secondary: tuple[str, ...]
    resolver: tuple[str, ...]
    key_file: Path
    """A BIND key clause, hmac-sha256, mode 0600."""
    key_name: str

    @property
    def servers(self) -> tuple[str, ...]:
        """Every authoritative address."""
        return self.primary + self.secondary


def zone(lab: Lab) -> DnsFacts:
    """The DNS of a lab that is up; raises BlueshiftError otherwise."""
    return settings(lab, facts.of(lab).families)


def update_key(lab: Lab) -> Path:
    """Where the key is that may change the zone."""
    return lab.root / "dns" / "update.key"


async def serve(lab: Lab, families: tuple[Family, ...], clock: Clock) -> None:
    """Start the three servers and wait until the empty zone is answered by each."""
    known = settings(lab, families)
    write_config(lab, known, families)
    only = ["-4"] if len(families) == 1 else []
    for name, program, arguments in (
        (PRIMARY, "named", ["-g", "-n", "1", "-c", f"{lab.root}/dns/primary.conf", *only]),
        (SECONDARY, "named", ["-g", "-n", "1", "-c", f"{lab.root}/dns/secondary.conf", *only]),
        (RESOLVER, "unbound", ["-d", "-c", f"{lab.root}/dns/unbound.conf"]),
    ):
        await start(lab, name, [_own_copy(lab, program), *arguments])
    await _agree(lab, (*known.servers, *known.resolver), known.zone, clock)


async def write_zone(lab: Lab, records: Sequence[RecordSet], clock: Clock | None = None) -> None:
    """Put these record sets into the zone, each in place of what its name and type had, as one update.

    Returns when both servers answer with it. Raises BlueshiftError with what nsupdate said.
    """
    known = zone(lab)
    lines = [f"server {known.primary[0]}", f"zone {known.zone}."]
    for each in records:
        lines.append(f"update delete {each.name}. {each.type}")
        values = [f"{value}." if each.type == "CNAME" else value for value in each.values]
        lines += [f"update add {each.name}. {each.ttl} {each.type} {value}" for value in values]
    text = "\n".join([*lines, "send", ""])
    # -v: one TCP message for all of it.
    await run(_inside(lab, ["nsupdate", "-v", "-k", str(known.key_file)]), "writing the zone", stdin=text)
    await _agree(lab, known.servers, known.zone, clock or SystemClock())


def settings(lab: Lab, families: tuple[Family, ...]) -> DnsFacts:
    """The DNS of a lab, whether or not it is up yet."""
    return DnsFacts(
        zone=ZONE,
        primary=tuple(family.primary for family in families),
        secondary=tuple(family.secondary for family in families),
        resolver=tuple(family.resolver for family in families),
        key_file=update_key(lab),
        key_name=KEY,
    )


def write_config(lab: Lab, known: DnsFacts, families: tuple[Family, ...]) -> None:
    """Write the servers' files, with new keys."""
    folder = lab.root / "dns"
    for name in ("primary", "secondary", "resolver"):
        (folder / name).mkdir(parents=True)
    for file, key in (("update", known.key_name), ("transfer", "transfer")):
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        path = folder / f"{file}.key"
        path.touch(mode=0o600)
        path.write_text(f'key "{key}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret}";\n}};\n')
    values = {"folder": folder, "zone": known.zone, "key": known.key_name, "families": families}
    (folder / "primary" / "zone").write_text(render("zone.j2", **values))
    for role, own, peer in (
        ("primary", known.primary, known.secondary),
        ("secondary", known.secondary, known.primary),
    ):
        text = render("named.conf.j2", role=role, addresses=own, peer=peer[0], **values)
        (folder / f"{role}.conf").write_text(text)
    (folder / "unbound.conf").write_text(render("unbound.conf.j2", **values))


def _own_copy(lab: Lab, program: str) -> Path:
    """AppArmor confines Debian's named and unbound, by their path, to folders that are the machine's own."""
    found = shutil.which(program, path=SYSTEM_PATH)
    if found is None:
        raise BlueshiftError(f"{program} is not installed", hint="blueshift lab doctor --install")
    copy = lab.root / "dns" / program
    if not copy.exists():
        shutil.copy2(found, copy)
    return copy


async def _agree(lab: Lab, servers: Sequence[str], name: str, clock: Clock) -> None:
    try:
        async with clock.timeout(_AGREE):
            while (
                len(serials := {await _serial(lab, server, name) for server in servers}) > 1
                or None in serials
            ):
                await clock.sleep(0.05)
    except TimeoutError:
        raise BlueshiftError(
            f"the name servers {', '.join(servers)} did not come to the same {name} in {_AGREE:.0f} s",
            hint=f"See {lab.logs}/{PRIMARY}.log and {SECONDARY}.log.",
        ) from None


async def _serial(lab: Lab, server: str, name: str) -> int | None:
    argv = ["dig", f"@{server}", name, "SOA", "+short", "+tries=1", "+time=1"]
    try:
        fields = (await run(_inside(lab, argv), "dig")).split()
    except BlueshiftError:
        return None
    return int(fields[2]) if len(fields) == 7 else None


def _inside(lab: Lab, argv: Sequence[str]) -> list[str]:
    return ["nsenter", f"--net={lab.netns_path}", "--", *argv]
