"""blueshift.yaml as text: every line that may be wanted, each with why, and what was found as comments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from blueshift.app.init import Candidate, Zones
from blueshift.cluster.identity import Cluster
from blueshift.dns.key import KeySource
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Chart

# Hosts that are named one by one; `blueshift check` names all.
MOST_SHOWN = 20


class Choices(msgspec.Struct, frozen=True):
    """What was found, asked and given: all that the file says. Paths are as the file says them."""

    taken: datetime
    cluster: Cluster
    candidate: Candidate
    zones: Zones
    server: str
    port: int = 53
    key: KeySource | None = None
    chart: Chart | None = None
    resolver: str | None = None
    kubeconfig: str | None = None
    context: str | None = None


def text(choices: Choices) -> str:
    """The file."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("blueshift.app", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 YAML, not HTML: the filters below quote for it
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"scalar": scalar, "note": note}
    where = choices.zones.where
    return environment.get_template("blueshift.yaml.j2").render(
        taken=f"{choices.taken:%Y-%m-%d %H:%M} UTC",
        cluster=choices.cluster,
        candidate=choices.candidate,
        found=choices.candidate.found,
        here=sorted(where.here.items(), key=lambda item: (-item[1], item[0])),
        primaries=choices.zones.primaries,
        servers=where.servers,
        guessed=choices.zones.server,
        server=choices.server,
        port=choices.port,
        key=list(_key(choices.key)),
        chart=list(_given(choices.chart)),
        left=list(_left(choices.zones)),
        resolver=choices.resolver,
        kubeconfig=choices.kubeconfig,
        context=choices.context,
    )


def scalar(value: str) -> str:
    """A text as YAML in one line, quoted where it would be read as something else."""
    style = None if value.isprintable() else '"'  # which escapes what would end the line
    dumped = yaml.safe_dump(
        [value], default_style=style, default_flow_style=True, width=100_000, allow_unicode=True
    )
    return dumped.strip()[1:-1]


def note(value: str) -> str:
    """A text that stays within its comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def relative(path: str, folder: Path) -> str:
    """A path of the command line as the file in `folder` says it."""
    if path.startswith("~") or Path(path).is_absolute():
        return path
    return os.path.relpath(Path(path).absolute(), folder.absolute())


def chart_of(ref: str, version: str | None, running: str, folder: Path) -> Chart:
    """The chart that `--chart` names: a folder, a .tgz, oci://…, or the URL of a repository of `running`.

    Raises BlueshiftError for one that lacks its version.
    """
    try:
        if ref.startswith("oci://"):
            return Chart(oci=ref, version=version)
        if ref.startswith(("https://", "http://", "file://")):
            return Chart(repo=ref, name=running, version=version)
        return Chart(path=relative(ref, folder))
    except ValueError as error:
        raise BlueshiftError(str(error), place="--chart", hint="name it: `--to-version V`") from None


def _given(chart: Chart | None) -> Iterator[tuple[str, Any]]:
    if chart is not None:
        yield from ((name, value) for name, value in msgspec.structs.asdict(chart).items() if value)


def _key(source: KeySource | None) -> Iterator[tuple[str, str]]:
    if source is None:
        return
    if source.secret is not None:
        place = ", ".join(
            f"{name}: {scalar(value)}" for name, value in msgspec.structs.asdict(source.secret).items()
        )
        yield "secret", f"{{{place}}}"
    elif source.file is not None:
        yield "file", scalar(source.file)
    elif source.env is not None:
        yield "env", scalar(source.env)


def _left(zones: Zones) -> Iterator[tuple[str, str]]:
    where = zones.where
    left = [
        *((host, "points elsewhere") for host in where.elsewhere),
        *((host, "has no record") for host in where.none),
        *((host, f"could not be looked up: {why}") for host, why in where.unknown.items()),
    ]
    yield from left[:MOST_SHOWN]
    if len(left) > MOST_SHOWN:
        yield f"and {len(left) - MOST_SHOWN} more", "`blueshift check` names all"


def moved(source: KeySource | None, folder: Path) -> KeySource | None:
    """A key's source as the file in `folder` says it."""
    if source is None or source.file is None:
        return source
    return KeySource(file=relative(source.file, folder))
