"""Our YAML reads every scalar as helm does: a difference would make our own revision look foreign."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from blueshift.clock import SystemClock
from blueshift.helm import values, yaml
from blueshift.helm.command import Command
from tests.contract.apiserver import ApiServer

SCALARS = """
y n Y N yes no on off On OFF TRUE true "yes" '22' yEs
1e3 1E3 1e+3 1.5e3 .5 5. +.5 -.5e-2 0.1 1.0 100000000000000000000.5
0644 0o17 0x1F 0b101 0777_7 08 09.5 1_000 1_000.5 +12 -12 -0 +0 -0x1F _1 0_ 1__0 0x 1e 1.2.3 1,000
22:22 1:30:00 2020-01-01 2020-01-01T00:00:00Z = -- a=b
12345678901234567890 9223372036854775807 9007199254740993
"""
KEYS = "1: a\ny: b\nno: c\n1.5: d\n010: e\n"


async def test_scalars_and_keys_are_read_alike(apiserver: ApiServer, tmp_path: Path) -> None:
    text = "".join(f"k{number}: {scalar}\n" for number, scalar in enumerate(SCALARS.split()))
    text += "keys:\n" + "".join(f"  {line}\n" for line in KEYS.splitlines())
    chart = tmp_path / "scalars"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: scalars\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text(text)
    (chart / "templates" / "all.yaml").write_text("found: {{ .Values | toJson | b64enc }}\n")
    command = Command(SystemClock(), executable=str(apiserver.helm), kubeconfig=None, context=None)
    (document,) = yaml.load_all(await command.run(["template", "web", chart]), "helm")
    theirs = msgspec.json.decode(base64.b64decode(document["found"]))
    ours = yaml.load(text, "values.yaml")
    differ = {key: (ours[key], theirs.get(key)) for key in ours if not alike(ours[key], theirs.get(key))}
    assert differ == {}
    assert values.digest(ours) == values.digest(theirs)


def alike(one: object, other: object) -> bool:
    return values.digest({"": one}) == values.digest({"": other})
