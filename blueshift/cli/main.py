"""`blueshift`: the group of all commands, and the one place where errors become exit codes.

What is imported here is paid by every start: only click, and no module that draws or reaches a cluster.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from blueshift import __version__
from blueshift.cli.encoding import tolerant
from blueshift.cli.errors import ExitCode, explain, usage
from blueshift.cli.lazy import Lazy, LazyGroup
from blueshift.errors import BlueshiftError

COMMANDS = {
    "init": Lazy("blueshift.cli.init:init", "Look at a cluster and write a commented blueshift.yaml."),
    "check": Lazy("blueshift.cli.check:check", "Run every preflight check; change nothing."),
    "groups": Lazy("blueshift.cli.groups:groups", "Show traffic groups, their hosts, and where they leak."),
    "plan": Lazy("blueshift.cli.plan:plan", "Show what an upgrade would do, step by step, and the way back."),
    "upgrade": Lazy("blueshift.cli.upgrade:upgrade", "Upgrade an ingress controller that serves traffic."),
    "status": Lazy("blueshift.cli.status:status", "Show the runs of a cluster, or where one stands and why."),
    "resume": Lazy("blueshift.cli.resume:resume", "Carry on a run that was interrupted or holds."),
    "takeover": Lazy("blueshift.cli.takeover:takeover", "Carry on a run that another process carries."),
    "rollback": Lazy("blueshift.cli.rollback:rollback", "Take a run back to where it began."),
    "revert": Lazy("blueshift.cli.revert:revert", "Take a finished run back, by a new one."),
    "approve": Lazy("blueshift.cli.approve:approve", "Open the gate at which a run waits."),
    "proceed": Lazy("blueshift.cli.words:proceed", "Open the gate at which a run stands."),
    "pause": Lazy("blueshift.cli.words:pause", "Keep a run from its next effect."),
    "unpause": Lazy("blueshift.cli.words:unpause", "Let a paused run go on."),
    "abort": Lazy("blueshift.cli.words:abort", "Take back a run that works in another shell."),
    "panic": Lazy("blueshift.cli.words:panic", "Every name to the side that proved itself last, at once."),
    "webhook": Lazy("blueshift.cli.webhook:webhook", "Let Ingresses be written while a run holds."),
    "show": Lazy("blueshift.cli.show:show", "Tell what a run saw and did, step by step."),
    "report": Lazy("blueshift.cli.report:report", "A run as a page for a browser, Markdown or JSON."),
    "patch": Lazy("blueshift.cli.patch:patch", "Print what a run changed in the values, for your git."),
    "history": Lazy("blueshift.cli.history:history", "List what runs there were, the newest first."),
    "watch": Lazy("blueshift.cli.watch:watch", "Follow the access logs of both sides in one stream."),
    "drain": Lazy("blueshift.cli.drain:drain", "See who is left at a side that traffic has left."),
    "logs": Lazy("blueshift.cli.logs:logs", "Sum up access logs, and judge one side's by another's."),
    "probe": Lazy("blueshift.cli.probe:probe", "Ask URLs at a fixed rate and count every answer."),
    "ledger": Lazy("blueshift.cli.ledger:ledger", "Print each request that a probe has kept."),
    "temporary": Lazy("blueshift.cli.temporary:temporary", "See the temporary release before it is made."),
    "harden": Lazy("blueshift.cli.harden:harden", "Show how pods would be made to end gracefully."),
    "explain": Lazy(
        "blueshift.cli.explain:explain", "Say what a change makes the controller do: reload or not."
    ),
    "rbac": Lazy("blueshift.cli.rbac:rbac", "Print the least rights of runner, approver or viewer."),
    "playbook": Lazy("blueshift.cli.playbook:playbook", "List, show, check and begin playbooks."),
    "lab": Lazy("blueshift.cli.lab:lab", "A real cluster on this machine, to try and rehearse on."),
    "completion": Lazy("blueshift.cli.completion:completion", "Print the completion script for a shell."),
}


def _unsaid(error: Exception) -> BlueshiftError | None:
    """What standard output did not take, as where it goes to a full disk: no file is named then."""
    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BlueshiftError(
            f"what this command says cannot be written: {error.strerror}",
            hint="make room where its output goes, or send it elsewhere",
        )
    return None


class _Root(LazyGroup):
    """Tells errors in one way, unless --debug asks for the traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                raise
            click.echo(explain(_unsaid(error) or error), err=True)
            return ExitCode.ERROR


@click.group(
    cls=_Root,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 80},
    epilog="Start with `blueshift init` on a cluster of yours, or see a whole run: `blueshift lab demo`.",
)
@click.version_option(__version__, prog_name="blueshift", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="BLUESHIFT_DEBUG", help="Show the traceback of an error.")
def root(debug: bool) -> None:
    """Zero-downtime upgrades of Kubernetes ingress controllers, with proof.

    Blueshift installs a temporary copy of the controller, proves that it serves the same routes, moves the
    traffic there, upgrades the idle primary, moves the traffic back, and removes the copy.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. A command returns an `ExitCode`, or None for done."""
    try:
        code = root.main(arguments, prog_name="blueshift", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()  # a group without a command: what it has is the answer
        return ExitCode.ERROR
    except click.ClickException as error:
        click.echo(usage(error), err=True)
        return ExitCode.ERROR  # click's own 2 would say "changes pending"
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `blueshift status | head`
        return ExitCode.ERROR
    if isinstance(code, int):
        return code
    return ExitCode.DONE if _told(sys.stdout) else ExitCode.ERROR


def main() -> None:
    """The console script."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started it had it closed
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        tolerant(stream)
    code = run()
    for stream in (sys.stdout, sys.stderr):
        _told(stream)
    gc.freeze()  # else the last collection walks through every module: a seventh of `--help`
    sys.exit(code)


def _told(stream: TextIO) -> bool:
    """Say the last words. Where nobody reads on (closed pipe, lost terminal) they go nowhere: else Python's
    own flush at exit would fail, and its exit code would be told instead of ours."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
