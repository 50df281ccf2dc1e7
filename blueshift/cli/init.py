"""`blueshift init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.options import run_async
from blueshift.cli.output import say
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.app.init import Candidate, Survey, Zones
    from blueshift.dns.key import KeySource

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "-o", "--output", type=_FILE, default=Path("blueshift.yaml"), show_default=True, help="The file to write."
)
@click.option("--kubeconfig", type=_FILE, envvar="BLUESHIFT_KUBECONFIG", help="Kubeconfig of the cluster.")
@click.option("--context", envvar="BLUESHIFT_CONTEXT", help="Context of the kubeconfig.")
@click.option("--release", help="The Helm release to upgrade, if the cluster has several controllers.")
@click.option("--namespace", help="The namespace of that release.")
@click.option("--dns-server", metavar="HOST[:PORT]", help="Takes DNS updates; else as the zone's SOA says.")
@click.option("--key-file", metavar="FILE", help="The TSIG key is in this file, as BIND writes it.")
@click.option("--key-env", metavar="NAME", help="The TSIG key is in this environment variable.")
@click.option(
    "--key-secret", metavar="NS/NAME[:FIELD]", help="The TSIG key is in this Secret; field `key` by default."
)
@click.option("--no-key", is_flag=True, help="Updates are not signed: the server goes by address.")
@click.option("--chart", metavar="REF", help="Target chart: a folder, .tgz, oci://…, or a repository's URL.")
@click.option("--to-version", metavar="V", help="Version of the target chart.")
@click.option("--resolver", metavar="HOST[:PORT]", help="Finds zones; else this machine's resolver.")
@click.option("--yes", is_flag=True, help="Do not ask: take what was found.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def init(
    output: Path,
    kubeconfig: Path | None,
    context: str | None,
    release: str | None,
    namespace: str | None,
    dns_server: str | None,
    key_file: str | None,
    key_env: str | None,
    key_secret: str | None,
    no_key: bool,
    chart: str | None,
    to_version: str | None,
    resolver: str | None,
    yes: bool,
    force: bool,
) -> None:
    """Look at a cluster and write a commented blueshift.yaml.

    Finds the releases that are ingress controllers, their classes, hosts and addresses, and where DNS points:
    which zones, and which server takes updates for them. Asks only what it cannot find out, and each
    question has an option for use without a terminal. Changes nothing but the file, which holds no secret:
    it says where the TSIG key is.

    \b
        blueshift init
        blueshift init --yes --release ingress-nginx --key-file ./update.key \\
            --chart https://kubernetes.github.io/ingress-nginx --to-version 4.12.1
    """
    from blueshift.app import init as looks
    from blueshift.app import init_file
    from blueshift.clock import SystemClock
    from blueshift.dns.authority import Directory

    if output.exists() and not force:
        raise looks.exists(output)
    key = _key_option(key_file, key_env, key_secret, no_key)
    if to_version and not chart:
        raise BlueshiftError(
            f"--to-version {to_version} of which chart?",
            hint="name it: `--chart` with a folder, oci://…, or the URL of a chart repository",
        )
    answers = Answers(ask=not yes and sys.stdin.isatty())
    clock = SystemClock()
    seen = run_async(_survey(kubeconfig, context))
    candidate = answers.release(seen, looks.matching(seen, release, namespace))
    looks.fit(candidate)
    say(f"{candidate.name}: {candidate.said}")
    say(f"asking DNS about {len(candidate.found.hosts)} hosts …")
    zones = run_async(looks.zones(Directory(resolver), candidate.found, clock))
    say(zones.said)
    server, port = answers.server(dns_server, zones)
    source = key if key or no_key else answers.key()
    ref, version = (chart, to_version) if chart else answers.chart(candidate)
    if source is not None:
        run_async(_see_key(kubeconfig, context, source))
    if ref:
        looks.see_chart(ref, candidate.chart)
    choices = init_file.Choices(
        taken=clock.utc(),
        cluster=seen.cluster,
        candidate=candidate,
        zones=zones,
        server=server,
        port=port,
        key=init_file.moved(source, output.parent),
        chart=init_file.chart_of(ref, version, candidate.chart, output.parent) if ref else None,
        resolver=resolver,
        kubeconfig=init_file.relative(str(kubeconfig), output.parent) if kubeconfig else None,
        context=context,
    )
    looks.write(init_file.text(choices), output, force=force)
    where = "" if output == Path("blueshift.yaml") else f" --config {output}"
    say(f"wrote {output}; next: blueshift check{where}")


class Answers:
    """The answers to what could not be found out: asked, or the error that names the option."""

    def __init__(self, ask: bool) -> None:
        self.ask = ask

    def release(self, seen: Survey, chosen: tuple[Candidate, ...]) -> Candidate:
        """Which release, if there are several."""
        for other in seen.others:
            say(f"note: no Helm release holds {other}; it cannot be upgraded by Blueshift")
        if len(chosen) == 1:
            return chosen[0]
        names = [one.name for one in chosen]
        if not self.ask:
            raise BlueshiftError(
                f"there are {len(chosen)} ingress controllers: {', '.join(names)}",
                hint="name one: `--namespace NAMESPACE --release RELEASE`",
            )
        for one in chosen:
            say(f"  {one.name}: {one.said}")
        name = click.prompt("Which one", type=click.Choice(names), default=names[0], err=True)
        return chosen[names.index(name)]

    def server(self, given: str | None, zones: Zones) -> tuple[str, int]:
        """The server that takes updates, and its port."""
        from blueshift.dns.wire import endpoint

        guess = zones.server
        if given is None and not guess:
            if not self.ask:
                why = next(iter(zones.where.unknown.values()), "no host that was looked up points here")
                raise BlueshiftError(
                    f"DNS does not tell which server takes updates: {why}",
                    hint="name it: `--dns-server HOST[:PORT]`, or a resolver that knows: `--resolver HOST`",
                )
            given = click.prompt("Server that takes DNS updates, host[:port]", err=True)
        try:
            return endpoint(given) if given else (guess, 53)
        except ValueError as error:
            raise BlueshiftError(
                str(error), place="--dns-server", hint="for example ns1.example.org"
            ) from None

    def key(self) -> KeySource | None:
        """Where the TSIG key is."""
        if not self.ask:
            raise BlueshiftError(
                "where is the TSIG key that signs DNS updates?",
                hint="say so: `--key-file FILE`, `--key-env NAME`, `--key-secret NS/NAME`, or `--no-key`",
            )
        kinds = {
            "file": "File, as BIND writes it",
            "env": "Name of the variable",
            "secret": "Secret, NAMESPACE/NAME[:FIELD]",
        }
        kind = click.prompt(
            "TSIG key: in a file, an environment variable, a Secret, or none",
            type=click.Choice([*kinds, "none"]),
            default="file",
            err=True,
        )
        if kind == "none":
            return None
        value = click.prompt(kinds[kind], err=True)
        given = {name: value if name == kind else None for name in kinds}
        return _key_option(given["file"], given["env"], given["secret"], False)

    def chart(self, candidate: Candidate) -> tuple[str, str | None]:
        """The target's chart and its version; empty for none."""
        if not self.ask:
            return "", None
        ref = click.prompt(
            f"Target chart (now {candidate.chart} {candidate.chart_version}): folder, .tgz, oci://…, "
            "URL of a chart repository, or empty to name it later",
            default="",
            show_default=False,
            err=True,
        )
        if "://" not in ref:
            return ref, None
        return ref, click.prompt("Its version", err=True)


