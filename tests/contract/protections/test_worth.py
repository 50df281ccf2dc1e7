"""Each protection proves its worth: taken away, from here and by no switch, the loss is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dns.query
import dns.update
import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.controllers.ingress_nginx.temporary import temporary_values
from blueshift.controllers.overrides import Override, apply
from blueshift.controllers.profile import TemporaryFacts
from blueshift.dns import rfc2136
from blueshift.dns.backend import Stale
from blueshift.dns.key import parse_key
from blueshift.dns.records import Change, RecordSet
from blueshift.dns.update import swap_message, tsig_key
from blueshift.helm.charts import read_chart
from blueshift.helm.client import Helm
from blueshift.helm.errors import HelmError
from blueshift.lab.charts import chart
from blueshift.traffic.parity import AskedSide, ParityRules, compare_routes
from blueshift.traffic.probe import probe
from blueshift.traffic.routes import Route, Routes
from tests.contract.dns.bind import WRITER, ZONE, Bind


def without_prerequisites(zone: str, changes: Sequence[Change]) -> dns.update.UpdateMessage:
    """The same update as the product's, and nothing that the server has to compare before."""
    message = swap_message(zone, changes)
    message.prerequisite.clear()
    return message


@pytest.mark.parametrize("protected", [True, False], ids=["compare-and-swap", "without"])
async def test_compare_and_swap(bind: Bind, monkeypatch: pytest.MonkeyPatch, protected: bool) -> None:
    """A person changes the record after our look and before our write. Without it, that change is lost."""
    name = f"h{250 + protected}.{ZONE}"
    backend = bind.backend()
    before = RecordSet(name, "A", 300, ("192.0.2.1",))
    really = backend.read
    looks = 0

    async def read(names: Any) -> Any:
        nonlocal looks
        looks += 1
        found = await really(names)
        if looks == 1:
            theirs = dns.update.UpdateMessage(ZONE, keyring=tsig_key(parse_key(WRITER, place="test")))
            theirs.replace(name.removesuffix(f".{ZONE}"), 300, "A", "198.51.100.7")
            await asyncio.to_thread(dns.query.tcp, theirs, bind.address, port=bind.port, timeout=5)
        return found

    monkeypatch.setattr(backend, "read", read)
    if not protected:
        monkeypatch.setattr(rfc2136, "swap_message", without_prerequisites)
    swap = [Change(name, "A", before, RecordSet(name, "A", 300, ("192.0.2.9",)))]
    if protected:
        with pytest.raises(Stale, match=r"198\.51\.100\.7"):
            await backend.swap(swap)
    else:
        await backend.swap(swap)
    (now,) = await really([(name, "A")])
    assert now is not None
    assert now.values == (("198.51.100.7",) if protected else ("192.0.2.9",))


@pytest.mark.parametrize("protected", [True, False], ids=["off", "without"])
async def test_the_ingress_class_of_the_temporary_is_off(
    helm: Helm, kube: KubeApi, namespace: str, protected: bool
) -> None:
    """It is cluster-scoped and the primary's. Without the override there is no temporary at all."""
    class_name = f"class-{namespace}"
    values = {
        "controller": {
            "ingressClassResource": {"name": class_name},
            "admissionWebhooks": {"enabled": False},
        }
    }
    beside = f"{namespace}-t"
    await kube.create(paths.core("namespaces"), {"metadata": {"name": beside}})
    package = read_chart(chart("4.11.3"))
    await helm.install(f"p-{namespace}", namespace, package, values, description="")
    facts = TemporaryFacts(
        run="r1",
        release=f"t-{namespace}",
        namespace=beside,
        primary_release=f"p-{namespace}",
        primary_namespace=namespace,
        chart_version=package.version,
        defaults=package.defaults,
        ready=2,
    )
    overrides: list[Override] = list(temporary_values(values, facts))
    if not protected:
        kept = [one for one in overrides if one.name != "controller.ingressClassResource.enabled"]
        assert len(kept) == len(overrides) - 1
        overrides = kept
    install = helm.install(facts.release, beside, package, apply(values, overrides), description="")
    deployments = paths.apis("apps/v1", "deployments", beside)
    if protected:
        await install
        assert await kube.list(deployments)
    else:
        with pytest.raises(HelmError, match=class_name):
            await install
        assert not await kube.list(deployments)
    path = paths.apis("networking.k8s.io/v1", "ingressclasses", None, class_name)
    assert (await kube.get(path))["metadata"]["annotations"]["meta.helm.sh/release-name"] == f"p-{namespace}"
    await helm.uninstall(f"p-{namespace}", namespace)
    await kube.delete(paths.core("namespaces", None, beside))


@asynccontextmanager
async def side(*served: str) -> AsyncIterator[int]:
    """A web server that answers 200 for these paths and 404 for the rest; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        status = b"200 OK" if path in served else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("protected", [True, False], ids=["compared", "without"])
async def test_route_parity(protected: bool) -> None:
    """The new side knows the route by its configuration and does not serve it. Unasked, its users see 404."""
    routes = Routes(
        (
            Route("shop.test", "/", tls=False, service="web"),
            Route("shop.test", "/pay", tls=False, service="pay"),
        )
    )
    async with side("/", "/pay") as old, side("/") as new:
        sides = (
            AskedSide("primary", ("127.0.0.1",), http=old),
            AskedSide("temporary", ("127.0.0.1",), http=new),
        )
        rules = ParityRules() if protected else ParityRules(skip=("*",))
        found = await compare_routes((routes, routes), sides, clock=SystemClock(), rules=rules)
        user = await probe(
            "127.0.0.1", port=new, host="shop.test", path="/pay", tls=False, clock=SystemClock()
        )
    assert user.status == 404
    if protected:
        assert any("shop.test/pay" in problem for problem in found.problems())
    else:
        assert found.problems() == (), "nothing stops the shift"
