"""`blueshift pause`, `unpause`, `proceed`, `abort`, `panic`: words to a run from any shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blueshift.cli.complete import open_runs
from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.output import print_json, say

if TYPE_CHECKING:
    from blueshift.app.words import Word


def _word(word: Word, text: str) -> click.Command:
    """A command that says `word`."""

    @click.command(word, help=text)
    @click.argument("run", shell_complete=open_runs)
    @click.option("--reason", default="", help="Kept in the journal beside your name.")
    @click.option("--no-wait", is_flag=True, help="Return at once; else when the run has taken it up.")
    @cluster_options
    @facts_output
    def command(
        run: str,
        reason: str,
        no_wait: bool,
        kubeconfig: Path | None,
        context: str | None,
        state_namespace: str,
        output: str,
    ) -> None:
        run_async(say_to(word, run, reason, not no_wait, kubeconfig, context, state_namespace, output))

    return command


async def say_to(
    word: Word,
    run: str,
    reason: str,
    wait: bool,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
    gate: str | None = None,
) -> None:
    """Say it and print what came of it."""
    from blueshift.app import words
    from blueshift.app.session import known_runs

    async with known_runs(kubeconfig, context, state_namespace) as runs:
        said: Any = await words.say(runs, run, word, reason, wait=wait, gate=gate)
    if output == "json":
        print_json(said)
    else:
        say(said.sentence)


pause = _word(
    "pause",
    """Keep a run from its next effect, until `unpause`.

    The effect in flight is finished. Waits go on, and their deadlines too; both sides keep serving.

    \b
        blueshift pause 1124-0302-k7xq --reason "looking at an alert"
        blueshift unpause 1124-0302-k7xq
    """,
)
unpause = _word(
    "unpause",
    """Let a paused run go on.

    It looks at the world anew before its next effect. Deadlines of waits went on meanwhile: one that is over
    holds the run, and `resume` gives the wait its whole time again.

    \b
        blueshift unpause 1124-0302-k7xq
    """,
)
proceed = _word(
    "proceed",
    """Open the gate at which a run stands, whichever it is.

    As `approve RUN GATE`, for whoever has just looked at `status`. It is bound to this very standstill: given
    late, it never opens the next one.

    \b
        blueshift proceed 1124-0302-k7xq --reason "looked at the dashboards"
    """,
)
abort = _word(
    "abort",
    """Take back a run that works in another shell, from where it is.

    The effect in flight is finished; then the run goes the way back: names, primary, temporary and TTL as
    they were, by the same rules as forward. The process that carries the run does it, and exits with 4.
    A run that nobody carries is taken back from here: `blueshift rollback RUN`.

    \b
        blueshift abort 1124-0302-k7xq --reason "error budget"
    """,
)
panic = _word(
    "panic",
    """Move every name at once to the side that proved itself last, and stand still.

    Without waves, without watching: for the moment in which users suffer. Then look, and
    `blueshift rollback RUN`.

    \b
        blueshift panic 1124-0302-k7xq --reason "errors at the front door"
    """,
)
