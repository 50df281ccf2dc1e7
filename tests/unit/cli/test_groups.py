"""`blueshift groups` as a table and for programs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from blueshift.app.groups import Overview, Shown
from blueshift.cli import groups as command
from blueshift.preflight.protocol import Check, finding, warns
from tests.unit.cli.command import blueshift
from tests.unit.preflight.worlds import GROUP, INSIDE


def shown(group: Any, **traffic: Any) -> Shown:
    return Shown(**msgspec.structs.asdict(group), **traffic)


LEAK = finding(
    Check("class-groups", "warning", "x", lambda _: iter(())),
    warns("class nginx is served by both", "part them"),
)
SEEN = Overview(
    (
        shown(GROUP, requests_per_second=9.0, share=0.9, by_host={"shop.example.test": 9.0}),
        shown(INSIDE, unmeasured="its metrics are off"),
    ),
    (LEAK,),
)


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    async def seen(*_: Any) -> Overview:
        return SEEN

    monkeypatch.setattr(command, "_seen", seen)
    monkeypatch.chdir("/")


def test_a_table_with_what_leaks_and_the_lines_for_the_settings() -> None:
    done = CliRunner().invoke(command.groups, [])
    head, nginx, inside, *rest = done.stdout.splitlines()
    assert head.split() == ["GROUP", "CLASS", "RELEASE", "CONTROLLER", "HOSTS", "ADDRESSES", "TRAFFIC"]
    assert nginx.split()[:3] == ["nginx", "nginx", "ingress/web"]
    assert "90% (9.0/s)" in nginx
    assert "2: wiki.example.test, ci.example.test" in inside
    assert "not known: its metrics are off" in inside
    assert "class nginx is served by both" in "\n".join(rest)
    assert "  nginx: {release: {name: web, namespace: ingress}}" in done.stderr


def test_json_is_for_programs_alone() -> None:
    done = CliRunner().invoke(command.groups, ["-o", "json"])
    found = msgspec.json.decode(done.stdout)
    assert [one["release"] for one in found["groups"]] == ["ingress/web", "inside/web"]
    assert found["groups"][0]["share"] == 0.9
    assert found["groups"][1]["requests_per_second"] is None
    assert found["findings"][0]["check"] == "class-groups"


def test_settings_that_were_named_must_be_there(tmp_path: Any) -> None:
    done = blueshift(tmp_path, "groups", "--config", "none.yaml")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
