"""What must not be shown: by the names of variables and keys, and by its shape in text."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "***"

SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|credential|api[-_]?key|private[-_]?key|^auth$", re.IGNORECASE
)
"""Names of keys and variables whose values are secrets."""

# A webhook's URL is its own password.
_VARIABLE = re.compile(rf"{SECRET_NAME.pattern}|webhook.*url", re.IGNORECASE)
# Shorter values (`1`, `true`) would be found in every second word.
_SHORTEST = 6

_SHAPES = (
    # scheme://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{HIDDEN}@"),
    (re.compile(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # TSIG: `nsupdate -y hmac-sha256:name:secret`, and a key file's `secret "…"`
    (re.compile(r"\b(hmac-[a-z0-9-]+:[^:\s]+):[A-Za-z0-9+/=]+", re.IGNORECASE), rf"\1:{HIDDEN}"),
    (re.compile(r"\b(secret\s+\"?)[A-Za-z0-9+/]{8,}=*", re.IGNORECASE), rf"\1{HIDDEN}"),
    # JSON Web Tokens; tokens of Slack, GitHub, GitLab and Grafana, which say what they are
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"\b(?:xox[a-z]-|gh[a-z]_|github_pat_|glpat-|glsa_)[\w-]{8,}"), HIDDEN),
    # --password VALUE, password=VALUE, "token": "VALUE"
    (
        re.compile(
            r"([\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key)"
            r"[\"']?\s*[=:]\s*[\"']?)(?!\*\*\*)[^\s\"',;&]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(--?(?:password|token|secret|api-key)\s+)(?!\*\*\*)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


def masked(text: str, environment: Mapping[str, str]) -> str:
    """The text without values of variables that look like secrets, and without what has a secret's shape."""
    values = {value for name, value in environment.items() if _VARIABLE.search(name)}
    for value in sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
