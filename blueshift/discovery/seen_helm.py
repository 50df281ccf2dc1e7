"""What looks at a release's records find: plain data that a World keeps."""

from __future__ import annotations

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """The revisions of the release that Helm still has."""

    revisions: tuple[int, ...] = ()


class Client(msgspec.Struct, frozen=True):
    """Which Helm made the running revision, and which would make the next."""

    version: str
    """Of the helm program here."""
    apply_method: str = ""
    """Of the running revision's record: `ssa`, `csa` (Helm 4 alone writes it), or empty for Helm 3."""
    operations: tuple[str, ...] = ()
    """How the manager `helm` wrote the workload: `Apply` (on the server), `Update` (by the client)."""

    @property
    def on_server(self) -> bool:
        """Whether the next revision is applied on the server: Helm 4 goes on as the last one was applied
        (`--server-side=auto`, helm v4.0 pkg/action/upgrade.go), Helm 3 knows the client alone."""
        return int(self.version.partition(".")[0]) >= 4 and self.apply_method == "ssa"
