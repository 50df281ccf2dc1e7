"""Checks of ingress-nginx: how its pods end, and what they leave behind in Ingresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blueshift.discovery.found import found
from blueshift.discovery.seen import Hook, Permissions
from blueshift.discovery.world import Rendered, World
from blueshift.preflight.nginx_own import side_of
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells

PROFILE = "ingress-nginx"
VERSION_LABELS = (4, 6, 0)
"""From this chart version on pods carry their version as a label (issue 10475 of ingress-nginx)."""
_ON_SHUTDOWN = "controller.extraArgs.update-status-on-shutdown"
_HOOK = "controller.lifecycle.preStop"


def ssl_passthrough(world: World) -> Iterator[Seen]:
    """No connection passes the controller unseen."""
    flag = next(
        (one for one in world.workload.args if one.lstrip("-").startswith("enable-ssl-passthrough")), ""
    )
    if not flag or flag.endswith("=false"):
        yield passed("every connection is served by nginx itself")
        return
    yield fails(
        f"the controller runs with {flag}: connections of hosts that it passes through are in no log, no "
        "metric and no connection count, so a side that still carries them would count as idle and cut them",
        "move those hosts away first, or take the flag out of `controller.extraArgs` if no Ingress needs it",
    )


def prestop_binary(world: World) -> Iterator[Seen]:
    """The preStop hook's programs are in the image."""
    if not world.workload.prestop:
        yield passed("the controller has no preStop command")
        return
    if found(world, "cluster-exec", Permissions).denied:
        yield Seen(
            "not-looked",
            f"no command may be run in the pods, so {' '.join(world.workload.prestop)} was not tried",
            "try it by hand: a hook that fails ends the pod at once",
            stops=False,
        )
        return
    hook = found(world, "nginx-prestop-binary", Hook)
    if not hook.missing:
        yield passed(f"the preStop hook's programs are in the image: {brief(hook.programs)}")
    elif _sets(world.harden, _HOOK):
        yield tells(
            f"{brief(hook.missing)} of the preStop hook is not in the image, so pods end at once; the harden "
            "step replaces the hook while traffic is away",
            hook.missing,
        )
    else:
        yield fails(
            f"{brief(hook.missing)} of the preStop hook is not in the image of {hook.pod}: the hook fails, "
            "and the pod is ended at once with its requests",
            f"set `{_HOOK}` to /wait-shutdown, which every image since 0.26 has",
            hook.missing,
        )


def status_race(world: World) -> Iterator[Seen]:
    """The last pod of the old version does not take the addresses out of all Ingresses when it ends."""
    if world.controller.profile != PROFILE:
        yield passed(f"{world.controller.profile} is not known to do that")
        return
    flags = _flags(world)
    if "false" in (flags.get("update-status"), flags.get("update-status-on-shutdown")):
        yield passed("the controller leaves the status of Ingresses alone when it ends")
        return
    count = len(world.controller.publishes)
    if count > 1:
        yield passed(
            f"{count} addresses are published: with several the last pod leaves them (controller 1.15.1)"
        )
        return
    if not _labelled(world.release.chart_version):
        yield passed(
            f"chart {world.release.chart_version} does not label pods by version: old pods see the new ones"
        )
        return
    if count == 0:
        yield passed("no Ingress of this controller has an address in its status: there is nothing to blank")
        return
    sentence = (
        "in a version bump the last old pod blanks the status of every Ingress (external-dns then deletes "
        "the records): it cannot see pods of the new version (issues 10475, 11087)"
    )
    if not side_of(world.harden, "hardened").settings.blanks_status:
        yield tells(f"{sentence}; the harden step sets update-status-on-shutdown=false before the bump")
    elif _sets(world.harden, _ON_SHUTDOWN):
        yield fails(
            f"{sentence}; the harden step sets `{_ON_SHUTDOWN}`, and its pods would not run by it: the chart "
            "gives the flag otherwise, or not at all",
            "let the chart give the controller `--update-status-on-shutdown=false`, and roll that out first",
        )
    else:
        yield fails(sentence, f'set `{_ON_SHUTDOWN}: "false"` in the primary, and let it roll out first')


def _flags(world: World) -> dict[str, str]:
    pairs = (word[2:].partition("=") for word in world.workload.args if word.startswith("--"))
    return {flag: value.lower() for flag, _, value in pairs}


def _sets(revision: Rendered, path: str) -> bool:
    return any(change.path == path for change in revision.values)


def _labelled(chart_version: str) -> bool:
    numbers = tuple(map(int, re.findall(r"\d+", chart_version)[:3]))
    return (
        not numbers or numbers >= VERSION_LABELS
    )  # an unknown one counts as new; calendar versions sort above