def _key_option(file: str | None, env: str | None, secret: str | None, none: bool) -> KeySource | None:
    from blueshift.dns.key import KeySource, SecretField

    if sum(map(bool, (file, env, secret, none))) > 1:
        raise click.UsageError("--key-file, --key-env, --key-secret and --no-key exclude each other")
    if secret:
        place, _, field = secret.partition(":")
        namespace, _, name = place.partition("/")
        if not namespace or not name:
            raise BlueshiftError(
                f"expected NAMESPACE/NAME, found {place!r}",
                place="--key-secret",
                hint="for example dns/update-key",
            )
        return KeySource(secret=SecretField(namespace, name, field or "key"))
    return KeySource(file=file, env=env) if file or env else None


async def _survey(kubeconfig: Path | None, context: str | None) -> Survey:
    from blueshift.app.init import survey
    from blueshift.app.session import connect
    from blueshift.clock import SystemClock

    path = str(kubeconfig) if kubeconfig else None
    clock = SystemClock()
    async with connect(clock, kubeconfig=path, context=context) as kube:
        say(f"looking at {kube.server} …")
        return await survey(kube, clock)


async def _see_key(kubeconfig: Path | None, context: str | None, source: KeySource) -> None:
    from blueshift.app.init import see_key
    from blueshift.app.session import connect
    from blueshift.clock import SystemClock

    path = str(kubeconfig) if kubeconfig else None
    async with connect(SystemClock(), kubeconfig=path, context=context) as kube:
        await see_key(kube, source)
