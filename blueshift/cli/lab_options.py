"""What the lab's commands have in common."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from blueshift.cli.options import seconds_of
from blueshift.errors import BlueshiftError
from blueshift.lab.loadbalancer import Habits, Mode
from blueshift.lab.ownership import ELEVATED
from blueshift.lab.paths import DEFAULT_NAME, labs_folder

Command = TypeVar("Command", bound=Callable[..., Any])

name_option: Callable[[Any], Any] = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, metavar="NAME", help="Which lab."
)
output_option: Callable[[Any], Any] = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="json for programs."
)


def balancer_options(command: Command) -> Command:
    """`balancer: Habits`: how the lab's load balancer behaves."""

    @functools.wraps(command)
    def with_habits(
        *positional: Any, lb_delay: str, lb_deregister_lag: str, lb_mode: Mode, **named: Any
    ) -> Any:
        habits = Habits(
            delay=seconds_of(lb_delay, "--lb-delay"),
            deregister_lag=seconds_of(lb_deregister_lag, "--lb-deregister-lag"),
            mode=lb_mode,
        )
        return command(*positional, balancer=habits, **named)

    options = (
        click.option(
            "--lb-mode",
            type=click.Choice(["direct", "proxy"]),
            default="direct",
            show_default=True,
            help="proxy: connections end at the load balancer, which makes its own to the pods and tells "
            "them the client by a PROXY header where the Service asks for it.",
        ),
        click.option(
            "--lb-deregister-lag",
            default="0s",
            show_default=True,
            metavar="TIME",
            help="Let the load balancer send new connections so long to a pod that ends, as clouds do.",
        ),
        click.option(
            "--lb-delay",
            default="0s",
            show_default=True,
            metavar="TIME",
            help="Let a new Service of type LoadBalancer wait so long for its addresses, as clouds do.",
        ),
    )
    for option in options:
        option(with_habits)
    return cast(Command, with_habits)


def become_root() -> None:
    """Start the same command line again by sudo, unless this is root. Raises BlueshiftError without sudo."""
    if os.geteuid() == 0:
        return
    if shutil.which("sudo") is None:
        raise BlueshiftError(
            "a lab is made of namespaces, mounts and containers, which needs root", hint="Run this as root."
        )
    # Made by root, the person's own ~/.local could be root's.
    labs_folder().mkdir(parents=True, exist_ok=True)
    # sudo replaces these even so: the lab's folders, the programs of `lab exec`, and how Python finds us.
    kept = [f"{name}={os.environ[name]}" for name in ("HOME", "PATH", "PYTHONPATH") if name in os.environ]
    again = [sys.executable, *sys.orig_argv[1:]]
    os.execvp("sudo", ["sudo", "-E", "env", f"{ELEVATED}=1", *kept, *again])  # noqa: S606


class Speaker:
    """Lasting lines and a passing one on stderr. Without a terminal the passing one comes now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._passing = False
        self._last = 0.0

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._passing:
            click.echo("", err=True)
            self._passing = False
        click.echo(line, err=True)

    def progress(self, state: Any) -> None:
        """A line that the next one replaces. `state` has `seconds` and reads as text."""
        if self._terminal:
            click.echo(f"\r{state}\x1b[K", err=True, nl=False)
            self._passing = True
        elif state.seconds - self._last >= 15 or state.seconds < self._last:
            click.echo(str(state), err=True)
            self._last = state.seconds
