"""`blueshift.yaml`: what to upgrade, to what, and how names are moved. It never holds a secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.playbook.convert import LocalPath, NameOrPath, Raw, collect
from blueshift.playbook.names import Namespace, ReleaseName
from blueshift.playbook.tree import Mapping, Node, Scalar, invalid

Text = Annotated[str, msgspec.Meta(min_length=1)]
DEFAULT = "blueshift.yaml"
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie"})


class Release(msgspec.Struct, frozen=True):
    """The Helm release to upgrade: the primary."""

    name: ReleaseName
    namespace: Namespace


class Cluster(msgspec.Struct, frozen=True):
    """Which cluster; by default what kubectl would use."""

    kubeconfig: LocalPath | None = None
    context: str | None = None
    state_namespace: Namespace = "blueshift"
    """Where runs keep their journal."""


class Chart(msgspec.Struct, frozen=True):
    """The target's chart: exactly one of `path`, `oci`, and `repo` with `name`."""

    path: LocalPath | None = None
    oci: str | None = None
    """`oci://…`"""
    repo: str | None = None
    """`https://…`"""
    name: str | None = None
    """The chart's name in `repo`."""
    version: Text | None = None

    def __post_init__(self) -> None:
        given = [kind for kind in ("path", "oci", "repo") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of `path`, `oci` and `repo`")
        if (self.repo is None) != (self.name is None):
            raise ValueError("`repo` and `name` go together")
        if self.path is None and self.version is None:
            raise ValueError(
                "say which `version` of the chart: without one it would be whichever is newest then"
            )
        if self.oci is not None and not self.oci.startswith("oci://"):
            raise ValueError("`oci` begins with oci://")
        if self.repo is not None and not self.repo.startswith(("https://", "http://", "file://")):
            raise ValueError("`repo` is a URL, such as https://kubernetes.github.io/ingress-nginx")
        if urlsplit(self.repo or self.oci or "").password:
            raise ValueError(
                "a password in a chart's URL would be seen by all on this machine, in helm's arguments: "
                "pull the chart, and name its folder or .tgz by `path`"
            )


class Values(msgspec.Struct, frozen=True):
    """The target's values: `base`, then each file, then `inline`; later ones win, key by key."""

    base: Literal["running", "chart"] = "running"
    """`running`: what the user set in the running release. `chart`: the chart's defaults alone."""
    files: tuple[LocalPath, ...] = ()
    inline: dict[str, Any] = {}


class Controller(msgspec.Struct, frozen=True):
    """The ingress controller that the release holds."""

    profile: Text | None = None
    """By default recognised by its workload."""


class Dns(msgspec.Struct, frozen=True):
    """How names are read and moved."""

    backend: Text = "rfc2136"
    settings: Raw = None
    """Of the type that belongs to the backend."""
    zones: tuple[Text, ...] = ()
    """Where zones begin, if what the resolver says is not what counts (split horizon)."""
    resolver: Text | None = None
    """The recursive resolver that finds zones and servers: address[:port]; by default the machine's."""
    authorities: tuple[Text, ...] = ()
    """Authoritative servers as address[:port], instead of the zone's NS records."""
    recursives: tuple[Text, ...] = ()
    """Recursive resolvers as address[:port], whose answers are shown while a run goes on."""


class Hosts(msgspec.Struct, frozen=True):
    """What is known about hosts that Blueshift cannot find out."""

    acknowledged: tuple[Text, ...] = ()
    """Hosts (or `*.suffix`) that point elsewhere, or nowhere, and that is right so."""


class Checks(msgspec.Struct, frozen=True):
    """What is known about what the preflight checks warn of."""

    acknowledged: tuple[Text, ...] = ()
    """Ids of checks whose warnings are known."""


class Temporary(msgspec.Struct, frozen=True):
    """The release that carries traffic meanwhile."""

    release: ReleaseName | None = None
    """Its name; by default the primary's with `-blueshift`."""
    namespace: Literal["own", "same"] = "own"
    """`own`: a namespace of its own, made and removed by the run."""


class Token(msgspec.Struct, frozen=True):
    """Where a bearer token comes from: exactly one of `file` and `env`. Holds no token itself."""

    file: LocalPath | None = None
    """Read anew each time, since tokens of service accounts are renewed."""
    env: Text | None = None
    """Name of an environment variable."""

    def __post_init__(self) -> None:
        if (self.file is None) == (self.env is None):
            raise ValueError("give exactly one of `file` and `env`")


class Prometheus(msgspec.Struct, frozen=True):
    """A Prometheus, or what speaks its HTTP API, that reads the controller's pods."""

    url: Text
    """`https://HOST[:PORT][/PREFIX]`, before `/api/v1/query`."""
    token: Token | None = None
    ca: LocalPath | None = None
    """PEM file that its certificate must lead to; by default what the machine trusts."""
    labels: dict[str, Text] = {}
    """Labels that the series of this cluster have, where it keeps those of several."""
    headers: dict[str, Text] = {}
    """Headers that are no secret, such as a tenant's name."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("`url` is a URL, such as http://prometheus.monitoring.svc:9090")
        if parts.username or parts.password:
            raise ValueError("a name or a password does not stand in `url`: `token` says where one is")
        if wrong := [name for name in self.labels if not _LABEL.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} cannot be the name of a label")
        if any(name.lower() in _SECRET for name in self.headers):
            raise ValueError("a credential does not stand in `headers`: `token` says where one is")
        for name, value in self.headers.items():
            if not (_HEADER.fullmatch(name) and value.isascii() and value.isprintable()):
                raise ValueError(f"{name!r} is no header with its value")


class Traffic(msgspec.Struct, frozen=True):
    """How requests are counted."""

    prometheus: Prometheus | None = None
    """Asked where a pod's own metrics cannot be read."""


class Config(msgspec.Struct, frozen=True):
    """The whole file."""

    release: Release
    dns: Dns
    chart: Chart | None = None
    """None: the chart of the running release."""
    cluster: Cluster = Cluster()
    values: Values = Values()
    controller: Controller = Controller()
    hosts: Hosts = Hosts()
    checks: Checks = Checks()
    temporary: Temporary = Temporary()
    traffic: Traffic = Traffic()
    playbook: NameOrPath = "blue-green"
    overrides: Raw = None
    """Step id → partial settings, as nodes: the playbook's loader takes them with their places."""
    hooks: Raw = None
    """A list of hooks, as a node: which events there are is for the playbook's loader to say."""
    groups: Raw = None
    """Traffic group → what differs for it from the rest of the file. Once read: group → its Release."""

    @property
    def group(self) -> str:
        """The group that the file names this release; empty where it names none."""
        return next((name for name, of in (self.groups or {}).items() if of == self.release), "")


SettingsOf = Callable[[str], type[msgspec.Struct]]
"""Backend → the type of its settings; raises BlueshiftError for one that nobody offers."""


def config_of(root: Node, settings_of: SettingsOf, errors: list[BlueshiftError]) -> Config | None:
    """Convert a file, or what is left of it for one group, its DNS backend's settings too.

    Every fault is added to `errors`; None where there is one.
    """
    before = len(errors)
    config = collect(root, Config, errors)
    settings = _settings(root, settings_of, errors)
    if config is None or len(errors) > before:
        return None
    dns = msgspec.structs.replace(config.dns, settings=settings)
    return msgspec.structs.replace(config, dns=dns)


def _settings(root: Node, settings_of: SettingsOf, errors: list[BlueshiftError]) -> msgspec.Struct | None:
    """Convert `dns.settings` by itself, so that its faults show beside those of the rest."""
    dns = root.get("dns") if isinstance(root, Mapping) else None
    if not isinstance(dns, Mapping):
        return None
    named = dns.get("backend")
    backend = named.value if isinstance(named, Scalar) else None
    try:
        kind = settings_of(backend if isinstance(backend, str) else Dns().backend)
    except BlueshiftError as error:
        place = dns.place if named is None else named.place
        errors.append(invalid(place, error.message, hint=error.hint))
        return None
    return collect(dns.get("settings") or Mapping((), dns.place), kind, errors)
