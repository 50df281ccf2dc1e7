"""blueshift.yaml, and finding playbooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blueshift.dns.key import KeySource, SecretField
from blueshift.dns.registry import settings_type
from blueshift.dns.settings import Rfc2136Settings
from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook import shipped
from blueshift.playbook.config import Chart, Config, Prometheus, Token
from blueshift.playbook.groups import load_config
from blueshift.playbook.schema import parse_set
from blueshift.playbook.tree import plain

LEAST = """release: {name: ingress-nginx, namespace: ingress-nginx}
dns:
  settings: {server: 198.18.0.53, key: {file: tsig.key}}
"""

WHOLE = """release: {name: ingress-nginx, namespace: ingress-nginx}
cluster: {kubeconfig: admin.conf, context: prod, state_namespace: bs}
chart: {repo: https://kubernetes.github.io/ingress-nginx, name: ingress-nginx, version: 4.12.1}
values:
  base: chart
  files: [values/base.yaml, ../prod.yaml]
  inline: {controller: {replicaCount: 3}}
controller: {profile: ingress-nginx}
dns:
  backend: rfc2136
  settings: {server: ns1.example.org, port: 5353, key: {secret: {namespace: dns, name: tsig}, name: writer}}
  zones: [example.org]
  resolver: 1.1.1.1
  authorities: ["192.0.2.1:53", ns2.example.org]
hosts: {acknowledged: ["*.internal.example.org"]}
temporary: {release: nginx-tmp, namespace: same}
traffic: {prometheus: {url: "https://p.test/prefix", token: {file: token}, ca: ca.pem, labels: {cluster: a}}}
playbook: ./own.yaml
overrides: {soak: {lasts: 20s}}
"""


def config(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "blueshift.yaml"
    file.write_text(text)
    return load_config(file, settings_type)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(BlueshiftError) as caught:
        config(tmp_path, text)
    errors = caught.value.errors if isinstance(caught.value, Errors) else [caught.value]
    return [str(error).replace(f"{tmp_path}/", "") for error in errors]


def test_the_least_that_must_be_said(tmp_path: Path) -> None:
    got = config(tmp_path, LEAST)
    assert got.dns.settings == Rfc2136Settings("198.18.0.53", key=KeySource(file=f"{tmp_path}/tsig.key"))
    assert (got.playbook, got.chart, got.values.base) == ("blue-green", None, "running")


def test_the_whole_file(tmp_path: Path) -> None:
    got = config(tmp_path, WHOLE)
    assert got.cluster.kubeconfig == f"{tmp_path}/admin.conf"
    assert got.chart == Chart(
        repo="https://kubernetes.github.io/ingress-nginx", name="ingress-nginx", version="4.12.1"
    )
    assert got.values.files == (f"{tmp_path}/values/base.yaml", f"{tmp_path.parent}/prod.yaml")
    assert got.values.inline == {"controller": {"replicaCount": 3}}
    key = KeySource(secret=SecretField("dns", "tsig"), name="writer")
    assert got.dns.settings == Rfc2136Settings("ns1.example.org", 5353, key)
    assert got.traffic.prometheus == Prometheus(
        "https://p.test/prefix",
        Token(file=f"{tmp_path}/token"),
        ca=f"{tmp_path}/ca.pem",
        labels={"cluster": "a"},
    )
    assert got.playbook == f"{tmp_path}/own.yaml"
    assert plain(got.overrides) == {"soak": {"lasts": "20s"}}
    assert str(got.overrides.place).endswith("blueshift.yaml:19:12")


BAD = [
    ("release: {nmae: x, namespace: y}\n", "blueshift.yaml:1:11: unknown key 'nmae' (did you mean 'name'?)"),
    ("chrat: {path: .}\n", "blueshift.yaml:4:1: unknown key 'chrat' (did you mean 'chart'?)"),
    (
        "chart: {path: ., oci: 'oci://x'}\n",
        "blueshift.yaml:4:8: give exactly one of `path`, `oci` and `repo`",
    ),
    ("chart: {repo: 'https://x', version: '1'}\n", "blueshift.yaml:4:8: `repo` and `name` go together"),
    ("chart: {oci: 'oci://x'}\n", "blueshift.yaml:4:8: say which `version` of the chart"),
    ("chart: {oci: x, version: '1'}\n", "blueshift.yaml:4:8: `oci` begins with oci://"),
    ("chart: {repo: x, name: y, version: '1'}\n", "blueshift.yaml:4:8: `repo` is a URL"),
    (
        "chart: {repo: 'https://u:hunter2@x', name: y, version: '1'}\n",
        "blueshift.yaml:4:8: a password in a chart's URL would be seen by all",
    ),
    (
        "chart: {path: ., version: 4.10}\n",
        "blueshift.yaml:4:27: expected text, found a number (write it in quotes",
    ),
    (
        "temporary: {namespace: sane}\n",
        "blueshift.yaml:4:24: 'sane' is not one of the choices (did you mean 'same'?)",
    ),
    ("traffic: {prometheus: {url: p.test}}\n", "blueshift.yaml:4:23: `url` is a URL"),
    ("traffic: {prometheus: {url: 'http://p.test/?a=b'}}\n", "blueshift.yaml:4:23: `url` is a URL"),
    (
        "traffic: {prometheus: {url: 'http://ann:hunter2@p.test'}}\n",
        "blueshift.yaml:4:23: a name or a password does not stand in `url`",
    ),
    (
        "traffic: {prometheus: {url: 'http://p.test', headers: {Authorization: Bearer x}}}\n",
        "blueshift.yaml:4:23: a credential does not stand in `headers`",
    ),
    (
        "traffic: {prometheus: {url: 'http://p.test', headers: {'X: y': z}}}\n",
        "blueshift.yaml:4:23: 'X: y' is no header with its value",
    ),
    (
        "traffic: {prometheus: {url: 'http://p.test', labels: {'a=~': b}}}\n",
        "blueshift.yaml:4:23: 'a=~' cannot be the name of a label",
    ),
    (
        "traffic: {prometheus: {url: 'http://p.test', token: {}}}\n",
        "blueshift.yaml:4:53: give exactly one of `file` and `env`",
    ),
]


@pytest.mark.parametrize(("text", "error"), BAD, ids=[error for _, error in BAD])
def test_faults_have_a_place(tmp_path: Path, text: str, error: str) -> None:
    whole = text + LEAST.partition("\n")[2] if text.startswith("release") else LEAST + text
    assert any(found.startswith(error) for found in faults(tmp_path, whole))


@pytest.mark.parametrize(
    ("dns", "error"),
    [
        (
            "{backend: rfc2163}",
            "blueshift.yaml:2:16: there is no DNS backend 'rfc2163' (did you mean 'rfc2136'?)",
        ),
        ("{}", "blueshift.yaml:2:6: the key 'server' is missing"),
        (
            "{settings: {server: x, prot: 5}}",
            "blueshift.yaml:2:29: unknown key 'prot' (did you mean 'port'?)",
        ),
        ("{settings: {server: x, port: 0}}", "blueshift.yaml:2:35: must be at least 1"),
        (
            "{settings: {server: x, key: {file: a, env: B}}}",
            "blueshift.yaml:2:34: give exactly one of `file`, `env` and `secret`",
        ),
        (
            "{settings: {server: x, key: c2VjcmV0c2VjcmV0}}",
            "blueshift.yaml:2:34: expected a mapping with keys of: file, env, secret, name, algorithm;",
        ),
        (
            "{settings: {server: x, key: {secret: {nmaespace: a, name: b}}}}",
            "blueshift.yaml:2:44: unknown key 'nmaespace' (did you mean 'namespace'?)",
        ),
    ],
)
def test_faults_of_the_backends_settings_have_a_place_too(tmp_path: Path, dns: str, error: str) -> None:
    found = faults(tmp_path, f"release: {{name: a, namespace: b}}\ndns: {dns}\n")
    assert found[0].startswith(error)
    assert "c2VjcmV0" not in found[0]


def test_faults_of_both_kinds_show_together(tmp_path: Path) -> None:
    text = "release: {name: a}\ndns: {zone: [x], settings: {server: x, prot: 5}}\n"
    assert faults(tmp_path, text) == [
        "blueshift.yaml:1:10: the key 'namespace' is missing",
        "blueshift.yaml:2:7: unknown key 'zone' (did you mean 'zones'?)",
        "blueshift.yaml:2:40: unknown key 'prot' (did you mean 'port'?)",
    ]


def test_a_configuration_is_read_without_dnspython() -> None:
    code = (
        "import sys; from blueshift.playbook.groups import load_config; from blueshift.dns.registry import "
        "settings_type; settings_type('rfc2136'); assert 'dns' not in sys.modules, 'dnspython is loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_playbooks_are_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "blue-green.yaml").write_text("name: blue-green")
    (folder / "notes.txt").write_text("no playbook")
    monkeypatch.setattr(shipped, "_folder", lambda: folder)
    assert shipped.names() == ("blue-green",)
    assert shipped.find("blue-green").text == "name: blue-green"
    own = folder / "blue-green.yaml"
    assert shipped.find(str(own)).name == str(own)
    with pytest.raises(BlueshiftError, match=r"no playbook 'blue-gren' \(did you mean 'blue-green'\?\)"):
        shipped.find("blue-gren")
    with pytest.raises(BlueshiftError, match="cannot be read"):
        shipped.find("./blue-gren.yaml")


def test_an_option_and_a_file_are_overrides_alike(tmp_path: Path) -> None:
    assert plain(parse_set("soak.lasts=20s")) == plain(config(tmp_path, WHOLE).overrides)
