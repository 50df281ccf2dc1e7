"""Options that several commands share, and the event loop that they run in."""

from __future__ import annotations

import asyncio
import math
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import click

from blueshift.cli.complete import checks, groups, playbooks, step_settings

Command = TypeVar("Command", bound=Callable[..., Any])
Answer = TypeVar("Answer")

_on_sigint: ContextVar[Callable[[], None] | None] = ContextVar("on_sigint", default=None)
_FILE = click.Path(dir_okay=False, path_type=Path)


def _namespace(_context: click.Context, _option: click.Parameter, value: str) -> str:
    from blueshift.playbook.names import wrong

    if why := wrong("namespace", value):
        raise click.BadParameter(f"{value!r} cannot be the name of a namespace: {why}")
    return value


def cluster_options(command: Command) -> Command:
    """`kubeconfig: Path | None`, `context: str | None`, `state_namespace: str`: which cluster, whose runs."""
    for option in (
        click.option(
            "--state-namespace",
            default="blueshift",
            show_default=True,
            envvar="BLUESHIFT_STATE_NAMESPACE",
            callback=_namespace,
            help="Namespace of the cluster in which runs are kept.",
        ),
        click.option("--context", envvar="BLUESHIFT_CONTEXT", help="Context of the kubeconfig."),
        click.option(
            "--kubeconfig",
            type=_FILE,
            envvar="BLUESHIFT_KUBECONFIG",
            help="Kubeconfig; else $KUBECONFIG, ~/.kube/config, or the pod's own account.",
        ),
    ):
        command = option(command)
    return command


def config_option(command: Command) -> Command:
    """`config: Path`: the settings file."""
    return click.option(
        "--config",
        "-f",
        type=_FILE,
        default=Path("blueshift.yaml"),
        show_default=True,
        envvar="BLUESHIFT_CONFIG",
        help="Settings; `blueshift init` writes them.",
    )(command)


def _only(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> str | None:
    if len(values) > 1:
        raise click.BadParameter("this command is of one group; `plan` and `upgrade` walk several")
    return values[0] if values else None


def group_option(command: Command) -> Command:
    """`group: str | None`: the traffic group of the settings that is meant."""
    return click.option(
        "--group",
        multiple=True,  # a second one would be the only one that counts
        callback=_only,
        metavar="GROUP",
        envvar="BLUESHIFT_GROUP",
        shell_complete=groups,
        help="Traffic group of the settings; `blueshift groups` shows them.",
    )(command)


def groups_option(command: Command) -> Command:
    """`groups: tuple[str, ...]`: the same, or several that are walked in this order."""
    return click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="GROUP",
        envvar="BLUESHIFT_GROUP",
        shell_complete=groups,
        help="Traffic group of the settings; several are walked in this order, with a gate between.",
    )(command)


def output_of(*formats: str) -> Callable[[Command], Command]:
    """`output`: one of these formats, the first one by default."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        envvar="BLUESHIFT_OUTPUT",
        help="For people, or for programs.",
    )


facts_output = output_of("table", "json")
"""`output: "table" | "json"`, for commands that print facts."""


class Rate(click.FloatRange):
    """So many a second. "nan" is a number to `float`, and within every range to its own."""

    name = "number"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """See click."""
        number = float(super().convert(value, parameter, context))
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid number.", parameter, context)
        return number


def seconds_of(text: str, option: str, *, least: float = 0.0) -> float:
    """The seconds of a length of time as people write it. Raises BadParameter, with the option's name."""
    from blueshift.playbook.duration import parse_seconds

    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error
    if seconds < least:
        raise click.BadParameter("expected a length of time that is not nothing", param_hint=option)
    return seconds


def _output_as(people: str, told: str) -> Callable[[Command], Command]:
    """`output`: for people, or JSON. $BLUESHIFT_OUTPUT names a format of facts, and is not for these."""
    formats = click.Choice((people, "json"))
    return click.option("--output", "-o", type=formats, default=people, show_default=True, help=told)


yaml_output = _output_as("yaml", "YAML to apply or to keep, or JSON for programs.")
"""`output: "yaml" | "json"`, for commands that print manifests or values."""
lines_output = _output_as("lines", "Lines for people, or one JSON object per line.")
"""`output: "lines" | "json"`, for commands that print one thing after another."""


