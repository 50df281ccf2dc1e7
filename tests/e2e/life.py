"""What goes on in a cluster meanwhile: every ten seconds Ingresses come and go, a certificate is renewed."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Any

from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import application, namespaces
from blueshift.lab.certificates import Authority
from blueshift.lab.demo.inside import apply, kubectl, listed
from blueshift.lab.demo.world import NAMESPACE, RELEASE, World
from blueshift.lab.loadbalancer import addresses_of
from blueshift.lab.sites import A
from tests.e2e.command import tell

EVERY = 10.0
SERVED_WITHIN = 30.0
"""Seconds until both sides must have what is new; a controller needs two, on a machine that is not full."""
_POLL = 1.0
_MOST_REFUSED = 5
_RENEWED = "renewed.wild.lab.test"
_SECRET = "life-tls"
SIDES = {"primary": NAMESPACE, "temporary": f"{RELEASE}-blueshift"}


class Lived:
    """What was seen of it."""

    def __init__(self) -> None:
        self.rounds = 0
        self.served = {"primary": 0, "temporary": 0}
        """Rounds after which this side had the new host and the new certificate."""
        self.missing: list[str] = []
        """What a side did not have in time, although it was there all the while."""
        self.refused: list[str] = []
        """Writes that had to be made again."""


class _Life:
    """Looks at configurations and handshakes alone: a request would keep a drain from its end."""

    def __init__(self, world: World, lived: Lived) -> None:
        self.world, self.lived = world, lived
        self.authority = Authority(world.folder / "life-ca.pem")
        self.clock = SystemClock()
        self.shown = ""

    async def go_on(self) -> None:
        """For ever: one round after the other."""
        while True:
            next_one = self.clock.now() + EVERY
            await self._round(self.lived.rounds)
            await self.clock.sleep(max(0.0, next_one - self.clock.now()))

    async def end(self) -> None:
        """Take away what is left of it."""
        await kubectl(
            self.world.lab, "delete", "ingress,secret", "-l", "life=true", "-n", application.NAMESPACE
        )

    async def _round(self, number: int) -> None:
        certificate, key = self.authority.issue(_RENEWED)
        self.shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.decode())).hexdigest()
        host = f"life-{number}.wild.lab.test"
        renewed = _ingress("life-renewed", _RENEWED, tls=_SECRET)
        await self._applied([_secret(certificate, key), renewed, _ingress(f"life-{number}", host)])
        if number > 1:
            gone = f"life-{number - 2}"
            await kubectl(self.world.lab, "delete", "ingress", gone, "-n", application.NAMESPACE)
        self.lived.rounds += 1
        await asyncio.gather(*(self._seen(side, host) for side in SIDES))

    async def _applied(self, objects: list[dict[str, Any]]) -> None:
        """As who applies again what was refused: a primary's pod that ends takes its webhook with it."""
        while True:
            try:
                await apply(self.world.lab, objects)
                return
            except BlueshiftError as error:
                self.lived.refused.append(str(error))
                if len(self.lived.refused) > _MOST_REFUSED:
                    raise
                await self.clock.sleep(_POLL)

    async def _seen(self, side: str, host: str) -> None:
        until, pods = self.clock.now() + SERVED_WITHIN, await self._pods(side)
        while pods:
            lacks = await self._lacks(side, pods, host)
            if not lacks:
                self.lived.served[side] += 1
                return
            if await self._pods(side) != pods:
                return  # it was changed, or went, meanwhile
            if self.clock.now() > until:
                self.lived.missing.append(f"{side} lacks {lacks}")
                return
            await self.clock.sleep(_POLL)

    async def _pods(self, side: str) -> set[str]:
        pods = await listed(
            self.world.lab, "pods", "-n", SIDES[side], "-l", "app.kubernetes.io/component=controller"
        )
        return {pod["metadata"]["name"] for pod in pods if _ready(pod)}

    async def _lacks(self, side: str, pods: set[str], host: str) -> str:
        for pod in sorted(pods):
            with suppress(BlueshiftError):
                read = ("--", "cat", "/etc/nginx/nginx.conf")
                dump = ("exec", pod, "-n", SIDES[side], "-c", "controller", *read)
                if f"server_name {host} " not in await kubectl(self.world.lab, *dump):
                    return f"{host} in {pod}"
        for address in await self._addresses(side):
            if await asyncio.to_thread(self._handshake, address) not in (self.shown, ""):
                return f"the renewed certificate at {address}"
        return ""

    async def _addresses(self, side: str) -> list[str]:
        services = await listed(self.world.lab, "services", "-n", SIDES[side])
        return [address for service in services for address in addresses_of(service)]

    def _handshake(self, address: str) -> str:
        """The certificate that is shown, in hex; "" without a connection, which is the traffic's part."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET

        def shake() -> str:
            with suppress(OSError), socket.socket(family) as plain:
                plain.settimeout(5)
                plain.connect((address, 443))
                with context.wrap_socket(plain, server_hostname=_RENEWED) as secured:
                    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
            return ""

        return namespaces.inside(self.world.lab.clients_netns_path, shake)


def _ready(pod: dict[str, Any]) -> bool:
    states = pod["status"].get("containerStatuses", ())
    return "deletionTimestamp" not in pod["metadata"] and bool(states) and all(s["ready"] for s in states)


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": application.NAMESPACE, "labels": {"life": "true"}}


def _secret(certificate: bytes, key: bytes) -> dict[str, Any]:
    data = {"tls.crt": certificate.decode(), "tls.key": key.decode()}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": _metadata(_SECRET), "stringData": data,
    }  # fmt: skip


def _ingress(name: str, host: str, tls: str = "") -> dict[str, Any]:
    backend = {"service": {"name": A, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec: dict[str, Any] = {"ingressClassName": "nginx", "rules": [rule]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": _metadata(name), "spec": spec,
    }  # fmt: skip


@asynccontextmanager
async def life(world: World) -> AsyncIterator[Lived]:
    """Life while the block lasts, under the wildcard that the zone has: DNS needs no new name."""
    lived = Lived()
    going = _Life(world, lived)
    living = asyncio.create_task(going.go_on())
    try:
        yield lived
        assert not living.done(), living.result()
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living
        await going.end()
    tell(f"life: {lived.rounds} rounds, served {lived.served}")
    assert not lived.missing
    assert min(lived.served.values()) >= 3, "both sides must have served what was new"
