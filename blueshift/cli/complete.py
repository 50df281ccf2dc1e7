"""What a shell offers for a value. It waits for no cluster longer than a person does, and says no error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from blueshift.engine.journal import Journal

WITHIN = 2.0
"""Seconds that a cluster has for its answer."""

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
Offer = Callable[[click.Context, str], Iterable[tuple[str, str]]]
"""Values and what is said beside each, for what was typed so far."""


def _complete(offer: Offer) -> Complete:
    """As click asks for it. Whatever fails, nothing is offered: an error would be written into the line."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            try:
                offered = list(offer(ctx, incomplete))
            except Exception:
                return []
        return [CompletionItem(value, help=said) for value, said in offered if value.startswith(incomplete)]

    return complete


def _runs(chosen: Callable[[Journal], bool]) -> Complete:
    def offer(ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
        for journal in reversed(_journals(ctx)):
            if chosen(journal):
                yield journal.run, f"{journal.namespace}/{journal.release} {journal.status}"

    return _complete(offer)


def _journals(ctx: click.Context) -> list[Journal]:
    """The runs of the cluster that the options before the cursor name."""
    import asyncio

    from blueshift.app.session import connect
    from blueshift.clock import SystemClock
    from blueshift.engine.store import Runs

    async def ask() -> list[Journal]:
        clock = SystemClock()
        kubeconfig = ctx.params.get("kubeconfig")
        path = str(kubeconfig) if kubeconfig else None
        async with (
            clock.timeout(WITHIN),
            connect(clock, kubeconfig=path, context=ctx.params.get("context")) as kube,
        ):
            return await Runs(kube, clock, ctx.params["state_namespace"]).all()

    return asyncio.run(ask())


def _is_over(journal: Journal) -> bool:
    from blueshift.engine.journal import OVER

    return journal.status in OVER


def _gates(ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
    for journal in _journals(ctx):
        still = journal.standstill
        if journal.run == ctx.params.get("run") and still is not None and still.gate:
            yield still.gate, still.reason.partition("\n")[0]


def _checks(_ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
    from blueshift.preflight.run import listing

    return ((check.id, check.summary) for check in listing())


def _settings(ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
    """`STEP.KEY=` of the playbook that the command line names."""
    import msgspec

    from blueshift.app.kinds import settings_types
    from blueshift.playbook.schema import load
    from blueshift.playbook.shipped import find

    named = ctx.params.get("playbook") or ctx.params.get("name") or "blue-green"
    for entry in load(find(named), settings_types()).steps:
        for one in msgspec.structs.fields(entry.settings):
            yield f"{entry.id}.{one.encode_name}=", entry.kind


def _groups(ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
    """Those of the settings that the command line names."""
    from blueshift.app.configuration import written

    found = written(Path(ctx.params.get("config") or "blueshift.yaml"))
    return (
        (name, f"{config.release.namespace}/{config.release.name}") for name, config in found.groups.items()
    )


def _playbooks(_ctx: click.Context, _incomplete: str) -> Iterable[tuple[str, str]]:
    from blueshift.playbook.shipped import names

    return ((name, "ships with Blueshift") for name in names())


def playbooks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Those that ship by name, else files: a path is known by its slash or dot."""
    from click.shell_completion import CompletionItem

    if "/" in incomplete or incomplete.startswith((".", "~")):
        return [CompletionItem(incomplete, type="file")]
    return _complete(_playbooks)(ctx, param, incomplete)


runs = _runs(lambda _journal: True)
open_runs = _runs(lambda journal: not _is_over(journal))
succeeded_runs = _runs(lambda journal: journal.status == "succeeded")
gates = _complete(_gates)
checks = _complete(_checks)
groups = _complete(_groups)
step_settings = _complete(_settings)
