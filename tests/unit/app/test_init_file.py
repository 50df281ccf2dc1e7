"""The file that `init` writes: always loadable, says what was chosen, and its comments are true YAML too."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blueshift.app import configuration
from blueshift.app.init import Candidate, Zones
from blueshift.app.init_file import MOST_SHOWN, Choices, chart_of, moved, note, relative, scalar, text
from blueshift.cluster.identity import Cluster
from blueshift.discovery.releases import Found, Pointing
from blueshift.discovery.world import HostFact, ServiceFact
from blueshift.dns.key import KeySource, SecretField
from blueshift.dns.settings import Rfc2136Settings
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Chart, Config

FOUND = Found(
    profile="ingress-nginx",
    version="1.11.3",
    kind="Deployment",
    workload="edge-controller",
    namespace="edge",
    release="edge",
    release_namespace="edge",
    controller="k8s.io/ingress-nginx",
    classes=("nginx",),
    watches="",
    services=(
        ServiceFact("edge", "edge", "uid", "external", "LoadBalancer", ("198.18.0.50",), ("2001:2::50",)),
    ),
    hosts=(HostFact("www.shop.test", ("shop/www",)), HostFact("old.shop.test", ("shop/old",))),
)
ZONES = Zones(
    Pointing(
        here={"shop.test": 3, "more.test": 9},
        elsewhere=("old.shop.test",),
        servers={"shop.test": ("ns1.shop.test",), "more.test": ()},
    ),
    {"shop.test": "ns1.shop.test", "more.test": ""},
)
PLAIN = Choices(
    taken=datetime(2026, 11, 24, 3, 7, tzinfo=UTC),
    cluster=Cluster("https://198.18.0.1:6443", "lab", "the-uid", "v1.37.2"),
    candidate=Candidate(FOUND, "ingress-nginx", "4.11.3", 3, "deployed"),
    zones=ZONES,
    server="ns1.shop.test",
)
FULL = msgspec.structs.replace(
    PLAIN,
    port=5353,
    key=KeySource(file="/keys/update.key"),
    chart=Chart(repo="https://charts.example.org", name="ingress-nginx", version="4.10"),
    resolver="192.0.2.53:5300",
    kubeconfig="/home/me/kube config",
    context="prod: eu",
)


def loaded(choices: Choices, folder: Path) -> Config:
    """The file, read by what every command reads it with."""
    file = folder / "blueshift.yaml"
    file.write_text(text(choices))
    return configuration.from_file(file)


def test_what_was_chosen_is_what_is_read(tmp_path: Path) -> None:
    config = loaded(FULL, tmp_path)
    assert (config.release.name, config.release.namespace) == ("edge", "edge")
    assert config.chart == FULL.chart
    assert config.dns.settings == Rfc2136Settings(server="ns1.shop.test", port=5353, key=FULL.key)
    assert config.dns.resolver == "192.0.2.53:5300"
    assert (config.cluster.kubeconfig, config.cluster.context) == ("/home/me/kube config", "prod: eu")


@pytest.mark.parametrize(
    "key",
    [None, KeySource(env="DNS_KEY"), KeySource(secret=SecretField("dns", "update-key", "tsig"))],
    ids=["none", "env", "secret"],
)
def test_every_source_of_a_key(tmp_path: Path, key: KeySource | None) -> None:
    settings = loaded(msgspec.structs.replace(PLAIN, key=key), tmp_path).dns.settings
    assert isinstance(settings, Rfc2136Settings)
    assert settings.key == key


@pytest.mark.parametrize("choices", [PLAIN, FULL], ids=["plain", "full"])
def test_what_is_commented_out_is_right_when_it_is_put_in(tmp_path: Path, choices: Choices) -> None:
    """An example in a comment that does not load is worse than none."""
    lines = text(choices).splitlines()
    lines = [line for line in lines if not line.startswith("#   ")]  # of prose: commands, hosts
    put_in = [re.sub(r"^(\s*)#(?=\S|  )", r"\1", line) for line in lines]
    assert len([1 for old, new in zip(lines, put_in, strict=True) if old != new]) >= 10
    file = tmp_path / "blueshift.yaml"
    file.write_text("\n".join(put_in))
    config = configuration.from_file(file)
    assert config.playbook == "blue-green"
    assert config.hosts.acknowledged == ("old.shop.test",)
    steps = {step.id: step.settings for step in configuration.playbook(config).steps}
    assert (steps["soak"].lasts, steps["purge"].auto) == (1800, True)


def test_it_tells_what_was_found() -> None:
    written = text(PLAIN)
    for fact in ("1.11.3", "revision 3", "4.11.3", "class nginx", "2 hosts", "198.18.0.50, 2001:2::50"):
        assert fact in written
    assert written.index("more.test: 9 of the hosts") < written.index("shop.test: 3 of the hosts")
    assert "updates go to ns1.shop.test" in written
    assert "old.shop.test: points elsewhere" in written
    assert max(len(line) for line in written.splitlines()) <= 130


def test_the_guessed_server_is_that_of_most_hosts_whose_server_is_known() -> None:
    assert ZONES.server == "ns1.shop.test"
    assert Zones(Pointing(), {}).server == ""


def test_many_hosts_do_not_fill_the_file() -> None:
    left = tuple(f"h{number}.test" for number in range(MOST_SHOWN + 7))
    zones = Zones(Pointing(none=left), {})
    written = text(msgspec.structs.replace(PLAIN, zones=zones))
    assert "h19.test" in written
    assert "h20.test" not in written
    assert "and 7 more" in written
    assert "no host that was looked up points at this controller" in written


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(words)
def test_a_scalar_is_read_as_the_same_text(word: str) -> None:
    line = scalar(word)
    assert "\n" not in line
    assert yaml.safe_load(f"a: {line}") == {"a": word}
    assert yaml.safe_load(f"a: {{b: {line}, c: 1}}") == {"a": {"b": word, "c": 1}}


@given(words)
def test_nothing_that_was_found_breaks_out_of_its_comment(word: str) -> None:
    assert yaml.safe_load(f"# {note(word)}\na: 1") == {"a": 1}


def test_paths_are_said_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative("keys/update.key", Path("settings")) == "../keys/update.key"
    assert relative("update.key", Path()) == "update.key"
    assert relative("/abs/update.key", Path("settings")) == "/abs/update.key"
    assert relative("~/update.key", Path("settings")) == "~/update.key"
    (tmp_path / "settings").mkdir()
    key = moved(KeySource(file="keys/update.key"), Path("settings"))
    settings = loaded(msgspec.structs.replace(PLAIN, key=key), tmp_path / "settings").dns.settings
    assert isinstance(settings, Rfc2136Settings)
    assert settings.key is not None
    assert settings.key.file is not None
    assert Path(settings.key.file).resolve() == tmp_path / "keys" / "update.key"


def test_a_chart_by_folder_registry_or_repository() -> None:
    assert chart_of("oci://r/c", "1.2", "c", Path()) == Chart(oci="oci://r/c", version="1.2")
    assert chart_of("https://r", "1.2", "c", Path()) == Chart(repo="https://r", name="c", version="1.2")
    assert chart_of("/charts/c", None, "c", Path()) == Chart(path="/charts/c")
    for ref in ("oci://r/c", "https://r"):
        with pytest.raises(BlueshiftError) as caught:
            chart_of(ref, None, "c", Path())
        assert "--to-version" in (caught.value.hint or "")
