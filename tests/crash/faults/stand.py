"""One kind of fault as a process in a lab's network: `python -m tests.crash.faults.stand FILE`.

FILE says where the real things are. The first line of stdout is a `Place`: how to meet the fault. Then each
line of stdin is a `Word` that begins the fault or ends it, and each is answered by how often it was met.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from tests.crash.faults import api, clock, disk, dns, helm

Kind = Literal["api", "clock", "disk", "dns", "helm"]


class Where(msgspec.Struct, frozen=True):
    """What the fault stands in front of."""

    kind: Kind
    kubeconfig: str
    helm: str
    primary: tuple[str, ...]
    secondary: tuple[str, ...]
    """Addresses of the name servers."""
    key: tuple[str, str, str]
    """Name, algorithm and secret."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the product is to look instead."""

    env: dict[str, str] = {}
    server: tuple[str, int] | None = None
    """Of DNS, for updates."""
    authorities: tuple[str, ...] = ()


class Word(msgspec.Struct, frozen=True):
    """Begin with these settings, or end."""

    do: Literal["begin", "end"]
    rule: dict[str, Any] = {}


class Standing(Protocol):
    """One kind of fault, ready."""

    place: Place

    def begin(self, rule: Mapping[str, Any]) -> None:
        """Let it hit from now on. Raises for a setting that the kind does not know."""

    def end(self) -> None:
        """All is well again."""

    @property
    def met(self) -> int:
        """How often it hit."""


class _Api:
    def __init__(self, proxy: api.Proxy) -> None:
        self._proxy = proxy
        self.place = Place({"KUBECONFIG": proxy.kubeconfig})

    def begin(self, rule: Mapping[str, Any]) -> None:
        self._proxy.add(msgspec.convert(rule, api.Rule))

    def end(self) -> None:
        self._proxy.clear()

    @property
    def met(self) -> int:
        return len(self._proxy.met)


class _Dns:
    def __init__(self, primary: list[dns.Proxy], secondary: list[dns.Proxy]) -> None:
        self._of = {"primary": primary, "secondary": secondary, "both": primary + secondary}
        self.place = Place(
            server=(primary[0].address, primary[0].port),
            authorities=tuple(f"{proxy.address}:{proxy.port}" for proxy in self._of["both"]),
        )

    def begin(self, rule: Mapping[str, Any]) -> None:
        rest = {key: value for key, value in rule.items() if key != "at"}
        for proxy in self._of[rule["at"]]:
            proxy.add(msgspec.convert(rest, dns.Rule))

    def end(self) -> None:
        for proxy in self._of["both"]:
            proxy.clear()

    @property
    def met(self) -> int:
        return sum(len(proxy.met) for proxy in self._of["both"])


class _Helm:
    def __init__(self, wrapper: helm.Wrapper) -> None:
        self._wrapper = wrapper
        self.place = Place({"PATH": wrapper.env["PATH"]})

    def begin(self, rule: Mapping[str, Any]) -> None:
        self._wrapper.arm(msgspec.convert(rule, helm.Settings))

    def end(self) -> None:
        self._wrapper.arm(helm.Settings("fails", times=0))

    @property
    def met(self) -> int:
        return self._wrapper.met


class _Clock:
    def __init__(self, fake: clock.FakeTime) -> None:
        self._fake = fake
        self.place = Place(fake.env)
        self.met = 0

    def begin(self, rule: Mapping[str, Any]) -> None:
        self._fake.jump(msgspec.convert(rule, clock.Settings).offset)
        self.met += 1

    def end(self) -> None:
        self._fake.jump(0)


class _Disk:
    def __init__(self, small: disk.Disk) -> None:
        self._small = small
        folder = str(small.folder)
        self.place = Place({**small.env, "XDG_STATE_HOME": folder, "XDG_CACHE_HOME": folder})
        self.met = 0

    def begin(self, rule: Mapping[str, Any]) -> None:
        msgspec.convert(rule, disk.Settings)
        self._small.fill()
        self.met += 1

    def end(self) -> None:
        self._small.free()


@asynccontextmanager
async def standing(where: Where) -> AsyncIterator[Standing]:
    """The kind that is asked for, with no fault in force yet."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        match where.kind:
            case "api":
                yield _Api(await enter(api.fault(api.Settings(where.kubeconfig))))
            case "dns":
                sides = [
                    [await enter(dns.fault(dns.Settings(one, 53, key=where.key))) for one in side]
                    for side in (where.primary, where.secondary)
                ]
                yield _Dns(*sides)
            case "helm":
                yield _Helm(await enter(helm.fault(helm.Settings("fails", times=0, real=where.helm))))
            case "clock":
                yield _Clock(await enter(clock.fault(clock.Settings())))
            case "disk":
                yield _Disk(await enter(disk.fault(disk.Settings(kib=16384))))


async def serve(where: Where) -> None:
    """Stand until stdin ends."""
    async with standing(where) as one:
        _say(msgspec.json.encode(one.place).decode())
        while line := await asyncio.to_thread(sys.stdin.readline):
            word = msgspec.json.decode(line, type=Word)
            if word.do == "begin":
                one.begin(word.rule)
            else:
                one.end()
            _say(str(one.met))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Where)))
