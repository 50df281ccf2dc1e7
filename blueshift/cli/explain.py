"""`blueshift explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.output import print_json
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.cli.work import Wanted
    from blueshift.controllers.changes import Explanation

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--file", "-f", type=_FILE, metavar="CHANGE.yaml", help="Manifests that are to be applied.")
@click.option("--delete", is_flag=True, help="With -f: they are to be deleted.")
@click.option(
    "--diff", nargs=2, type=_FILE, metavar="OLD NEW", help="Two files of manifests; no cluster is asked."
)
@click.option("--values", type=_FILE, metavar="NEW.yaml", help="Values, as `helm upgrade -f` takes them.")
@click.option("--namespace", "-n", default="default", show_default=True, help="Of objects that name none.")
@click.option("--controller-version", default="", metavar="VERSION", help="With --diff: 1.11.3, say.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    default=("nginx",),
    show_default=True,
    metavar="NAME",
    help="With --diff: an IngressClass that the controller serves; may be repeated.",
)
@click.option(
    "--config",
    type=_FILE,
    default=Path("blueshift.yaml"),
    show_default=True,
    envvar="BLUESHIFT_CONFIG",
    help="Settings; `blueshift init` writes them. --diff needs none.",
)
@cluster_options
@facts_output
def explain(
    file: Path | None,
    delete: bool,
    diff: tuple[Path, Path] | None,
    values: Path | None,
    namespace: str,
    controller_version: str,
    classes: tuple[str, ...],
    config: Path,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> ExitCode:
    """Say what the running controller would do with a change, and why.

    For each object: `dynamic` (its workers take it up as they run), `reload` (new workers; what is open on
    the old ones is cut when worker-shutdown-timeout is over), `new pods`, or `nothing`. Each part of it comes
    with the rule and the place in the controller's source that it is from.

    The changes are manifests beside what is live (-f), two files (--diff, offline), or values beside those of
    the running release (--values; both are rendered with the release's own chart). They are taken one after
    the other, in the order of the file. Nothing is changed.

    \b
        blueshift explain -f ingress.yaml
        blueshift explain -f ingress.yaml --delete
        blueshift explain --diff before.yaml after.yaml --controller-version 1.11.3
        blueshift explain --values values.yaml -o json | jq .effect
    """
    _one_of(file, diff, values, delete)
    if diff:
        from blueshift.app.explain import of_two

        _versioned(controller_version)
        found = of_two(*diff, namespace=namespace, version=controller_version, classes=classes)
    else:
        from blueshift.cli.work import Wanted

        wanted = Wanted(config, kubeconfig, context, state_namespace)
        found = run_async(_live(wanted, file, values, namespace, delete))
    if output == "json":
        print_json(found)
    else:
        from blueshift.report.explain import explanation_text

        click.echo(explanation_text(found))
    return ExitCode.DONE


def _one_of(file: Path | None, diff: tuple[Path, Path] | None, values: Path | None, delete: bool) -> None:
    given = [bool(file), bool(diff), bool(values)]
    if given.count(True) != 1:
        raise BlueshiftError(
            "one change is explained at a time" if any(given) else "there is no change to explain",
            hint="-f CHANGE.yaml, --diff OLD NEW or --values NEW.yaml; `blueshift explain --help` shows how",
        )
    if delete and not file:
        raise BlueshiftError("--delete goes with -f", hint="--diff sees itself what the new file has no more")


def _versioned(version: str) -> None:
    from blueshift.controllers.ingress_nginx.version import numbers

    found = numbers(version)
    # Forks count by years. What is between is the chart's own numbering.
    if version and not ((0, 49) <= found < (2,) or found >= (2000,)):
        raise BlueshiftError(
            f"{version!r} is no version of a controller from 0.49 on",
            place="--controller-version",
            hint="write it as 1.11.3; of a chart, `helm show chart` tells it as appVersion",
        )


async def _live(
    wanted: Wanted, file: Path | None, values: Path | None, namespace: str, delete: bool
) -> Explanation:
    from blueshift.app.explain import of_file, of_values
    from blueshift.app.rbac import without_dns
    from blueshift.app.session import open_session
    from blueshift.app.temporary import without_target
    from blueshift.clock import SystemClock

    path = str(wanted.kubeconfig) if wanted.kubeconfig else None
    config = without_target(without_dns(wanted.settings()))
    async with open_session(config, SystemClock(), kubeconfig=path, context=wanted.context) as session:
        if values:
            return await of_values(session, values)
        assert file is not None
        return await of_file(session, file, namespace=namespace, delete=delete)
