"""The reference pages name every setting of the code, with its default, and nothing else; examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from blueshift.app.kinds import settings_types
from blueshift.dns.key import KeySource
from blueshift.dns.registry import settings_type
from blueshift.dns.settings import ManualSettings, Rfc2136Settings
from blueshift.playbook import config as configs
from blueshift.playbook.duration import format_seconds
from blueshift.playbook.groups import load as load_groups
from blueshift.playbook.reader import Source
from blueshift.playbook.schema import load
from tests.conftest import ROOT

DOCS = ROOT / "docs"
NESTED = (
    "release",
    "dns",
    "chart",
    "cluster",
    "values",
    "controller",
    "hosts",
    "checks",
    "temporary",
    "traffic",
)
CONFIGURATION: dict[str, type[msgspec.Struct]] = {
    **{f"`{name}`": getattr(configs, name.capitalize()) for name in NESTED},
    "`dns.settings` of `rfc2136`": Rfc2136Settings,
    "`dns.settings` of `manual`": ManualSettings,
    "`dns.settings.key`": KeySource,
    "`traffic.prometheus`": configs.Prometheus,
    "`traffic.prometheus.token`": configs.Token,
}


def documented(page: str) -> dict[str, dict[str, str]]:
    """Heading of the third level → first column → second column, of the tables of settings and keys."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^### ", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        section = section.split("\n## ")[0]
        rows = re.findall(r"^\| `([\w-]+)` \| ([^|]*?) \|", section, flags=re.MULTILINE)
        found[section.splitlines()[0].strip()] = {name: default.strip("`") for name, default in rows}
    return found


def settings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Setting → its default, as the pages write it."""
    struct = inspect.type_info(kind)
    assert isinstance(struct, inspect.StructType)
    return {field.encode_name: _default(field) for field in struct.fields}


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    extra = field.type.extra if isinstance(field.type, inspect.Metadata) else None
    return _written(value, seconds=(extra or {}).get("scalar") == "duration")


def _written(value: Any, *, seconds: bool = False) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case int() | float():
            return format_seconds(value) if seconds else f"{value:g}"
        case tuple() | list():
            return f"[{', '.join(_written(item) for item in value)}]"
        case {}:
            return "{}"
    return str(value)


def test_every_step_kind_is_documented_with_every_setting() -> None:
    pages = documented("playbooks.md")
    expected = {f"`{kind}`": settings(struct) for kind, struct in settings_types().items()}
    assert pages == expected


def test_every_key_of_the_configuration_is_documented() -> None:
    pages = documented("configuration.md")
    whole = settings(configs.Config)
    expected = {heading: settings(struct) for heading, struct in CONFIGURATION.items()}
    expected["The file as a whole"] = {key: default for key, default in whole.items() if key not in NESTED}
    assert pages == expected


def examples() -> list[Any]:
    found = []
    for page in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))):
        blocks = re.findall(
            r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        found += [
            pytest.param(block, id=f"{page.stem}-{number}") for number, block in enumerate(blocks, start=1)
        ]
    return found


@pytest.mark.parametrize("block", examples())
def test_an_example_is_what_it_says(block: str, tmp_path: Path) -> None:
    first = block.splitlines()[0]
    if first == "# a playbook":
        assert load(Source(block, "example"), settings_types()).steps
        return
    needed = "release: {name: r, namespace: n}\ndns: {settings: {server: s}}\n"
    assert first in ("# blueshift.yaml", "# part of blueshift.yaml")
    file = tmp_path / "blueshift.yaml"
    file.write_text(block if first == "# blueshift.yaml" else needed + block, encoding="utf-8")
    found = load_groups(file, settings_type)
    for read in (found.top, *found.groups.values()):
        if read is not None and read.overrides is not None:
            from blueshift.app.configuration import playbook

            assert playbook(read).steps
