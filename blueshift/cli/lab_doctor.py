"""`blueshift lab doctor`."""

from __future__ import annotations

import click

from blueshift.cli.lab_options import Speaker, become_root, output_option
from blueshift.lab import doctor as looks

_MARKS = {"ok": "ok     ", "missing": "MISSING", "unknown": "unknown", "note": "note   "}


@click.command()
@click.option("--install", is_flag=True, help="Install the missing packages with apt-get.")
@output_option
def doctor(install: bool, output: str) -> int:
    """Tell what this machine lacks for a lab, and the exact command that gets it.

    With --install the packages are installed by apt-get (sudo is asked for), without letting the services
    start that they bring. Exit code 1 when something is missing.
    """
    if install:
        become_root()
        from blueshift.lab import apt

        missing = looks.missing_packages()
        if missing:
            apt.install(missing, Speaker().say)
    findings = looks.examine()
    if output == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode())
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.state]}  {finding.name}: {finding.says}")
            if finding.remedy:
                click.echo(f"           {finding.remedy}")
        if all(finding.state in {"ok", "note"} for finding in findings):
            click.echo("this machine is ready; next: blueshift lab up")
    return 1 if any(finding.state == "missing" for finding in findings) else 0
