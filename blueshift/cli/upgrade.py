"""`blueshift upgrade`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.options import (
    cluster_options,
    config_option,
    groups_option,
    hooks_option,
    on_failure_option,
    park_option,
    playbook_option,
    run_async,
    run_output,
    sets_option,
    skip_confirmed_option,
    waivers_options,
)
from blueshift.errors import BlueshiftError


@click.command()
@config_option
@groups_option
@cluster_options
@playbook_option
@sets_option
@click.option("--to-version", metavar="V", help="Chart version of the target, instead of the settings'.")
@click.option(
    "--chart", metavar="REF", help="Chart of the target: a folder, .tgz, oci://… or https://REPO/NAME."
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Run exactly this plan (from `plan -o FILE`); refused when the world has changed since.",
)
@click.option(
    "--accept-remaining",
    is_flag=True,
    help="Go on from a drain although somebody still comes, once only that is left; who it was is kept.",
)
@click.option("--yes", is_flag=True, help="Do not ask: the plan is confirmed in advance.")
@waivers_options
@skip_confirmed_option
@on_failure_option
@hooks_option
@park_option
@run_output
def upgrade(
    config: Path,
    groups: tuple[str, ...],
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    playbook: str | None,
    sets: tuple[str, ...],
    to_version: str | None,
    chart: str | None,
    plan_file: Path | None,
    accept_remaining: bool,
    yes: bool,
    skip: tuple[str, ...],
    acknowledge: tuple[str, ...],
    skip_confirmed: str,
    on_failure: Literal["hold", "rollback"],
    hooks: Path | None,
    park: bool,
    output: str | None,
) -> ExitCode:
    """Upgrade an ingress controller while it serves traffic.

    Looks at the cluster and DNS, runs the preflight checks, shows the plan and asks; nothing changes before
    that. Then it works, and says at every moment why it waits and until when. It may be killed at any
    point: `blueshift resume RUN` carries on, from any machine.

    A check that would stop it is skipped by --skip and the release's name, typed at the question or given by
    --skip-confirmed; --yes alone does not stand for it. Who skipped what is kept in the run.

    With --group it upgrades one traffic group of the settings, and says at the end whether the others are as
    they were. With several, or by a playbook that names `groups`, it goes through them in this order, a run
    for each, and waits at a gate before each but the first: `blueshift approve RUN before-GROUP`. Given again
    it goes on where it stood.

    A drain waits for whoever still comes. With --accept-remaining it waits for DNS, for the minimum time and
    for the window, and goes on with the rest that it then names; `blueshift drain status` shows who that is.

    \b
    Exit codes: 0 done; 3 a check failed, the name for --skip is missing or the plan is stale, nothing was
    changed; 4 rolled back; 5 holding: traffic is safe and a person must choose; 75 skipped (its window is
    closed, or nothing is to do), or parked; 130 interrupted.

    \b
        blueshift upgrade
        blueshift upgrade --to-version 4.12.1 --yes --output plain
        blueshift plan -o plan.json && blueshift upgrade --plan plan.json
        blueshift upgrade --skip helm-gitops-owner
        blueshift upgrade --group internal --group public
    """
    from blueshift.cli.walk import groups_of, upgrade_groups
    from blueshift.cli.work import Manner, Wanted, upgrade_release
    from blueshift.preflight.waivers import given

    wanted = Wanted(
        config,
        kubeconfig,
        context,
        state_namespace,
        playbook,
        sets,
        to_version,
        chart,
        hooks,
        accepting=accept_remaining,
    )
    stopping = asyncio.Event()
    manner = Manner(yes, output, on_failure, park, given(skip, acknowledge), skip_confirmed)
    if plan_file and accept_remaining:
        raise BlueshiftError(
            "a plan file holds its steps' settings: --plan and --accept-remaining exclude each other",
            hint="plan again with `--set drain-primary.remaining=accept`, which the plan then shows",
        )
    if plan_file and groups:
        raise BlueshiftError(
            "a plan file is of one release: --plan and --group exclude each other",
            hint="leave out --group: what the plan was made for is in it",
        )
    walked = () if plan_file else groups_of(wanted, groups)
    if len(walked) > 1:
        return run_async(upgrade_groups(wanted, walked, manner, stopping), stopping)
    wanted = replace(wanted, group=walked[0] if walked else None)
    return run_async(upgrade_release(wanted, plan_file, manner, stopping), stopping)
