"""What is in force in a controller, running or rendered, and what stands beside it: plain data."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in force in a controller: its flags over its ConfigMap over its version's defaults."""

    version: str
    controller: str
    """`spec.controller` of the classes that it serves."""
    ingress_class: str
    watches: str = ""
    """The one namespace that it watches; empty for all."""
    classless: bool = False
    class_by_name: bool = False
    metrics: bool = True
    metrics_port: int = 10254
    metrics_per_host: bool = True
    access_log: bool = True
    access_log_why: str = ""
    """Why the log shows not every request: `disable-access-log`, a file, `skip-access-log-urls`."""
    log_format: str = ""
    """Empty for the version's default."""
    proxy_protocol: bool = False
    forwarded_headers: bool = False
    """Whether it believes what X-Forwarded-For says of the client."""
    worker_shutdown_timeout: int = 240
    """Seconds that old workers keep their connections after a reload or a quit."""
    shutdown_grace: int = 0
    """Seconds that the controller still serves after SIGTERM, unready."""
    post_shutdown: int = 10
    """Seconds that it stays after nginx has ended."""
    update_status: bool = True
    blanks_status: bool = True
    """Whether the last pod takes the addresses out of the Ingresses when it ends."""
    publish_service: str = ""
    """`namespace/name` of the Service whose addresses it publishes."""
    keepalive_seconds: int = 75
    keepalive_requests: int = 1000
    status_port: int = 10246
    ports: tuple[int, ...] = (80, 443)
    """At which clients of HTTP come, inside the pod."""
    own_ports: tuple[int, ...] = (10254, 8443)
    """At which the controller answers and not nginx: metrics and probes of health, the webhook."""
    image: str = ""
    grace: int = 30
    """terminationGracePeriodSeconds."""
    slept: int = 0
    """Seconds that its preStop hook sleeps; they count against `grace`."""
    keys: tuple[str, ...] = ()
    """Of its ConfigMap, without the values."""
    snippets: bool = False
    """Whether snippets in annotations are put into the configuration."""
    risk: str = "Critical"
    """The highest risk of an annotation with which an Ingress is still served."""
    strict_paths: bool = False
    cross_namespace: bool = True
    """Whether annotations may name Secrets and ConfigMaps of other namespaces."""
    validates: bool = False
    """Whether values of annotations must match a pattern."""
    webhook: bool = False
    """Whether it judges Ingresses as they are written."""
    prefix: str = "nginx.ingress.kubernetes.io"
    """Of its annotations."""
    plugins: tuple[str, ...] = ()
    """Lua plugins that it loads."""
    template: str = ""
    """`namespace/name` of the ConfigMap that is mounted over its nginx.tmpl."""
    streams: dict[str, str] = {}
    """`TCP`, `UDP` → `namespace/name` of the ConfigMap with the services behind its ports."""


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side as it is, or as it would be."""

    settings: Settings
    chart_version: str = ""
    chart_image: str = ""
    """The image that its chart installs unless told otherwise; empty where the chart names none."""
    classes: tuple[str, ...] = ()
    """IngressClasses of its controller among its own objects."""
    streams: dict[str, str] = {}
    """`TCP 9000` → the Service behind it, as its ConfigMap writes it."""
    template_uses: tuple[str, ...] = ()
    """What its custom nginx.tmpl uses that not every version has."""
    sends_proxy: dict[str, str] = {}
    """Service → the annotation by which its load balancer is asked to send PROXY headers."""
    unread: dict[str, str] = {}
    """ConfigMap (`namespace/name`) → why it could not be read."""
