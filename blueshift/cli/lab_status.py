"""`blueshift lab status` and `blueshift lab kubeconfig`."""

from __future__ import annotations

import click

from blueshift.cli.lab_options import become_root, name_option, output_option
from blueshift.errors import BlueshiftError
from blueshift.lab import facts, lifecycle
from blueshift.lab.loadbalancer import PLAIN, Habits
from blueshift.lab.paths import lab_named


@click.command()
@click.option("--name", metavar="NAME", help="Only this lab.  [default: all]")
@output_option
def status(name: str | None, output: str) -> int:
    """Show each lab: whether it is up, its processes, and where its kubeconfig is.

    Exit code 1 when a lab that is asked for by --name is not up.
    """
    become_root()
    found = (lifecycle.status(lab_named(name)),) if name else lifecycle.statuses()
    if output == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found, enc_hook=str), indent=2).decode())
    elif not found:
        click.echo("there is no lab; start one with: blueshift lab up")
    else:
        click.echo("\n".join(_text(each) for each in found))
    return 1 if name and found[0].state != "up" else 0


@click.command()
@name_option
@click.option("--raw", is_flag=True, help="Print the file itself, with its token, and not where it is.")
def kubeconfig(name: str, raw: bool) -> None:
    """Print the path of a lab's kubeconfig (cluster-admin, mode 0600).

    The API server is reached only from inside the lab: `blueshift lab exec` sets KUBECONFIG by itself.
    """
    lab = lab_named(name)
    facts.of(lab)
    try:
        click.echo(lab.kubeconfig.read_text() if raw else str(lab.kubeconfig), nl=not raw)
    except PermissionError:
        raise BlueshiftError(f"{lab.kubeconfig} is root's", hint="Run the same command with sudo.") from None


def _text(lab: lifecycle.Status) -> str:
    gone = [name for name, pid in lab.processes.items() if pid is None]
    lines = [f"{lab.name}: {lab.state}"]
    if lab.facts and lab.state != "down":
        families = " and ".join(f"IPv{family.version}" for family in lab.facts.families)
        lines += [
            f"  node        {'Ready' if lab.node_ready else 'not Ready'}, {families}",
            f"  running     {', '.join(name for name, pid in lab.processes.items() if pid)}",
            *([f"  balancer    {_balancer(lab.facts.balancer)}"] if lab.facts.balancer != PLAIN else []),
            *([f"  gone        {', '.join(gone)}"] if gone else []),
            f"  kubeconfig  {lab.kubeconfig}",
            f"  logs        {lab.logs}",
        ]
    return "\n".join(lines)


def _balancer(habits: Habits) -> str:
    from blueshift.playbook.duration import format_seconds

    lengths = {"delay": habits.delay, "deregister lag": habits.deregister_lag}
    said = [f"{name} {format_seconds(seconds)}" for name, seconds in lengths.items() if seconds]
    return ", ".join([habits.mode, *said])
