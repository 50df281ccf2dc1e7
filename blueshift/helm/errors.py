"""What helm can say instead of doing what it was asked."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from blueshift.errors import Ambiguous, BlueshiftError, Retryable
from blueshift.masks import masked

if TYPE_CHECKING:  # it brings pydantic along, which a plan does not need
    from pyhelm3 import errors as theirs


class HelmError(BlueshiftError):
    """helm ended with an error. The live objects, and not its word, say what was changed."""


class ChartError(HelmError):
    """The chart is not there, or does not render with these values: nothing was changed."""


class ReleaseNotFound(HelmError):
    """There is no such release."""


class ReleaseBusy(HelmError):
    """Helm's own lock: another install, upgrade or rollback is, or seems, at work."""


class HelmLost(Ambiguous):
    """helm was cut off from the cluster, or cut off by us, in the midst of a change."""


class HelmUnreachable(Retryable):
    """helm could not ask the cluster or a repository; nothing was to be changed."""


# What pyhelm3 has no kind for: client-go's words for a broken line.
_LOST = re.compile(
    r"connection refused|connection reset|unexpected eof|i/o timeout|tls handshake timeout|no route to host"
    r"|context deadline exceeded|http2: client connection lost|etcdserver|cluster unreachable"
)
_CONFLICT = (
    "somebody else set the fields that it names: take their setting back, or let Helm have the fields "
    "once with `helm upgrade --force-conflicts`"
)
# Helm's last word on what did run, whatever words of a time-out stand behind it.
_REFUSED = re.compile(
    r"hooks? failed|failed (pre|post)-(install|upgrade|delete|rollback)|failed calling webhook"
)
_LOOK = "`helm history` and `kubectl get events` may tell more"
_NO_CHART = re.compile(r'chart "[^"]+" .*not found')
_RENDER = re.compile(r"parse error at|error calling|don't meet the specifications of the schema|values\.yaml")


def translate(error: theirs.Error, place: str, *, write: bool) -> BlueshiftError:
    """pyhelm3's error as ours. `place` is what helm was asked to do."""
    from pyhelm3 import errors as theirs

    said = brief(error.stderr)
    low = said.lower()
    lost = isinstance(error, theirs.ConnectionError | theirs.CommandCancelledError) or _LOST.search(low)
    if "another operation" in low and "in progress" in low:
        hint = (
            "`helm history` shows the pending revision; `blueshift status` whether a run of ours is at work"
        )
        return ReleaseBusy(said, place=place, hint=hint)
    if isinstance(error, theirs.ReleaseNotFoundError) or "has no deployed releases" in low:
        return ReleaseNotFound(said, place=place, hint="`helm list -A -a` shows all releases")
    if write and _REFUSED.search(low):
        return HelmError(said, place=place, hint=_LOOK)
    if lost and write:
        return HelmLost(said, place=place, hint="compare the live objects before trying again")
    if lost:
        return HelmUnreachable(
            said, place=place, hint="can this machine reach the cluster and the chart repository?"
        )
    if isinstance(error, theirs.ChartNotFoundError) or _NO_CHART.search(low):
        return ChartError(said, place=place, hint="check the chart's name, repository URL and version")
    if isinstance(error, theirs.FailedToRenderChartError) or _RENDER.search(low):
        return ChartError(said, place=place, hint="`helm template` with the same values shows the same error")
    if "conflict with" in low:
        return HelmError(said, place=place, hint=_CONFLICT)
    return HelmError(said, place=place, hint=_LOOK)


def brief(stderr: bytes, most: int = 1500) -> str:
    """The end of what helm wrote, without its warnings about file modes, its prefix, and secrets."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    told = [
        line
        for line in lines
        if line and not line.startswith(("WARNING: Kubernetes configuration", "level="))
    ]
    text = masked("\n".join(told), os.environ)[-most:] or "helm said nothing"
    return text.removeprefix("Error: ")
