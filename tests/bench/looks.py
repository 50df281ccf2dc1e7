"""Looks that must be made inside a network namespace; each change is a line of JSON with its instant.

`python -m tests.bench.looks serials ZONE SERVER…` asks every server for the zone's serial ten times a second.
`python -m tests.bench.looks connections` lists the addresses that established connections lead to, four times
a second. They end with their standard output, or when killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.rdtypes.ANY.SOA

LONGEST = 3600.0
"""Seconds, whatever becomes of the bench."""


def serials(zone: str, *servers: str) -> dict[str, int]:
    """Server → serial; one that does not answer is left out."""
    found = {}
    for server in servers:
        try:
            answer = dns.query.udp(dns.message.make_query(zone, dns.rdatatype.SOA), server, timeout=1.0)
        except (dns.exception.DNSException, OSError):
            continue
        for rrset in answer.answer:
            for item in rrset:
                if isinstance(item, dns.rdtypes.ANY.SOA.SOA):
                    found[server] = item.serial
    return found


def connections() -> list[str]:
    """Addresses at the other end, each once."""
    argv = ["ss", "-Htn", "state", "established"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    peers = [line.split()[-1].rpartition(":")[0] for line in lines if line.strip()]
    return sorted({peer.strip("[]").removeprefix("::ffff:") for peer in peers})


def _changes(look: Callable[[], object], every: float) -> None:
    before, until = None, time.monotonic() + LONGEST
    while time.monotonic() < until:
        seen = look()
        if seen != before:
            print(json.dumps({"at": time.time(), "seen": seen}), flush=True)
            before = seen
        time.sleep(every)


def main(arguments: Sequence[str]) -> None:
    """Look until killed."""
    match arguments:
        case ["serials", zone, *servers]:
            _changes(lambda: serials(zone, *servers), 0.1)
        case ["connections"]:
            _changes(connections, 0.25)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
