"""What a command sees inside a lab: its network and names, and otherwise what it had outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from blueshift.lab import nameservers, zone
from blueshift.lab.demo import pod
from blueshift.lab.demo.inside import listed, within
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run
from tests.contract.lab.command import BLUESHIFT, blueshift, inside
from tests.contract.lab.conftest import LB_DELAY

pytestmark = pytest.mark.lab

SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{type: LoadBalancer, ipFamilyPolicy: RequireDualStack, ports: [{{port: 80}}]{more}}}
"""


def test_exit_code_folder_and_environment_are_kept(lab: Lab, tmp_path: Path) -> None:
    done = inside(
        lab.name, "sh", "-c", "pwd; echo $MARK; echo $KUBECONFIG; command -v kubectl; cat; exit 7",
        cwd=tmp_path, env={**os.environ, "MARK": "kept"}, input="from stdin\n",
    )  # fmt: skip
    assert done.returncode == 7
    folder, mark, kubeconfig, kubectl, stdin = done.stdout.splitlines()
    assert (folder, mark, kubeconfig, stdin) == (str(tmp_path), "kept", str(lab.kubeconfig), "from stdin")
    assert "blueshift" in kubectl


def test_a_signal_reaches_the_command_itself(lab: Lab) -> None:
    script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(
        [BLUESHIFT, "lab", "exec", "--name", lab.name, "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    # The very process that was started, and no child of it.
    assert Path(f"/proc/{process.pid}/comm").read_text().strip() == "sh"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "caught\n"
    assert process.wait() == 3


def test_nothing_leads_out(lab: Lab) -> None:
    script = (
        "import socket\n"
        "for target in (('192.0.2.1', 9), ('1.1.1.1', 53)):\n"
        "    s = socket.socket(); s.settimeout(1)\n"
        "    try: s.connect(target); print('out')\n"
        "    except OSError: print('stays')\n"
    )
    assert inside(lab.name, "python3", "-c", script).stdout.split() == ["stays", "stays"]
    # The links that a lab has are pairs inside it; no device of the machine is among them.
    links = json.loads(inside(lab.name, "ip", "-j", "link").stdout)
    assert {link["ifname"] for link in links} <= {"lo", "lab0", "clients0"}


async def test_written_records_are_served_by_both_servers_and_the_resolver(lab: Lab) -> None:
    facts = nameservers.zone(lab)
    await nameservers.write_zone(lab, zone.records(("198.18.1.9", "2001:2:0:3::9")))
    for server in (*facts.servers, *facts.resolver):
        for name in ("lab.test", "app01.lab.test", "app36.lab.test", "any.wild.lab.test", "shop.lab.test"):
            for kind, wanted in (("A", "198.18.1.9"), ("AAAA", "2001:2:0:3::9")):
                asked = inside(lab.name, "dig", f"@{server}", name, kind, "+short")
                assert asked.stdout.split()[-1:] == [wanted], (server, name, asked.stdout)
    # Every name server that the zone names is one that answers.
    names = inside(lab.name, "dig", f"@{facts.primary[0]}", facts.zone, "NS", "+short").stdout.split()
    addresses = [
        inside(lab.name, "dig", name, kind, "+short").stdout.strip()
        for name in names
        for kind in ("A", "AAAA")
    ]
    assert sorted(addresses) == sorted(facts.servers)
    for where in ((), ("--clients",)):
        found = blueshift(
            "lab", "exec", "--name", lab.name, *where, "--", "getent", "ahosts", "app02.lab.test"
        )
        assert {line.split()[0] for line in found.stdout.splitlines()} == {"198.18.1.9", "2001:2:0:3::9"}


def test_only_the_key_may_change_the_zone_and_only_host_records(lab: Lab) -> None:
    facts = nameservers.zone(lab)
    assert facts.key_file.stat().st_mode & 0o777 == 0o600

    def update(line: str, *key: str) -> subprocess.CompletedProcess[str]:
        text = f"server {facts.primary[0]}\nzone lab.test.\nupdate add {line}\nsend\n"
        return inside(lab.name, "nsupdate", *key, input=text)

    key = ("-k", str(facts.key_file))
    assert update("new.lab.test. 60 TXT owner", *key).returncode == 0
    assert "REFUSED" in update("new.lab.test. 60 A 198.18.1.7").stderr
    assert "REFUSED" in update("lab.test. 60 MX 10 mail.lab.test.", *key).stderr


def test_services_get_addresses_of_both_families_after_the_delay(lab: Lab) -> None:
    def service(name: str, more: str = "") -> None:
        assert (
            inside(
                lab.name, "kubectl", "apply", "-f", "-", input=SERVICE.format(name=name, more=more)
            ).returncode
            == 0
        )

    def addresses(name: str) -> list[str]:
        path = "jsonpath={.status.loadBalancer.ingress[*].ip}"
        return inside(lab.name, "kubectl", "get", "service", name, "-o", path).stdout.split()

    def wait_for(name: str) -> list[str]:
        deadline = time.monotonic() + 30
        while not addresses(name):
            assert time.monotonic() < deadline
        return addresses(name)

    service("one")
    service("two")
    one, two = wait_for("one"), wait_for("two")
    told = json.loads(
        inside(lab.name, "kubectl", "get", "service", "one", "-o", "json", "--show-managed-fields").stdout
    )
    written = next(
        entry["time"] for entry in told["metadata"]["managedFields"] if entry.get("subresource") == "status"
    )
    waited = datetime.fromisoformat(written) - datetime.fromisoformat(told["metadata"]["creationTimestamp"])
    assert waited >= timedelta(seconds=LB_DELAY - 1), "timestamps have whole seconds"
    assert [address.partition(":")[1] for address in one] == ["", ":"]
    assert not set(one) & set(two)
    service("fixed", ", loadBalancerIP: 198.18.1.77")
    assert wait_for("fixed")[0] == "198.18.1.77"
    # Another that asks for it waits until it is free.
    service("later", ", loadBalancerIP: 198.18.1.77")
    time.sleep(LB_DELAY + 2)
    assert addresses("later") == []
    assert inside(lab.name, "kubectl", "delete", "service", "fixed").returncode == 0
    assert wait_for("later")[0] == "198.18.1.77"


async def test_a_client_in_the_cluster_is_at_its_pods_addresses(lab: Lab) -> None:
    netns = await pod.network(lab)
    (client,) = await listed(lab, "pods", "-n", pod.NAMESPACE)
    links = json.loads(await run(within(netns, ["ip", "-j", "address"]), "ip"))
    own = {address["local"] for link in links for address in link["addr_info"]}
    addresses = {found["ip"] for found in client["status"]["podIPs"]}
    assert len(addresses) == 2
    assert addresses <= own


def test_status_tells_programs(lab: Lab) -> None:
    told = json.loads(blueshift("lab", "status", "--name", lab.name, "-o", "json").stdout)
    assert told[0]["state"] == "up"
    assert told[0]["node_ready"] is True
    assert told[0]["kubeconfig"] == blueshift("lab", "kubeconfig", "--name", lab.name).stdout.strip()
    assert blueshift("lab", "status", "--name", "nobodys").returncode == 1
