"""How a run ended, in words and as an exit code."""

from __future__ import annotations

import click

from blueshift.app.runs import Refused
from blueshift.cli.errors import ExitCode, explain
from blueshift.cli.output import say
from blueshift.engine.loop import Outcome


def nothing_begun() -> ExitCode:
    """A signal came in time."""
    say("interrupted: nothing was changed")
    return ExitCode.INTERRUPTED


def refused(why: Refused) -> ExitCode:
    """Say why nothing was begun, and what may be done instead."""
    click.echo(explain(why), err=True)
    return ExitCode.REFUSED


def told(run: str, outcome: Outcome) -> ExitCode:
    """Say how it ended and what comes next; the exit code."""
    if outcome.status == "succeeded":
        say(f"run {run} succeeded: {outcome.said}")
        say(f"  what it changed in the values, for the file in your git:\n    blueshift patch {run}")
        return ExitCode.DONE
    if outcome.status == "rolled-back":
        say(f"run {run} was rolled back: {outcome.said}")
        return ExitCode.ROLLED_BACK
    if outcome.status == "parked":
        when = f"at {outcome.until:%Y-%m-%d %H:%M:%S} UTC" if outcome.until else "when its gate is open"
        say(f"run {run} is {outcome.said}")
        say(f"  come back {when}:\n    blueshift resume {run} --park")
        return ExitCode.SKIPPED
    if outcome.status == "interrupted":
        say(f"run {run} was interrupted in {outcome.step}; carry on: blueshift resume {run}")
        return ExitCode.INTERRUPTED
    say(f"run {run} holds in {outcome.step}: {outcome.said}")
    say(f"  try again, when the cause is mended:\n    blueshift resume {run}")
    if not outcome.step.startswith("back"):
        say(f"  take the run back:\n    blueshift rollback {run}")
    for way in outcome.ways:
        say(f"  {way.what}" + (f":\n    {way.command}" if way.command else ""))
    return ExitCode.HOLDING
