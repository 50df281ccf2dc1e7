"""From kubeconfig (or a pod's service account) to a server address, a TLS context and current credentials."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, kube_config, load_incluster_config, load_kube_config

from blueshift.clock import Clock
from blueshift.cluster.errors import ApiUnreachable
from blueshift.errors import BlueshiftError

# Credentials are read anew at most this often: exec plugins cost a process, token files rotate hourly.
_REFRESH = 60.0


class Access:
    """How to reach one API server as one user."""

    def __init__(self, clock: Clock, configuration: Any, loader: Any, context: str) -> None:
        self._clock = clock
        self._configuration = configuration
        self._loader = loader
        self._read = clock.now()
        self.context = context
        self.server: str = str(configuration.host).rstrip("/")
        self.proxy: str | None = configuration.proxy
        self.server_name: str | None = configuration.tls_server_name
        self.tls = _tls(configuration)

    async def headers(self, *, anew: bool = False) -> dict[str, str]:
        """The Authorization header, read again from its source when it is old or `anew`."""
        if self._loader is not None and (anew or self._clock.now() - self._read > _REFRESH):
            self._read = self._clock.now()
            try:
                await self._loader.load_and_set(self._configuration)
            except (ConfigException, ValueError, OSError) as error:
                raise ApiUnreachable(f"the credentials cannot be read again: {error}") from error
            finally:
                kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]
        value = await self._configuration.get_api_key_with_prefix("BearerToken")
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
        loader = await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=spec, context=current, client_configuration=configuration, persist_config=False
        )
        return Access(clock, configuration, loader, current)
    except (ConfigException, ValueError, OSError) as error:
        raise BlueshiftError(
            str(error), place=spec, hint="`kubectl config view` shows how it is read"
        ) from error
    finally:
        # It writes keys and certificates of the kubeconfig into files, which a kill would leave behind.
        kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]


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
    return Access(clock, configuration, None, "")


def _default() -> str:
    path = Path("~/.kube/config").expanduser()
    return str(path) if path.exists() else ""


def _check(spec: str, context: str | None) -> str:
    """The context to use; raises with a place and a remedy what the library would say less clearly."""
    contexts: dict[str, Any] = {}
    current = ""
    paths = [Path(part).expanduser() for part in spec.split(os.pathsep) if part]
    found = [path for path in paths if path.exists()]
    if not found:
        raise BlueshiftError(
            "there is no such kubeconfig file", place=spec, hint="name another with --kubeconfig FILE"
        )
    for path in found:
        config = _parse(path)
        for entry in config.get("contexts") or []:
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
    try:
        config = yaml.safe_load(path.read_text())
    except OSError as error:
        raise BlueshiftError(f"cannot be read: {error.strerror}", place=str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise BlueshiftError(f"is not YAML: {error.problem}", place=place) from error
    if not isinstance(config, dict):
        raise BlueshiftError("is not a kubeconfig: no mapping at its top", place=str(path))
    return config


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
