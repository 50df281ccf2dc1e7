"""`init` on a real API server and a real BIND: what it finds, and that it changes nothing but its file."""

from __future__ import annotations

from blueshift.app import configuration
from blueshift.app.init import survey, zones
from blueshift.cli.errors import ExitCode
from blueshift.clock import SystemClock
from blueshift.cluster.api import KubeApi
from blueshift.dns.authority import Directory
from blueshift.dns.key import KeySource
from blueshift.dns.settings import Rfc2136Settings
from tests.contract.app.front import HOSTS, NAMESPACE, RELEASE, WORKLOAD, Front
from tests.contract.dns.bind import SECRET, ZONE


async def test_it_writes_a_file_that_every_command_takes(front: Front) -> None:
    before = await front.state()
    resolver = f"{front.bind.address}:{front.bind.port}"
    options = ("--yes", "--release", RELEASE, "--dns-server", resolver, "--key-file", "update.key")
    done = front.blueshift("init", *options, "--resolver", resolver)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "wrote blueshift.yaml; next: blueshift check"
    assert await front.state() == before

    config = configuration.from_file(front.folder / "blueshift.yaml")
    assert (config.release.name, config.release.namespace) == (RELEASE, NAMESPACE)
    assert config.dns.settings == Rfc2136Settings(
        server=front.bind.address, port=front.bind.port, key=KeySource(file=str(front.folder / "update.key"))
    )
    text = (front.folder / "blueshift.yaml").read_text()
    assert SECRET not in text
    for fact in (f"Deployment {NAMESPACE}/{WORKLOAD}", "192.0.2.1, 2001:db8::1", f"{len(HOSTS)} hosts"):
        assert fact in text

    again = front.blueshift("init", *options)
    assert again.returncode == ExitCode.ERROR
    assert "blueshift.yaml: this file exists already" in again.stderr
    assert (front.folder / "blueshift.yaml").read_text() == text


async def test_where_dns_points_and_who_takes_updates(front: Front, kube: KubeApi) -> None:
    seen = await survey(kube, SystemClock())
    ours = next(one for one in seen.releases if one.name == f"{NAMESPACE}/{RELEASE}")
    assert (ours.chart, ours.chart_version, ours.revision) == ("ingress-nginx", "4.11.3", 1)
    authorities = [f"{front.bind.address}:{front.bind.port}"]
    found = await zones(Directory(authorities=authorities, zones=[ZONE]), ours.found, SystemClock())
    assert found.where.here == {ZONE: 4}
    assert found.where.none == (f"gone.{ZONE}",)
    assert found.primaries == {ZONE: f"ns1.{ZONE}"}
    assert found.server == f"ns1.{ZONE}"


def test_who_may_not_look_is_told_what_is_missing(front: Front) -> None:
    nobody = front.server.write_kubeconfig(front.folder / "nobody", token=front.server.nobody)
    done = front.blueshift("init", "--yes", kubeconfig=nobody)
    assert done.returncode == ExitCode.ERROR
    told = [line for line in done.stderr.splitlines() if not line.startswith("looking at ")]
    assert told[0].startswith("error: ")
    assert "nobody" in told[0]
    assert "Traceback" not in done.stderr
    assert not front.has("blueshift.yaml")
