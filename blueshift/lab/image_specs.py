"""The lab's images: two releases of the controller that really differ, and the echo application."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.lab.image_layer import Entry
from blueshift.lab.image_packages import PackageSet
from blueshift.lab.images import ImageSpec

REGISTRY = "registry.lab.test"
"""Under `.test` (RFC 6761), so nothing can ever be pulled from it: images are imported."""

_PATH = ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
# As in the official image: uid 101, gid 82.
_USER, _GROUP = 101, 82
_ACCOUNTS = (
    Entry(
        path="etc/passwd", data=b"root:x:0:0::/root:/bin/bash\nwww-data:x:101:82::/var/www:/sbin/nologin\n"
    ),
    Entry(path="etc/group", data=b"root:x:0:\nwww-data:x:82:\n"),
    Entry(path="tmp", folder=True, mode=0o1777),
    Entry(path="usr/bin/sh", link="bash", mode=0o777),
)
# Wanted by package scripts and by programs that the images do not run.
_INSTALL_TIME = (
    "perl*", "libperl*", "lib*-perl", "libgdbm*", "usrmerge", "debconf", "dpkg", "tar", "init-system-helpers",
    "iproute2", "libdb5.3*", "libbpf*", "libelf*", "libtirpc*", "libxtables*", "libcap2-bin",
)  # fmt: skip


class Release(msgspec.Struct, frozen=True):
    """What one controller image is built on."""

    suite: str
    """Debian suite that nginx comes from: bookworm has 1.22, trixie 1.26."""
    http2: str
    """How this nginx is told to speak HTTP/2: `listen` parameter, or `directive` (nginx 1.25.1)."""


RELEASES = {
    "1.11.3": Release(suite="bookworm", http2="listen"),
    "1.12.1": Release(suite="trixie", http2="directive"),
}
"""By controller version, which is the chart's appVersion too."""


def controller_image(version: str, tools: Path) -> ImageSpec:
    """The ingress-nginx image of `version`; `tools` holds `nginx` (the controller), `dbg`, `waitshutdown`.

    Raises BlueshiftError for a version that the lab does not have.
    """
    release = RELEASES.get(version)
    if release is None:
        raise BlueshiftError(
            f"the lab has no controller {version}", hint=f"Choose one of {', '.join(RELEASES)}."
        )
    packages = PackageSet(
        suite=release.suite,
        names=(
            "nginx", "libnginx-mod-http-lua", "libnginx-mod-http-headers-more-filter", "libnginx-mod-stream",
            "libnginx-mod-stream-js", "lua-resty-core", "lua-resty-lrucache", "lua-cjson",
            "dumb-init", "bash", "coreutils", "curl", "grep", "procps", "sed",
        ),
        without=_INSTALL_TIME,
    )  # fmt: skip
    return ImageSpec(
        name=f"{REGISTRY}/ingress-nginx/controller:v{version}",
        packages=packages,
        entries=(*_ACCOUNTS, *_controller_entries(tools)),
        entrypoint=("/usr/bin/dumb-init", "--"),
        command=("/nginx-ingress-controller",),
        environment=(_PATH, ("LAB_CONTROLLER_VERSION", f"v{version}"), ("NGINX_HTTP2", release.http2)),
        user="www-data",
        folder="/etc/nginx",
        bind_low_ports=("nginx-ingress-controller", "usr/bin/dumb-init", "usr/sbin/nginx"),
    )


def echo_image(server: Path) -> ImageSpec:
    """The application behind the lab's Ingresses: `server` is one self-contained Python file."""
    return ImageSpec(
        name=f"{REGISTRY}/echo:1",
        packages=PackageSet(
            suite="bookworm", names=("python3", "python3-aiohttp", "bash"), without=_INSTALL_TIME
        ),
        entries=(*_ACCOUNTS, Entry(path="app/echo_server.py", data=server.read_bytes())),
        entrypoint=("/usr/bin/python3", "/app/echo_server.py"),
        environment=(_PATH, ("PYTHONUNBUFFERED", "1")),
    )


def _controller_entries(tools: Path) -> Iterator[Entry]:
    ours = files("blueshift.lab") / "controller"
    for path, tool in {
        "nginx-ingress-controller": "nginx",
        "dbg": "dbg",
        "wait-shutdown": "waitshutdown",
    }.items():
        yield Entry(path=path, data=(tools / tool).read_bytes(), mode=0o755)
    for path in ("etc/nginx", "etc/nginx/lua", "etc/nginx/template", "tmp/nginx", "var/log/nginx"):
        yield _owned_folder(path)
    for name in ("", "/auth", "/geoip", "/ssl", "/telemetry"):
        yield _owned_folder(f"etc/ingress-controller{name}")
    yield Entry(path="etc/nginx/nginx.conf", data=_START_CONF, user=_USER, group=_GROUP)
    yield Entry(path="etc/nginx/template/nginx.tmpl", data=controller_template().encode())
    yield Entry(path="etc/nginx/stream.js", data=(ours / "stream.js").read_bytes())
    for script in _sorted(ours / "lua"):
        yield Entry(path=f"etc/nginx/lua/{script.name}", data=script.read_bytes())
    yield Entry(path="usr/bin/nginx", link="../sbin/nginx", mode=0o777)
    yield Entry(path="var/log/nginx/access.log", link="/dev/stdout", mode=0o777)
    yield Entry(path="var/log/nginx/error.log", link="/dev/stderr", mode=0o777)


def controller_template() -> str:
    """The template as the controller reads it: the main file first, then the parts that it names."""
    folder = files("blueshift.lab") / "controller" / "template"
    parts = sorted(_sorted(folder), key=lambda part: part.name != "nginx.tmpl")
    return "".join(part.read_text() for part in parts)


# The controller starts nginx before it has rendered anything.
_START_CONF = b"pid /tmp/nginx/nginx.pid;\ndaemon off;\nevents {}\nerror_log /var/log/nginx/error.log;\n"


def _owned_folder(path: str) -> Entry:
    return Entry(path=path, folder=True, mode=0o755, user=_USER, group=_GROUP)


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda item: item.name)
