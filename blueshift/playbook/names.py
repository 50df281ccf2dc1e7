"""Names of Kubernetes and Helm objects: what may be one."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import msgspec

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_LETTERS = "small letters, digits and hyphens, a letter or digit at both ends"
FORMS: dict[str, tuple[re.Pattern[str], int, str]] = {
    "namespace": (re.compile(_LABEL, re.ASCII), 63, _LETTERS),  # RFC 1123 label
    "release": (re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII), 53, f"{_LETTERS}, dots between"),  # Helm's
    "group": (re.compile(_LABEL, re.ASCII), 53, _LETTERS),  # ours: ids of gates are made of it
}
"""What is named → its form, its length, and both in words."""

Namespace: TypeAlias = Annotated[str, msgspec.Meta(extra={"scalar": "namespace"})]
GroupName: TypeAlias = Annotated[str, msgspec.Meta(extra={"scalar": "group"})]
ReleaseName: TypeAlias = Annotated[str, msgspec.Meta(extra={"scalar": "release"})]


def wrong(kind: str, name: str) -> str:
    """Why this cannot be the name of one; empty if it can."""
    form, longest, words = FORMS[kind]
    if not name:
        return "it must not be empty"
    if len(name) > longest:
        return f"it may have {longest} characters at most"
    return "" if form.fullmatch(name) else words
