"""Traffic groups in `blueshift.yaml`: what the file says at its top, and what differs for each group."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.playbook import names
from blueshift.playbook.config import Cluster, Config, Release, SettingsOf, config_of
from blueshift.playbook.convert import raise_all
from blueshift.playbook.reader import parse, read_file
from blueshift.playbook.tree import Mapping, Node, Scalar, described, invalid, merged, suggestion

MOST = 100
"""Groups of one file: the whole file is laid under each."""
ONE_FOR_ALL = ("cluster", "groups")
"""Keys that a group cannot have of its own: where runs are kept and which cluster it is are the file's."""


class Written(msgspec.Struct, frozen=True):
    """A whole file."""

    path: str
    top: Config | None
    """What it says of the release at its top; None where only groups name one."""
    groups: dict[str, Config]
    """Of each group, in the order of the file."""

    def of(self, group: str | None) -> Config:
        """The settings of a group, or those that need no name. Raises BlueshiftError for none."""
        if group is None:
            if self.unnamed is None:
                raise BlueshiftError(
                    f"these settings are of {len(self.groups)} groups: {', '.join(self.groups)}",
                    place=self.path,
                    hint=f"name one: `--group {next(iter(self.groups))}`; `blueshift groups` shows them",
                )
            return self.unnamed
        if group not in self.groups:
            known = suggestion(group, self.groups) if self.groups else "(it names none)"
            raise BlueshiftError(
                f"these settings name no group {group!r} {known}",
                place=self.path,
                hint="`blueshift groups` shows those of the cluster, and the lines to write under `groups`",
            )
        return self.groups[group]

    @property
    def unnamed(self) -> Config | None:
        """Those of the file's own release, or of its only group."""
        only = next(iter(self.groups.values()), None) if len(self.groups) == 1 else None
        return self.top or only

    @property
    def releases(self) -> dict[str, Release]:
        """Group → its release."""
        return {name: config.release for name, config in self.groups.items()}

    @property
    def cluster(self) -> Cluster:
        """Which cluster, for all of it."""
        return next(config.cluster for config in (self.top, *self.groups.values()) if config)

    def with_release(self, release: Release) -> Config | None:
        """The settings that are of this release."""
        every = (self.top, *self.groups.values())
        return next((config for config in every if config and config.release == release), None)

    def beside(self, release: Release) -> Config:
        """The same, or the file's own, for whoever compares the release. Raises BlueshiftError where it has
        none of either."""
        return self.with_release(release) or self.of(None)


def load(path: str | Path, settings_of: SettingsOf) -> Written:
    """Read a configuration; relative paths begin at the file. What a group says is laid over the rest, key by
    key.

    Raises Invalid, or Errors with every fault of the file.
    """
    source = read_file(path)
    root = parse(source)
    errors: list[BlueshiftError] = []
    base, given = _parted(root)
    groups = _groups(given, errors)
    alone = not groups or (isinstance(base, Mapping) and base.get("release") is not None)
    top = config_of(base, settings_of, errors) if alone else None
    laid = {name: _laid(base, of) for name, of in groups.items()}
    configs = {name: config_of(node, settings_of, errors) for name, node in laid.items()}
    if not errors:
        _apart(configs, groups, errors)
    raise_all(list(_once(errors)))
    found = {name: config for name, config in configs.items() if config is not None}
    read = Written(str(path), top, found)
    return Written(
        str(path),
        None if top is None else msgspec.structs.replace(top, groups=read.releases),
        {name: msgspec.structs.replace(config, groups=read.releases) for name, config in found.items()},
    )


def load_config(path: str | Path, settings_of: SettingsOf, group: str | None = None) -> Config:
    """The settings of one group, or of the file's own release. Raises as `load` and `Written.of` do."""
    return load(path, settings_of).of(group)


def _parted(root: Node) -> tuple[Node, Node | None]:
    """The file without its groups, and these."""
    if not isinstance(root, Mapping):
        return root, None
    rest = tuple(entry for entry in root.entries if entry.key.text != "groups")
    return Mapping(rest, root.place), root.get("groups")


def _groups(given: Node | None, errors: list[BlueshiftError]) -> dict[str, Mapping]:
    if given is None or (isinstance(given, Scalar) and given.value is None):
        return {}
    if not isinstance(given, Mapping):
        errors.append(invalid(given.place, f"expected a mapping of groups, found {described(given)}"))
        return {}
    if len(given.entries) > MOST:
        errors.append(invalid(given.place, f"{len(given.entries)} groups, and {MOST} may be in one file"))
        return {}
    found: dict[str, Mapping] = {}
    for entry in given.entries:
        name = entry.key.text
        if why := names.wrong("group", name):
            errors.append(invalid(entry.key.place, f"{name!r} cannot be the name of a group: {why}"))
        elif not isinstance(entry.node, Mapping):
            message = f"expected what is different for the group, found {described(entry.node)}"
            errors.append(invalid(entry.node.place, message))
        else:
            found[name] = entry.node
            errors += [
                invalid(one.key.place, f"{one.key.text!r} is one for the whole file, and not of a group")
                for one in entry.node.entries
                if one.key.text in ONE_FOR_ALL
            ]
    return found


def _laid(base: Node, group: Mapping) -> Node:
    """What holds for a group; what it lacks is told at its own place."""
    own = tuple(entry for entry in group.entries if entry.key.text not in ONE_FOR_ALL)
    return merged(base, Mapping(own, group.place))


def _apart(
    configs: dict[str, Config | None], groups: dict[str, Mapping], errors: list[BlueshiftError]
) -> None:
    """Two groups are two releases: else a run of one would be one of the other."""
    first: dict[Release, str] = {}
    for name, config in configs.items():
        assert config is not None
        other = first.setdefault(config.release, name)
        if other != name:
            what = f"{config.release.namespace}/{config.release.name}"
            errors.append(invalid(groups[name].place, f"{name} and {other} are one release, {what}"))


def _once(errors: Iterable[BlueshiftError]) -> Iterable[BlueshiftError]:
    """A fault of what groups share is one, and not one for each."""
    return {(error.place, error.message): error for error in errors}.values()
