"""Names, folders, addresses and the configuration files that follow from them."""

from __future__ import annotations

import json
import stat
from ipaddress import ip_address, ip_network
from pathlib import Path

import jinja2
import pytest
import yaml
from cryptography import x509

from blueshift.dns.key import parse_key
from blueshift.errors import BlueshiftError
from blueshift.lab import control_plane, facts, nameservers, node, pki, zone
from blueshift.lab.addresses import IPV4, IPV6, Family, families
from blueshift.lab.config import render
from blueshift.lab.facts import LabFacts
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.paths import Lab, known_labs, lab_named


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab with empty folders."""
    made = Lab(name="try", root=tmp_path / "try")
    for folder in (made.root, made.config, made.run):
        folder.mkdir()
    return made


@pytest.mark.parametrize("name", ["", "-x", "x-", "Up", "a/b", "..", "a b", "x" * 25])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BlueshiftError, match="cannot be called"):
        lab_named(name)


def test_each_lab_has_its_own_folder_and_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert known_labs() == ()
    one, other = lab_named("one"), lab_named("other")
    assert {one.netns, one.clients_netns}.isdisjoint({other.netns, other.clients_netns})
    assert not one.root.is_relative_to(other.root)
    other.root.mkdir(parents=True)
    (other.root.parent / ".other.lock").touch()
    assert known_labs() == (other,)


def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "here")
    assert lab_named("one").root.is_relative_to(Path.home())


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_ranges_are_for_bench_tests_and_do_not_overlap(family: Family) -> None:
    whole = ip_network("198.18.0.0/15" if family.version == 4 else "2001:2::/48")
    ranges = [ip_network(text) for text in (family.link, family.pool, family.pods, family.services)]
    assert all(whole.supernet_of(each) for each in ranges)  # type: ignore[arg-type]
    assert not any(one.overlaps(other) for one in ranges for other in ranges if one is not other)
    on_link = (family.node, family.primary, family.secondary, family.resolver, *family.clients)
    assert len(set(on_link)) == len(on_link)
    assert all(ip_address(address) in ranges[0] for address in on_link)


def test_facts_are_read_as_they_were_written(lab: Lab) -> None:
    assert facts.load(lab) is None
    settled = LabFacts(tools=Path("/tools"), ipv6=True, balancer=Habits(delay=2.5, deregister_lag=15.0))
    facts.save(lab, settled)
    assert facts.load(lab) == settled
    with pytest.raises(BlueshiftError, match="there is no lab try"):
        facts.of(lab)


@pytest.mark.parametrize("ipv6", [True, False])
def test_every_lab_has_keys_of_its_own_and_only_its_owner_reads_them(tmp_path: Path, ipv6: bool) -> None:
    tokens = set()
    for name in ("one", "other"):
        lab = Lab(name=name, root=tmp_path / name)
        lab.root.mkdir()
        pki.create(lab, families(ipv6))
        kubeconfig = yaml.safe_load(lab.kubeconfig.read_text())
        tokens.add(kubeconfig["users"][0]["user"]["token"])
        assert kubeconfig["users"][0]["user"]["token"] in (lab.pki / "tokens.csv").read_text()
        for path in (lab.kubeconfig, lab.pki / "tokens.csv", *lab.pki.glob("*.key")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        certificate = x509.load_pem_x509_certificate((lab.pki / "apiserver.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
        assert {IPV4.node, "198.19.0.1"} <= addresses
        assert (IPV6.node in addresses) is ipv6
    assert len(tokens) == 2


def test_no_command_line_holds_a_secret(lab: Lab) -> None:
    pki.create(lab, families(True))
    token = (lab.pki / "tokens.csv").read_text().split(",")[0]
    both, tools = families(True), Path("/tools")
    lines = [
        control_plane.etcd(lab, tools),
        control_plane.apiserver(lab, tools, both),
        control_plane.controller_manager(lab, tools),
        control_plane.scheduler(lab, tools),
        node.kubelet(lab, tools, both),
        node.proxy(lab, tools, both),
    ]
    assert not any(token in argument for line in lines for argument in line)


@pytest.mark.parametrize("ipv6", [True, False])
def test_the_nodes_files_are_well_formed_for_each_family(lab: Lab, ipv6: bool) -> None:
    node.write_config(lab, families(ipv6))
    kubelet = yaml.safe_load((lab.config / "kubelet.yaml").read_text())
    assert len(kubelet["clusterDNS"]) == (2 if ipv6 else 1)
    network = json.loads((lab.root / "cni" / "10-lab.conflist").read_text())
    assert len(network["plugins"][0]["ipam"]["ranges"]) == (2 if ipv6 else 1)
    assert ("2001:2" in (lab.config / "resolv.conf").read_text()) is ipv6


def test_a_template_that_lacks_a_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("zone.j2", families=families(True))


def test_the_update_key_is_one_that_the_product_reads(lab: Lab) -> None:
    known = nameservers.settings(lab, families(True))
    nameservers.write_config(lab, known, families(True))
    key = parse_key(known.key_file.read_text(), place="here")
    assert (key.name, key.algorithm, len(key.reveal())) == (known.key_name, "hmac-sha256", 32)


def test_the_zone_has_every_kind_of_name_in_both_families() -> None:
    found = zone.records(("198.18.1.1", "2001:2:0:3::1"))
    kinds = {(each.name, each.type) for each in found}
    for name in ("lab.test", "*.wild.lab.test", "edge.lab.test", "app01.lab.test"):
        assert {(name, "A"), (name, "AAAA")} <= kinds
    assert ("shop.lab.test", "CNAME") in kinds
    assert 38 <= len({name for name, _ in kinds}) <= 45
    assert {each.type for each in zone.records(("198.18.1.1",))} == {"A", "CNAME"}
