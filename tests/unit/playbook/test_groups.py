"""Traffic groups in blueshift.yaml: what is laid over what, and where faults of them are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.dns.key import KeySource
from blueshift.dns.registry import settings_type
from blueshift.dns.settings import ManualSettings, Rfc2136Settings
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Chart, Release
from blueshift.playbook.groups import Written, load, load_config
from blueshift.playbook.tree import plain
from tests.unit.playbook.test_config import LEAST, faults

SHARED = """chart: {repo: https://charts.test, name: ingress-nginx, version: 4.12.1}
dns:
  settings: {server: ns1.test, key: {file: shared.key}}
overrides: {soak: {lasts: 30m}, purge: {auto: true}}
"""
TWO = (
    SHARED
    + """groups:
  internal:
    release: {name: in, namespace: inside}
    dns: {zones: [corp.test], settings: {server: ns.corp.test}}
    overrides: {soak: {lasts: 5m}}
  public:
    release: {name: web, namespace: edge}
    chart: {path: ./chart, repo: null, name: null, version: null}
"""
)


def read(tmp_path: Path, text: str) -> Written:
    file = tmp_path / "blueshift.yaml"
    file.write_text(text)
    return load(file, settings_type)


def test_a_group_is_laid_over_the_rest_key_by_key(tmp_path: Path) -> None:
    inside = read(tmp_path, TWO).of("internal")
    assert inside.release == Release("in", "inside")
    key = KeySource(file=f"{tmp_path}/shared.key")
    assert inside.dns.settings == Rfc2136Settings("ns.corp.test", key=key)
    assert inside.dns.zones == ("corp.test",)
    assert inside.chart == Chart(repo="https://charts.test", name="ingress-nginx", version="4.12.1")
    assert plain(inside.overrides) == {"soak": {"lasts": "5m"}, "purge": {"auto": True}}


def test_null_takes_a_key_away(tmp_path: Path) -> None:
    public = read(tmp_path, TWO).of("public")
    assert public.chart == Chart(path=f"{tmp_path}/chart")
    assert public.dns.settings == Rfc2136Settings("ns1.test", key=KeySource(file=f"{tmp_path}/shared.key"))


def test_a_group_may_have_another_backend(tmp_path: Path) -> None:
    dns = "dns: {backend: manual, settings: {server: null, key: null, provider: route53}}"
    text = TWO.replace("dns: {zones: [corp.test], settings: {server: ns.corp.test}}", dns)
    with pytest.raises(BlueshiftError, match="unknown key 'server'"):
        read(tmp_path, text)
    apart = """release: {name: web, namespace: edge}
dns: {backend: manual}
groups:
  own:
    release: {name: in, namespace: inside}
    dns: {settings: {provider: route53}}
"""
    found = read(tmp_path, apart)
    assert found.of("own").dns.settings == ManualSettings("route53")
    assert found.of(None).dns.settings == ManualSettings()


def test_every_release_has_its_name(tmp_path: Path) -> None:
    found = read(tmp_path, TWO)
    assert list(found.releases) == ["internal", "public"]
    assert [config.group for config in found.groups.values()] == ["internal", "public"]
    assert read(tmp_path, LEAST).of(None).group == ""
    web = read(tmp_path, LEAST + "groups: {public: {}}\n")
    assert web.of(None).group == "public", "the file's own release goes by the name of the group that it is"


def test_a_release_finds_its_settings(tmp_path: Path) -> None:
    found = read(tmp_path, TWO)
    assert found.with_release(Release("web", "edge")) == found.of("public")
    assert found.with_release(Release("web", "inside")) is None


def test_an_only_group_needs_no_name(tmp_path: Path) -> None:
    one = TWO.partition("  public:")[0]
    assert read(tmp_path, one).of(None).release == Release("in", "inside")


def test_without_a_release_of_its_own_the_file_asks_for_a_group(tmp_path: Path) -> None:
    with pytest.raises(BlueshiftError, match="settings are of 2 groups: internal, public") as caught:
        read(tmp_path, TWO).of(None)
    assert "--group internal" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TWO, "no group 'pubic' \\(did you mean 'public'\\?\\)"),
        (LEAST, "no group 'pubic' \\(it names none\\)"),
    ],
)
def test_a_group_that_is_not_there_names_those_that_are(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "blueshift.yaml"
    file.write_text(text)
    with pytest.raises(BlueshiftError, match=says) as caught:
        load_config(file, settings_type, "pubic")
    assert "blueshift groups" in (caught.value.hint or "")


BAD = [
    ("groups: [a]\n", "blueshift.yaml:4:9: expected a mapping of groups, found a list"),
    ("groups: {Big: {}}\n", "blueshift.yaml:4:10: 'Big' cannot be the name of a group: small letters"),
    ("groups: {a: b}\n", "blueshift.yaml:4:13: expected what is different for the group, found text"),
    (
        "groups: {a: {cluster: {context: x}}}\n",
        "blueshift.yaml:4:14: 'cluster' is one for the whole file, and not of a group",
    ),
    ("groups: {a: {chrat: {}}}\n", "blueshift.yaml:4:14: unknown key 'chrat' (did you mean 'chart'?)"),
    ("groups: {a: {}, b: {}}\n", "blueshift.yaml:4:20: b and a are one release, ingress-nginx/ingress-nginx"),
    (
        "chart: {path: .}\ngroups: {a: {chart: {oci: 'oci://x'}}}\n",
        "blueshift.yaml:5:21: give exactly one of `path`, `oci` and `repo`",
    ),
]


@pytest.mark.parametrize(("text", "error"), BAD, ids=[error for _, error in BAD])
def test_faults_of_a_group_have_its_place(tmp_path: Path, text: str, error: str) -> None:
    assert any(found.startswith(error) for found in faults(tmp_path, LEAST + text))


def test_what_a_group_lacks_is_told_at_the_group(tmp_path: Path) -> None:
    text = SHARED + "groups:\n  internal:\n    release: {name: in}\n  public: {hosts: {}}\n"
    assert faults(tmp_path, text) == [
        "blueshift.yaml:7:14: the key 'namespace' is missing",
        "blueshift.yaml:8:11: the key 'release' is missing",
    ]


def test_a_fault_that_groups_share_is_told_once(tmp_path: Path) -> None:
    text = TWO.replace("chart: {repo", "chrat: {repo")
    assert [one for one in faults(tmp_path, text) if "chrat" in one] == [
        "blueshift.yaml:1:1: unknown key 'chrat' (did you mean 'chart'?)"
    ]


def test_a_file_has_a_bound_of_groups(tmp_path: Path) -> None:
    many = ", ".join(f"g{number}: {{}}" for number in range(101))
    assert faults(tmp_path, LEAST + f"groups: {{{many}}}\n") == [
        "blueshift.yaml:4:9: 101 groups, and 100 may be in one file"
    ]