def waivers_options(command: Command) -> Command:
    """`skip: tuple[str, ...]`, `acknowledge: tuple[str, ...]`: checks that are not to count as they do."""
    for option in (
        click.option(
            "--acknowledge",
            multiple=True,
            metavar="ID",
            shell_complete=checks,
            help="What this check warns of is known; may be repeated.",
        ),
        click.option(
            "--skip",
            multiple=True,
            metavar="ID",
            shell_complete=checks,
            help="Go on whatever this check sees; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def skip_confirmed_option(command: Command) -> Command:
    """`skip_confirmed: str`: the release's name, for commands that begin a run."""
    return click.option(
        "--skip-confirmed",
        default="",
        metavar="RELEASE",
        help="The release's name, for a job: else it is asked for where --skip names a check that can stop.",
    )(command)


def run_output(command: Command) -> Command:
    """`output: "live" | "plain" | "json" | None`, for commands that carry a run (see `report.choose`)."""
    return click.option(
        "--output",
        type=click.Choice(("live", "plain", "json")),
        envvar="BLUESHIFT_RUN_OUTPUT",
        help="Live view (default on a terminal), timestamped lines, or one JSON event per line.",
    )(command)


def hooks_option(command: Command) -> Command:
    """`hooks: Path | None`: the folder of programs that run at events of a run."""
    return click.option(
        "--hooks",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="BLUESHIFT_HOOKS",
        metavar="FOLDER",
        help="Programs to run at events: FOLDER/holding/*, before-upgrade/* … (docs/hooks.md).",
    )(command)


def playbook_option(command: Command) -> Command:
    """`playbook: str | None`, by its name or file."""
    return click.option(
        "--playbook",
        metavar="NAME|FILE",
        shell_complete=playbooks,
        help="Instead of the one that the settings name.",
    )(command)


def sets_option(command: Command) -> Command:
    """`sets: tuple[str, ...]`: step settings, each STEP.KEY=VALUE."""
    return click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="STEP.KEY=VALUE",
        shell_complete=step_settings,
        help="Override one step setting.",
    )(command)


def on_failure_option(command: Command) -> Command:
    """`on_failure: "hold" | "rollback"`, for commands that begin a run."""
    return click.option(
        "--on-failure",
        type=click.Choice(("hold", "rollback")),
        default="hold",
        show_default=True,
        envvar="BLUESHIFT_ON_FAILURE",
        help="When a step fails: stand still for a person, or take the run back (for jobs).",
    )(command)


def park_option(command: Command) -> Command:
    """`park: bool`: leave the run at a wait that nobody needs to attend."""
    return click.option(
        "--park",
        is_flag=True,
        envvar="BLUESHIFT_PARK",
        help="Leave the run at a long wait, gate or closed window (exit 75), and say when to resume it.",
    )(command)


def run_async(work: Coroutine[Any, Any, Answer], stopping: asyncio.Event | None = None) -> Answer:
    """Run a command's coroutine to its end.

    The first SIGINT, SIGTERM or SIGHUP sets `stopping` (the run finishes its effect, and its coroutine
    returns); the second cancels. Without `stopping` the first cancels. Raises KeyboardInterrupt when it was
    cancelled by a signal.
    """
    return asyncio.run(_guarded(work, stopping))


async def _guarded(work: Coroutine[Any, Any, Answer], stopping: asyncio.Event | None) -> Answer:
    cancelled = False

    def on_signal() -> None:
        nonlocal cancelled
        if stopping is not None and not stopping.is_set():
            stopping.set()
            _tell("stopping after what is in flight; once more stops now")
        else:
            cancelled = True
            task.cancel()

    _on_sigint.set(on_signal)
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        if cancelled:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def asking() -> Iterator[None]:
    """Around a question that blocks the loop: SIGINT is Python's own, so that Ctrl-C ends the question.

    The loop has it back after an answer alone: what was interrupted is not to be told as a stop once more.
    """
    handler = _on_sigint.get()
    if handler is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.remove_signal_handler(signal.SIGINT)
    yield
    loop.add_signal_handler(signal.SIGINT, handler)


def _tell(sentence: str) -> None:
    try:
        sys.stderr.write(f"{sentence}\n")
    except OSError:
        return  # the terminal is gone (SIGHUP): nobody to tell
