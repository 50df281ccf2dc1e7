"""`blueshift rbac`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blueshift.cli.options import cluster_options, config_option, run_async, yaml_output
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.app.roles import Subject
    from blueshift.cli.work import Wanted
    from blueshift.playbook.config import Config


@click.command()
@click.option(
    "--role", type=click.Choice(("runner", "approver", "viewer")), required=True, help="Whose rights."
)
@config_option
@click.option("--release", "-r", metavar="NAME", help="The Helm release, instead of the settings'.")
@click.option("--namespace", "-n", metavar="NAMESPACE", help="Its namespace, instead of the settings'.")
@click.option("--chart", metavar="REF", help="Chart of the target, as in `plan`.")
@click.option("--to-version", metavar="V", help="Chart version of the target, as in `plan`.")
@click.option("--user", "users", multiple=True, metavar="NAME", help="Bind to this user; may be repeated.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Bind to this group.")
@click.option(
    "--service-account", "accounts", multiple=True, metavar="NAMESPACE:NAME", help="Bind to this account."
)
@cluster_options
@yaml_output
def rbac(
    role: str,
    config: Path,
    release: str | None,
    namespace: str | None,
    chart: str | None,
    to_version: str | None,
    users: tuple[str, ...],
    groups: tuple[str, ...],
    accounts: tuple[str, ...],
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    """Print the least rights that somebody needs, as manifests.

    runner: what the steps do, what Helm needs for every object that the running release, the temporary and
    the target render, and what these pass on to their pods; without `escalate` and `bind`. In the control
    namespace it only reads. The temporary's namespace is made beforehand, so that rights on its Secrets end
    with it.

    approver: words to runs (approve, proceed, pause, abort, panic) and nothing else, with the admission
    policy that holds each word to its speaker's name.

    viewer: what status, show, plan and check read.

    Without an account, user or group the role is bound to a group named as the role is, such as
    blueshift:runner. Whoever applies the manifests must hold the rights in them, as a cluster-admin does.
    Nothing is changed by printing. What each role still reaches: docs/rights.md.

    \b
        blueshift rbac --role runner --service-account ops:blueshift | kubectl apply -f -
        blueshift rbac --role runner --release ingress-nginx -n ingress-nginx
        blueshift rbac --role approver --group sre | kubectl apply -f -
    """
    subjects = _subjects(role, users, groups, accounts)
    if role == "approver":
        from blueshift.app.rbac import approver

        _print(approver(_state(config, state_namespace), subjects), output)
        return
    from blueshift.cli.work import Wanted

    wanted = Wanted(config, kubeconfig, context, state_namespace, to_version=to_version, chart=chart)
    _print(run_async(_manifests(wanted, role, release, namespace, subjects)), output)


async def _manifests(
    wanted: Wanted, role: Any, release: str | None, namespace: str | None, subjects: tuple[Subject, ...]
) -> list[dict[str, Any]]:
    from blueshift.app import configuration
    from blueshift.app.rbac import manifests, without_dns
    from blueshift.app.session import open_session
    from blueshift.clock import SystemClock

    config = _config(wanted, release, namespace)
    playbook = configuration.playbook(config)
    path = str(wanted.kubeconfig) if wanted.kubeconfig else None
    async with open_session(
        without_dns(config), SystemClock(), kubeconfig=path, context=wanted.context
    ) as session:
        return await manifests(session, config, playbook, role, subjects)


def _config(wanted: Wanted, release: str | None, namespace: str | None) -> Config:
    """The settings with the options over them; without a file, those of the release that is named."""
    import msgspec

    from blueshift.playbook.config import Config, Dns, Release

    if wanted.config.exists():
        config = wanted.over(_settings(wanted, release, namespace))
        named = Release(release or config.release.name, namespace or config.release.namespace)
        return msgspec.structs.replace(config, release=named)
    if release is None or namespace is None:
        raise BlueshiftError(
            "there is no such file, and no release is named",
            place=str(wanted.config),
            hint="name it by --release NAME -n NAMESPACE; or `blueshift init` writes the file",
        )
    return wanted.over(Config(Release(release, namespace), Dns()))


def _settings(wanted: Wanted, release: str | None, namespace: str | None) -> Config:
    """Those of the group whose release is named, or the file's own; here --group is whom rights are for."""
    from blueshift.app import configuration
    from blueshift.playbook.config import Release

    file = configuration.written(wanted.config)
    named = file.with_release(Release(release, namespace)) if release and namespace else None
    if (config := named or file.unnamed) is not None:
        return config
    known = ", ".join(f"{of.namespace}/{of.name} ({name})" for name, of in file.releases.items())
    raise BlueshiftError(
        f"these settings are of {len(file.groups)} groups: {known}",
        place=file.path,
        hint="name the release of one: `--release NAME --namespace NAMESPACE`",
    )


def _state(config: Path, given: str) -> str:
    """The state namespace: the option, or the settings', or the default."""
    from blueshift.app import configuration

    if given != configuration.STATE_NAMESPACE or not config.exists():
        return given
    return configuration.written(config).cluster.state_namespace


def _subjects(
    role: str, users: tuple[str, ...], groups: tuple[str, ...], accounts: tuple[str, ...]
) -> tuple[Subject, ...]:
    from blueshift.app.roles import Subject

    found = [*(Subject("User", name) for name in users), *(Subject("Group", name) for name in groups)]
    for account in accounts:
        namespace, colon, name = account.partition(":")
        if not (namespace and colon and name):
            raise BlueshiftError(
                f"--service-account {account} names no account",
                hint="`--service-account NAMESPACE:NAME`",
            )
        found.append(Subject("ServiceAccount", name, namespace))
    return tuple(found) or (Subject("Group", f"blueshift:{role}"),)


def _print(objects: list[dict[str, Any]], output: str) -> None:
    if output == "json":
        from blueshift.cli.output import print_json

        print_json({"apiVersion": "v1", "kind": "List", "items": objects})
        return
    import yaml

    click.echo(yaml.safe_dump_all(objects, sort_keys=False, width=100), nl=False)
