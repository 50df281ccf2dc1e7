"""What every DNS backend does, and how it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import msgspec

from blueshift.dns.records import Change, Question, RecordSet, described
from blueshift.errors import BlueshiftError, Retryable
from blueshift.together import together


class Capabilities(msgspec.Struct, frozen=True):
    """What a backend can do, so that a plan asks nothing else of it."""

    cas: bool
    """A swap lands only if the expected record sets stand, checked by the server itself."""
    weighted: bool
    max_batch: int
    """Changes in one swap."""
    min_ttl: int
    """Seconds."""
    by_hand: float = 0.0
    """Seconds that a person may take to make a change that is asked for; 0 where `swap` makes it."""


class ChangeRef(msgspec.Struct, frozen=True):
    """A swap that the backend has taken; journalled, so that `wait` works after a resume."""

    backend: str
    zone: str
    token: str
    """The backend's own word for the change: an id, or for RFC 2136 the zone's serial afterwards."""


class Right(msgspec.Struct, frozen=True):
    """Whether the key may write one name and type."""

    name: str
    type: str
    allowed: bool
    reason: str
    """What the server said, for a person."""
    held: bool = True
    """False where the server answers with the record and yet says that it does not stand there."""
    ahead: float | None = None
    """Seconds by which this machine's clock is ahead of the server's; None where no signature told."""


class Difference(msgspec.Struct, frozen=True):
    """One record set that is not as it should be."""

    name: str
    type: str
    expected: RecordSet | None
    now: RecordSet | None

    def __str__(self) -> str:
        return f"{self.name} {self.type}: expected {described(self.expected)}, is now {described(self.now)}"


class DnsError(BlueshiftError):
    """A DNS server refused, or said something that we cannot go on from."""


class ServerFailed(Retryable):
    """The server could not tell (SERVFAIL, RFC 2308 §7.1): it has said nothing of the name, and may soon."""


class Stale(DnsError):
    """Nothing was changed: what stands is not what the swap expected."""

    def __init__(self, differences: Sequence[Difference], *, note: str = "") -> None:
        said = "; ".join(str(difference) for difference in differences)
        super().__init__(
            "the records were changed by somebody else: " + "; ".join(part for part in (said, note) if part),
            hint="find out who writes these records, then plan again: `blueshift plan`",
        )
        self.differences = tuple(differences)


class NotKept(DnsError):
    """The server took the swap, and right afterwards answers something else."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        said = "; ".join(
            f"{d.name} {d.type} is {described(d.now)}, not {described(d.expected)}" for d in differences
        )
        super().__init__(
            f"the server took the update, and yet {said}",
            hint="somebody wrote after us, or the server ignores a part (a CNAME beside other records): "
            "see its log, then plan again",
        )
        self.differences = tuple(differences)


class Refused(DnsError):
    """The server does not let this key, or this address, write these records."""


class NotAuth(DnsError):
    """The server does not hold the zone, or does not take updates for it."""


class TsigError(DnsError):
    """The server did not accept the signature; nothing was changed."""


class BadKey(TsigError):
    """The server does not know a key of this name and algorithm."""


class BadSig(TsigError):
    """The server knows the key by name, and its secret is another one."""


class BadTime(TsigError):
    """The clocks of this machine and of the server are too far apart."""

    def __init__(self, message: str, *, offset: float | None, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.offset = offset
        """Seconds by which this machine's clock is ahead of the server's; None if the server did not say."""


class DnsBackend(Protocol):
    """Reads and swaps record sets at the authority that takes the writes.

    Every method may raise Retryable (nothing was changed), TsigError, Refused, NotAuth or DnsError.
    """

    name: ClassVar[str]
    capabilities: Capabilities

    async def zone_of(self, name: str) -> str:
        """Return the zone that holds `name`."""

    async def read(self, names: Sequence[Question]) -> tuple[RecordSet | None, ...]:
        """Return what stands for each name and type, in the order asked; None where nothing does.

        Only a record set of exactly that name counts: aliases are not followed.
        """

    async def swap(self, changes: Sequence[Change]) -> ChangeRef:
        """Change all or nothing; all names are of one zone, at most `max_batch` changes (see `batches`).

        Raises Stale when what stands differs from `expected` in values or TTL, Ambiguous when no answer
        came to the write (read before anything else), and NotKept when the write was taken and is not there.
        """

    async def wait(self, ref: ChangeRef) -> None:
        """Return when the backend says that the change is on the servers that it writes to."""

    async def try_rights(self, names: Sequence[Question]) -> tuple[Right, ...]:
        """Tell for each name and type whether the key may write it, by writing what stands already."""


async def batches(backend: DnsBackend, changes: Sequence[Change]) -> tuple[tuple[Change, ...], ...]:
    """Cut `changes` into swaps: one zone each, at most `max_batch`, all types of a name together.

    Order is kept within a zone. Raises DnsError if one name alone is over the limit.
    """
    limit = backend.capabilities.max_batch
    by_zone: dict[str, dict[str, list[Change]]] = {}
    zones = await together(*(backend.zone_of(change.name) for change in changes))
    for change, zone in zip(changes, zones, strict=True):
        by_zone.setdefault(zone, {}).setdefault(change.name, []).append(change)
    done: list[tuple[Change, ...]] = []
    for names in by_zone.values():
        batch: list[Change] = []
        for name, whole in names.items():
            if len(whole) > limit:
                raise DnsError(f"{name} has {len(whole)} changes, over the backend's {limit} in one swap")
            if len(batch) + len(whole) > limit:
                done.append(tuple(batch))
                batch = []
            batch += whole
        done.append(tuple(batch))
    return tuple(done)
