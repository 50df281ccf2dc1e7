"""What each backend may be told in blueshift.yaml; free of dnspython, so that the file is read fast."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from blueshift.dns.key import KeySource
from blueshift.playbook.duration import Seconds


class Rfc2136Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `dns.settings` says for the backend `rfc2136`."""

    server: Annotated[str, msgspec.Meta(min_length=1)]
    """Address or host name of the primary that takes updates."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 53
    key: KeySource | None = None
    """The TSIG key; without one, updates are unsigned and the server goes by address."""
    signed_reads: bool = False
    """Sign questions too: for a server that chooses its view by key."""
    timeout: Seconds = 10.0
    """How long an update may take."""
    max_batch: Annotated[int, msgspec.Meta(ge=2)] = 400
    """Changes in one message; 400 stay below 64 KB with names of 60 characters. A and AAAA go together."""
    min_ttl: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Seconds."""


class ManualSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `dns.settings` says for the backend `manual`."""

    provider: Literal["other", "route53", "google", "nsupdate"] = "other"
    """Whose command is printed beside the records."""
    within: Seconds = 86400.0
    """How long a person may take for what is asked for; then the run holds."""
    min_ttl: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Lowest TTL that the provider takes, in seconds."""
