"""What stands before a line of a log, put there by kubectl, by the node's container runtime or by others."""

from __future__ import annotations

import re

import msgspec

_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) "
_POD = rb"(?:\[pod/[^\]\s]+\] )?"
NOTHING = re.compile(b"")
KUBERNETES = re.compile(_POD + rb"(?:" + _STAMP + rb"(?:std(?:out|err) [FP] )?)?")
"""Of `kubectl logs --prefix --timestamps`, and of the files that the kubelet keeps (CRI)."""
PREFIXES = (NOTHING, re.compile(_POD), KUBERNETES)
"""Before a line: nothing; of `--prefix` alone, where the time behind it is the format's own; all of it."""
_MOST_WORDS = 8
WORDS = (
    re.compile(rb"\S*[|\]:>]\s"),
    *(re.compile(rb"(?:\S+\s+){%d}\S+\s" % count) for count in range(1, _MOST_WORDS)),
)
"""So many words, as stern (pod and container), syslog (date, host and program) and compose put there. One
alone may be the host that a format begins with, unless it ends as no host does."""
_PART = re.compile(_STAMP + rb"(stdout|stderr) ([FP]) ")

_DOCKER = b'{"log":"'
_LOOKED_AT = 8
"""First lines of a block that are looked at, beside its last: they may be a torn one, or words of `tail`."""


class _Docker(msgspec.Struct):
    """A line of Docker's `json-file`; an access may have a key `log` too."""

    log: str
    stream: str
    time: str


def without(prefix: re.Pattern[bytes], lines: list[bytes]) -> list[bytes]:
    """The lines, and the same list where there is nothing before them."""
    if prefix is NOTHING:
        return lines
    return [line[found.end() if (found := prefix.match(line)) else 0 :] for line in lines]


def unwrapped(lines: list[bytes]) -> list[bytes]:
    """The lines that Docker keeps as JSON objects, and the same list where they are none."""
    if not any(line.startswith(_DOCKER) for line in (*lines[:_LOOKED_AT], lines[-1])):
        return lines
    decode = msgspec.json.Decoder(_Docker).decode
    found = []
    for line in lines:
        try:
            found.append(decode(line).log.rstrip("\n").encode())
        except ValueError:
            found.append(line)
    return found


class Parts:
    """Joins the lines that a runtime cut (containerd at 16 KiB), in one file of the kubelet's.

    Parts are marked `P`, the last of a line `F`, in each stream (Kubernetes' design: kubelet-cri-logging).
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        """Bytes kept of a line."""
        self._begun: dict[bytes, bytes] = {}
        """Of each stream what came of its line."""

    def joined(self, lines: list[bytes]) -> list[bytes]:
        """The lines that are whole by now, and the same list where none was cut."""
        # Every line of such a file is marked: of any other the two ends are all that is looked at.
        if not (self._begun or _PART.match(lines[0]) or _PART.match(lines[-1])):
            return lines
        whole = []
        for line in lines:
            found = _PART.match(line)
            if found is None:
                whole.append(line)
                continue
            begun = self._begun.pop(found[1], b"")
            line = begun + line[found.end() :] if begun else line
            if found[2] == b"P":
                self._begun[found[1]] = line[: self._longest]
            else:
                whole.append(line)
        return whole

    def left(self) -> list[bytes]:
        """Lines that had no end."""
        return list(self._begun.values())
