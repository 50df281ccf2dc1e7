"""`upgrade` and `plan` over several traffic groups: one after another, each as if it were asked for alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from blueshift.app import configuration, offline, walk
from blueshift.cli.errors import ExitCode
from blueshift.cli.outcome import refused
from blueshift.cli.output import say
from blueshift.cli.work import Manner, Wanted, begin, looked_at, outside_window, unnamed
from blueshift.playbook.config import Config
from blueshift.playbook.schema import Playbook

Loaded = tuple[Config, Playbook]


def groups_of(wanted: Wanted, given: Sequence[str]) -> tuple[str, ...]:
    """The groups to walk; none where a single release is meant. Raises as `walk.wished` does."""
    return walk.wished(configuration.written(wanted.config), given, wanted.playbook, wanted.sets)


def loaded_of(wanted: Wanted, groups: Sequence[str]) -> list[tuple[Wanted, Loaded]]:
    """Settings and playbook of each group, before any of them is begun."""
    found: list[tuple[Wanted, Loaded]] = []
    for at, group in enumerate(groups):
        one = replace(wanted, group=group)
        config, playbook = one.loaded()
        found.append((one, (config, walk.gated(playbook, groups[at - 1], group) if at else playbook)))
    return found


async def upgrade_groups(
    wanted: Wanted, groups: Sequence[str], manner: Manner, stopping: asyncio.Event
) -> ExitCode:
    """A run for each group that has something to do, in order, until one does not succeed.

    Given again it goes on where it stood: what is done has nothing to do.
    """
    every = loaded_of(wanted, groups)
    for _, (config, _playbook) in every:
        if why := unnamed(manner, config.release.name):
            return refused(why)
    code = ExitCode.SKIPPED
    for at, (one, loaded) in enumerate(every, 1):
        where = f"group {one.group} ({at} of {len(every)})"
        say(f"{where}: release {loaded[0].release.namespace}/{loaded[0].release.name}")
        if outside_window(loaded[1]):
            return ExitCode.SKIPPED
        async with looked_at(one, loaded, alone=True) as (session, looked, playbook):
            if offline.nothing_to_do(looked.world):
                say(f"{where}: hardening and target would change no object of the release; it is left alone")
                continue
            code = await begin(session, looked, playbook, manner, stopping)
        if code != ExitCode.DONE:
            left = ", ".join(groups[at:])
            say(f"{where} is where the walk stands" + (f"; not begun: {left}" if left else ""))
            say("  once that is settled, the same command goes on from there")
            return code
    return code
