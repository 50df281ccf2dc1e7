"""DNS that a person changes: read at the authority like any other, and never written by us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

from blueshift.clock import Clock
from blueshift.dns.authority import Directory, reply_of
from blueshift.dns.backend import Capabilities, ChangeRef, DnsError, Right
from blueshift.dns.instructions import commands, lines
from blueshift.dns.key import ReadSecret
from blueshift.dns.records import Change, Question, RecordSet, canonical
from blueshift.dns.replies import Reply
from blueshift.dns.settings import ManualSettings
from blueshift.dns.wire import NoAnswer, has_route
from blueshift.together import together

# All changes of a wave are one thing to ask for.
_ALL = 100_000


class Manual:
    """See DnsBackend; `swap` is a person's."""

    name: ClassVar[str] = "manual"
    Settings: ClassVar[type[ManualSettings]] = ManualSettings

    def __init__(self, settings: ManualSettings, directory: Directory) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            cas=False, weighted=False, max_batch=_ALL, min_ttl=settings.min_ttl, by_hand=settings.within
        )
        self._directory = directory

    @classmethod
    def create(
        cls,
        settings: ManualSettings,
        secrets: ReadSecret,
        clock: Clock,
        directory: Directory,
        *,
        zones: Sequence[str] = (),
    ) -> Manual:
        """See BackendType."""
        return cls(settings, directory)

    async def zone_of(self, name: str) -> str:
        """See DnsBackend."""
        return await self._directory.zone_of(name)

    async def read(self, names: Sequence[Question]) -> tuple[RecordSet | None, ...]:
        """See DnsBackend; the first server of the zone that answers speaks. Raises NoAnswer if none does."""
        return await together(*(self._read(canonical(name), kind) for name, kind in names))

    async def swap(self, changes: Sequence[Change]) -> ChangeRef:
        """See DnsBackend. Raises DnsError: who wants records changed asks a person (`instructions`)."""
        self._nobody()

    async def wait(self, ref: ChangeRef) -> None:
        """See DnsBackend."""
        self._nobody()

    async def try_rights(self, names: Sequence[Question]) -> tuple[Right, ...]:
        """See DnsBackend: whether the person may is not ours to try."""
        return ()

    async def instructions(self, changes: Sequence[Change]) -> str:
        """What a person has to change, record by record, and the command where the provider has one."""
        zones = await together(*(self.zone_of(change.name) for change in changes))
        return "\n".join((*lines(changes), *commands(self.settings.provider, changes, zones)))

    async def _read(self, name: str, kind: str) -> RecordSet | None:
        zone = await self.zone_of(name)
        reply = Reply(name, kind, "unknown", reason=f"no server of {zone} can be reached from here")
        for server in await self._directory.servers(zone):
            if has_route(server.address):
                reply = await reply_of(server, name, kind)
                if reply.status != "unknown":
                    break
        if reply.status == "unknown":
            raise NoAnswer(f"{name} {kind}: {reply.reason}", hint="name servers by `dns.authorities`")
        return None if reply.chain else reply.records

    def _nobody(self) -> NoReturn:
        raise DnsError("these records are changed by a person", hint="`dns.backend: manual` says so")
