"""The configuration of a session: from blueshift.yaml, or from what a run froze of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from blueshift.app.kinds import settings_types
from blueshift.dns.key import KeySource
from blueshift.dns.registry import settings_type
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import (
    Chart,
    Checks,
    Cluster,
    Config,
    Controller,
    Dns,
    Hosts,
    Release,
    Temporary,
    Traffic,
)
from blueshift.playbook.files import expanded
from blueshift.playbook.groups import Written
from blueshift.playbook.groups import load as load_groups
from blueshift.playbook.hooks import of_folder, once
from blueshift.playbook.schema import Playbook, load, parse_set
from blueshift.playbook.shipped import find
from blueshift.preflight.run import known
from blueshift.steps.places import Places

STATE_NAMESPACE = Cluster().state_namespace
"""Where runs are kept unless somebody says otherwise."""


def from_file(path: Path, group: str | None = None) -> Config:
    """The settings of a traffic group, or of the file's own release. Raises BlueshiftError as `written` does,
    and for a group that it does not name."""
    return written(path).of(group)


def written(path: Path) -> Written:
    """Read blueshift.yaml. Raises BlueshiftError with every fault, or the next command if there is none."""
    try:
        path.stat()
    except FileNotFoundError:
        raise BlueshiftError(
            "there is no such file",
            place=str(path),
            hint="`blueshift init` looks at the cluster and writes one",
        ) from None
    except OSError:
        pass  # there may be one: what reads it says why not
    found = load_groups(path, settings_type)
    for config in (found.top, *found.groups.values()):
        known(config.checks.acknowledged if config else (), place=f"{path}: checks.acknowledged")
    return found


def chart_of(ref: str, version: str | None) -> Chart:
    """A chart as `--chart` names it: a folder or archive, oci://…, or https://REPOSITORY/NAME.

    Raises BlueshiftError for one that settings could not name either.
    """
    try:
        if ref.startswith("oci://"):
            return Chart(oci=ref, version=version)
        if ref.startswith(("https://", "http://")):
            repo, _, name = ref.rpartition("/")
            return Chart(repo=repo, name=name, version=version)
    except ValueError as error:
        raise BlueshiftError(str(error), place="--chart", hint="`--to-version` says which version") from None
    return Chart(path=str(expanded(ref).resolve()))


def with_version(chart: Chart | None, version: str) -> Chart:
    """The settings' chart at another version. Raises BlueshiftError for a chart that has no versions."""
    if chart is None or chart.path is not None:
        raise BlueshiftError(
            "--to-version needs a chart repository: the settings name none",
            hint="name the chart itself: `--chart FOLDER`, or `chart: {repo: …, name: …}` in blueshift.yaml",
        )
    return msgspec.structs.replace(chart, version=version)


def freeze(config: Config, profile: str) -> dict[str, Any]:
    """What a resume or a revert needs of a configuration, as plain data; no secret: keys are references."""
    return {
        "release": {"name": config.release.name, "namespace": config.release.namespace},
        "profile": profile,
        "dns": msgspec.to_builtins(config.dns, enc_hook=str),
        "hosts": msgspec.to_builtins(config.hosts),
        "checks": msgspec.to_builtins(config.checks),
        "temporary": msgspec.to_builtins(config.temporary),
        "traffic": msgspec.to_builtins(config.traffic),
    }


def thaw(frozen: dict[str, Any], state_namespace: str) -> Config:
    """The same configuration again, without target and playbook: a run keeps these by themselves."""
    dns = dict(frozen["dns"])
    settings = msgspec.convert(dns.pop("settings"), settings_type(dns["backend"]))
    return Config(
        release=msgspec.convert(frozen["release"], Release),
        dns=msgspec.structs.replace(msgspec.convert(dns, Dns), settings=settings),
        cluster=Cluster(state_namespace=state_namespace),
        controller=Controller(frozen["profile"]),
        hosts=msgspec.convert(frozen.get("hosts", {}), Hosts),
        checks=msgspec.convert(frozen.get("checks", {}), Checks),
        temporary=msgspec.convert(frozen.get("temporary", {}), Temporary),
        traffic=msgspec.convert(frozen.get("traffic", {}), Traffic),
    )


def playbook(
    config: Config, *, name: str | None = None, sets: tuple[str, ...] = (), hooks: Path | None = None
) -> Playbook:
    """The playbook with every override laid over it: the file's first, then each `--set`.

    Its hooks are its own, the file's, and those of the folder `hooks`.
    """
    source = find(name or config.playbook)
    overrides = [*([config.overrides] if config.overrides is not None else []), *map(parse_set, sets)]
    listed = [config.hooks] if config.hooks is not None else []
    return with_hooks(load(source, settings_types(), overrides, listed), hooks)


def with_hooks(playbook: Playbook, folder: Path | None) -> Playbook:
    """The playbook with the hooks of this folder instead of those of another one; None: as it is."""
    if folder is None:
        return playbook
    own = [hook for hook in playbook.hooks if not hook.folder]
    found = of_folder(folder, [entry.id for entry in playbook.steps])
    return msgspec.structs.replace(playbook, hooks=once([*own, *found]))


def places(config: Config, *, kubeconfig: str | None, context: str | None) -> Places:
    """How a person reaches the cluster and the name server, for the commands that we print; never a key."""
    settings = config.dns.settings
    server, port = getattr(settings, "server", ""), getattr(settings, "port", 53)
    return Places(
        kubeconfig=kubeconfig,
        context=context or None,
        nsupdate=f"nsupdate{_key_flag(settings)}",
        server=f"server {server} {port}" if server else "",
    )


def _key_flag(settings: Any) -> str:
    source = getattr(settings, "key", None)
    if not isinstance(source, KeySource):
        return ""
    return f" -k {expanded(source.file)}" if source.file else " -k KEYFILE"
