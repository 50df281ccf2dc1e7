"""What a custom nginx.tmpl may use that not every version of the controller has.

A template is executed over the controller's own structures: a function or field that is not there any more is
an error, no configuration is written, and a new pod never becomes ready.
"""

from __future__ import annotations

import re

from blueshift.controllers.ingress_nginx.version import NO_OPENTRACING, SECURE_DEFAULTS, at_least

# Functions and fields by the version that took them away (changelogs of controller 1.10.0 and 1.12.0).
_GONE = (
    ("OpenTracing", re.compile(r"[oO]pen?tracing|[zZ]ipkin|[jJ]aeger|[dD]atadog"), NO_OPENTRACING),
    ("Lua plugins", re.compile(r"\.Plugins\b"), SECURE_DEFAULTS),
    ("global rate limits", re.compile(r"\.GlobalRateLimit"), SECURE_DEFAULTS),
)


def uses(text: str) -> tuple[str, ...]:
    """Which of these a template uses."""
    return tuple(name for name, pattern, _ in _GONE if pattern.search(text))


def gone(used: tuple[str, ...], version: str) -> tuple[str, ...]:
    """Which of them a version does not have."""
    return tuple(name for name, _, first in _GONE if name in used and at_least(version, first))
