"""A plan from a saved World: no cluster, no name server, no client library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blueshift.app import configuration, inputs, plans
from blueshift.discovery import world as worlds
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config, Dns, Release
from blueshift.playbook.files import there
from blueshift.playbook.schema import Playbook
from blueshift.preflight.waivers import Waivers


@dataclass(frozen=True)
class Saved:
    """A saved World with what would be done on it."""

    world: World
    config: Config
    playbook: Playbook
    complete: bool
    """Whether there was a settings file: without one a plan can be read, and not run."""
    waivers: Waivers


def read(
    world: Path,
    settings: Path,
    *,
    required: bool,
    playbook: str | None,
    sets: tuple[str, ...],
    hooks: Path | None = None,
    waivers: Waivers,
) -> Saved:
    """Read a World, and the settings where that file exists or is `required`; else the shipped playbook.

    Raises BlueshiftError with the place, also for settings of another release than the World's.
    """
    saved = worlds.load(world)
    found = beside(saved, settings, required=required)
    config = found or Config(release=Release(saved.release.name, saved.release.namespace), dns=Dns())
    steps = configuration.playbook(config, name=playbook, sets=sets, hooks=hooks)
    return Saved(saved, config, steps, found is not None, waivers)


def beside(world: World, settings: Path, *, required: bool) -> Config | None:
    """The settings of a saved World; None where there are none, and none are `required`.

    Raises BlueshiftError with the place, also for settings of another release.
    """
    if not required and not there(settings):
        return None
    release = Release(world.release.name, world.release.namespace)
    config = configuration.written(settings).beside(release)
    if config.release != release:
        raise BlueshiftError(
            f"these settings are of {config.release.namespace}/{config.release.name}, "
            f"and the saved World is of {release.namespace}/{release.name}",
            place=str(settings),
            hint="name the settings that belong to it: `--config FILE`",
        )
    return config


def plan(saved: Saved, now: datetime, *, kubeconfig: str | None, context: str | None) -> plans.Plan:
    """The plan; its commands name this kubeconfig and context, else those of the settings and the World."""
    cluster = saved.config.cluster
    places = configuration.places(
        saved.config,
        kubeconfig=kubeconfig or cluster.kubeconfig,
        context=context or cluster.context or saved.world.cluster.context,
    )
    return plans.plan(saved.world, saved.playbook, places, now, skipped=saved.waivers.skip)


def frozen(saved: Saved) -> inputs.Frozen:
    """What a plan file holds. Raises BlueshiftError without a settings file, of which a run needs more."""
    if not saved.complete:
        raise BlueshiftError(
            "a plan file needs the settings: who moves which names is in no World",
            hint="`blueshift init` writes blueshift.yaml; `--config FILE` names it",
        )
    return freeze(saved.world, saved.config, saved.playbook, saved.waivers)


def freeze(world: World, config: Config, playbook: Playbook, waivers: Waivers) -> inputs.Frozen:
    """Everything that was decided, as a plan file and a run keep it."""
    profile = world.controller.profile
    return inputs.Frozen(
        world,
        playbook.name,
        inputs.freeze_steps(playbook),
        configuration.freeze(config, profile),
        profile,
        playbook.hooks,
        waivers,
    )


def nothing_to_do(world: World) -> bool:
    """Whether both revisions that an upgrade makes would change no object."""
    return not any(one.objects or one.error for one in (world.harden, world.target))
