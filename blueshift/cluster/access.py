"""From kubeconfig (or a pod's service account) to a server address, a TLS context and current credentials."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from blueshift.clock import Clock
from blueshift.cluster.client import (
    ConfigException,
    Configuration,
    kube_config,
    load_incluster_config,
    load_kube_config,
)
from blueshift.cluster.errors import ApiUnreachable
from blueshift.errors import BlueshiftError
from blueshift.playbook import files
from blueshift.playbook.bounds import bounded, unprintable
from blueshift.playbook.files import expanded

# Credentials are read anew at most this often: exec plugins cost a process, token files rotate hourly.
_REFRESH = 60.0
_VIEW = "`kubectl config view` shows how it is read"
_UNUSABLE = (ConfigException, ValueError, OSError, KeyError, TypeError, AttributeError)
"""What the library raises for a kubeconfig that is YAML, and not as it should be."""


class Access:
    """How to reach one API server as one user."""

    def __init__(self, clock: Clock, configuration: Any, loader: Any, context: str, server: str) -> None:
        self._clock = clock
        self._configuration = configuration
        self._loader = loader
        self._read = clock.now()
        self.context = context
        self.server = server
        self._place = f"kubeconfig, context {context}" if context else "the pod's own account"
        self.proxy: str | None = configuration.proxy
        self.server_name: str | None = configuration.tls_server_name
        self.tls = _tls(configuration)

    async def headers(self, *, anew: bool = False) -> dict[str, str]:
        """The Authorization header, read again from its source when it is old or `anew`."""
        if self._loader is not None and (anew or self._clock.now() - self._read > _REFRESH):
            self._read = self._clock.now()
            try:
                with _heard():
                    await self._loader.load_and_set(self._configuration)
            except _UNUSABLE as error:
                raise ApiUnreachable(f"the credentials cannot be read again: {error}") from error
            finally:
                kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]
        value = await self._configuration.get_api_key_with_prefix("BearerToken")
        if value and not (value.isascii() and value.isprintable()):
            why = "its token has characters that no HTTP header may hold, perhaps a line's end"
            raise BlueshiftError(why, place=self._place, hint=_VIEW)
        return {"Authorization": value} if value else {}


async def load(clock: Clock, kubeconfig: str | None, context: str | None) -> Access:
    """Read the configuration as kubectl does: the file given, $KUBECONFIG, ~/.kube/config, then in-cluster.

    Raises BlueshiftError for a missing or broken file or an unknown context.
    """
    given = kubeconfig or os.environ.get("KUBECONFIG") or ""
    spec = given or _default()
    if not spec:
        return _in_cluster(clock, context)
    current = _check(spec, context)
    configuration: Any = Configuration()
    try:
        with _heard():
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=spec, context=current, client_configuration=configuration, persist_config=False
            )
        return Access(clock, configuration, loader, current, _server(configuration, spec))
    except _UNUSABLE as error:
        lacks = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise BlueshiftError(lacks, place=spec, hint=_VIEW) from error
    finally:
        # It writes keys and certificates of the kubeconfig into files, which a kill would leave behind.
        kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]


class _Said(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See Handler."""
        self.words.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[None]:
    """Raises what the library only logs: that a login program failed. It would go on as nobody."""
    said = _Said()
    kube_config.logger.addHandler(said)
    try:
        yield
    finally:
        kube_config.logger.removeHandler(said)
    if said.words:
        raise ConfigException(f"the login program of its user gives no credentials: {'; '.join(said.words)}")


def _in_cluster(clock: Clock, context: str | None) -> Access:
    configuration: Any = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException:
        raise BlueshiftError(
            "there is no kubeconfig: neither --kubeconfig nor $KUBECONFIG nor ~/.kube/config, "
            "and this is not a pod of a cluster",
            hint="name one with --kubeconfig FILE, or try a lab: `blueshift lab up`",
        ) from None
    if context:
        raise BlueshiftError(f"context {context} needs a kubeconfig", hint="name one with --kubeconfig FILE")
    return Access(clock, configuration, None, "", _server(configuration, ""))


def _default() -> str:
    path = Path("~/.kube/config").expanduser()
    return str(path) if path.exists() else ""


def _check(spec: str, context: str | None) -> str:
    """The context to use; raises with a place and a remedy what the library would say less clearly."""
    contexts: dict[str, Any] = {}
    current = ""
    paths = [expanded(part) for part in spec.split(os.pathsep) if part]
    found = [path for path in paths if os.path.lexists(path)]
    if not found:
        raise BlueshiftError(
            "there is no such kubeconfig file", place=spec, hint="name another with --kubeconfig FILE"
        )
    for path in found:
        config = _parse(path)
        for entry in config["contexts"]:
            contexts.setdefault(str(entry.get("name")), entry)
        current = current or str(config.get("current-context") or "")
    names = ", ".join(sorted(contexts)) or "none"
    wanted = context or current
    if not wanted:
        raise BlueshiftError(
            "it has no current-context", place=spec, hint=f"name one with --context; it has: {names}"
        )
    if wanted not in contexts:
        raise BlueshiftError(
            f"it has no context {wanted}", place=spec, hint=f"name one with --context; it has: {names}"
        )
    return wanted


def _parse(path: Path) -> Mapping[str, Any]:
    """A kubeconfig whose lists are lists of mappings, as what reads it takes for granted."""
    place = str(path)
    text = files.text(files.read(path, hint=_VIEW), place)
    if found := unprintable(text, place):
        raise BlueshiftError(found[1], place=found[0], hint=_VIEW)

    def fault(event: Any, why: str) -> BlueshiftError:
        return BlueshiftError(
            why, place=f"{path}:{event.start_mark.line + 1}:{event.start_mark.column + 1}", hint=_VIEW
        )

    try:
        for _ in bounded(yaml.parse(text), fault):
            pass
        config = yaml.safe_load(text)
    except (yaml.MarkedYAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else place
        raise BlueshiftError(
            f"is not YAML: {getattr(error, 'problem', error)}", place=at, hint=_VIEW
        ) from error
    if not isinstance(config, dict):
        raise BlueshiftError("is not a kubeconfig: no mapping at its top", place=place, hint=_VIEW)
    for key, inner in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
        entries = config.get(key) or []
        named = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        if not named or not all(isinstance(entry.get(inner) or {}, dict) for entry in entries):
            why = f"is not a kubeconfig: `{key}` is no list of entries with `name` and `{inner}`"
            raise BlueshiftError(why, place=place, hint=_VIEW)
        config[key] = entries
    return config


def _server(configuration: Any, spec: str) -> str:
    """The API server's URL. Raises BlueshiftError for one that nothing could be asked at."""
    server = str(configuration.host).rstrip("/")
    try:
        parts = urlsplit(server)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not server.isprintable() or " " in server:
        raise BlueshiftError(
            f"its server {server!r} is no URL such as https://HOST:6443", place=spec or None, hint=_VIEW
        )
    return server


def _tls(configuration: Any) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    except (OSError, ssl.SSLError) as error:
        raise BlueshiftError(
            f"the certificates of the kubeconfig cannot be used: {error}",
            place=str(configuration.host),
            hint="`kubectl config view --minify --raw` shows them; a path in it may be wrong",
        ) from error
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # Python 3.13 made this the default, and many clusters' own CAs lack the extensions that it asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
