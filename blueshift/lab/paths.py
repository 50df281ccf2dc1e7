"""Where the lab keeps things: a cache that all labs share, and one state folder for each lab."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from blueshift.errors import BlueshiftError

DEFAULT_NAME = "lab"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")


class Lab(msgspec.Struct, frozen=True):
    """One lab by name: the names and paths that belong to it alone. Exists whether or not it is up."""

    name: str
    root: Path
    """Its state folder; `down` removes it."""

    @property
    def netns(self) -> str:
        """Network namespace of the node, the control plane and DNS."""
        return f"blueshift-{self.name}"

    @property
    def clients_netns(self) -> str:
        """Network namespace of the clients, so that pods see each client's own address."""
        return f"blueshift-{self.name}-clients"

    @property
    def netns_path(self) -> Path:
        """Handle of `netns`."""
        return NETNS_FOLDER / self.netns

    @property
    def clients_netns_path(self) -> Path:
        """Handle of `clients_netns`."""
        return NETNS_FOLDER / self.clients_netns

    @property
    def facts(self) -> Path:
        """What `up` settled (facts.py)."""
        return self.root / "lab.json"

    @property
    def kubeconfig(self) -> Path:
        """Cluster-admin access, mode 0600."""
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Keys, certificates and tokens."""
        return self.root / "pki"

    @property
    def run(self) -> Path:
        """One file per process: who it is (processes.py)."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One file per process: what it said."""
        return self.root / "log"

    @property
    def config(self) -> Path:
        """Rendered configuration files."""
        return self.root / "config"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.root / "containerd.sock"


NETNS_FOLDER = Path("/run/netns")


SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def with_system_path() -> dict[str, str]:
    """This process's environment, in which a person's short PATH does not hide ip, nft and dpkg's helpers."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}".lstrip(":")}


def cache_folder() -> Path:
    """What may be rebuilt: tools, images, Go's own caches."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "blueshift"


def labs_folder() -> Path:
    """The folder of all labs' state folders."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "blueshift" / "labs"


def lab_named(name: str) -> Lab:
    """The lab of this name; raises BlueshiftError when the name cannot be one."""
    if not _NAME.fullmatch(name):
        raise BlueshiftError(
            f"a lab cannot be called {name!r}",
            hint="Use up to 24 lower-case letters, digits and hyphens, with a letter or digit at both ends.",
        )
    return Lab(name=name, root=labs_folder() / name)


def known_labs() -> tuple[Lab, ...]:
    """Labs that have a state folder, by name."""
    folder = labs_folder()
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return tuple(lab_named(name) for name in names if _NAME.fullmatch(name))


def _xdg(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG base directory specification: a relative path is invalid and ignored.
    return Path(value) if value.startswith("/") else Path.home() / default
