"""A TSIG key (RFC 8945) and the places it may come from. Its secret appears in no repr, string or log."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

import msgspec

from blueshift.dns.records import canonical
from blueshift.errors import BlueshiftError
from blueshift.playbook import files
from blueshift.playbook.convert import LocalPath

ALGORITHMS = frozenset(
    {"hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}
)  # those that BIND's tsig-keygen writes

ReadSecret = Callable[[str, str], Mapping[str, bytes]]
"""(namespace, name) -> the decoded data of a Kubernetes Secret."""

_CLAUSE = re.compile(r'key\s+"?([^\s"{]+)"?\s*\{([^}]*)\}', re.DOTALL)
_FIELD = re.compile(r'\b(algorithm|secret)\s+"?([^\s";]+)"?\s*;')
# A quoted text first: base64 may hold `//`, which is no comment there.
_COMMENT = re.compile(r'"[^"\n]*"|/\*.*?(?:\*/|\Z)|(?://|#)[^\n]*', re.DOTALL)


class UnusableKey(BlueshiftError):
    """The key cannot be read, or what was read is no TSIG key."""


class Key:
    """A TSIG key. Not a Struct, so that nothing can serialise the secret by accident."""

    __slots__ = ("_secret", "algorithm", "name")

    def __init__(self, name: str, algorithm: str, secret: bytes) -> None:
        self.name = canonical(name)
        self.algorithm = algorithm.lower()
        self._secret = secret

    def reveal(self) -> bytes:
        """Return the raw secret; only for signing."""
        return self._secret

    def __repr__(self) -> str:
        return f"Key({self.name!r}, {self.algorithm!r}, secret=…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a TSIG key is not pickled")


def parse_key(text: str, *, name: str | None = None, algorithm: str | None = None, place: str) -> Key:
    """Read a key written as BIND does (`key "n" {…};`), as dig -y does (`[alg:]name:secret`), or bare base64.

    `name` and `algorithm` fill in what the text does not say. `place` is where it came from, for errors.
    Raises UnusableKey, whose message never holds a part of the text.
    """
    plain = _COMMENT.sub(_uncommented, text)
    # Where no bracket closes any more no clause can end: to look on from each one that opens takes minutes.
    clause = _CLAUSE.search(plain, 0, plain.rfind("}") + 1)
    if clause is not None:
        fields = dict(_FIELD.findall(clause[2]))
        return _key(
            clause[1], fields.get("algorithm") or algorithm, fields.get("secret"), place, wanted_name=name
        )
    parts = text.strip().split(":")
    if len(parts) > 3 or "{" in text:
        raise _bad(place, "this is neither a BIND key file, nor [algorithm:]name:secret, nor base64")
    given_algorithm = parts[0] if len(parts) == 3 else algorithm
    given_name = parts[-2] if len(parts) > 1 else name
    return _key(given_name, given_algorithm, parts[-1], place, wanted_name=name)


def _uncommented(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else " "


def _bad(place: str, message: str) -> UnusableKey:
    return UnusableKey(
        f"no usable TSIG key: {message}",
        place=place,
        hint="write one with `tsig-keygen -a hmac-sha256 NAME`, and give the same file to the name server",
    )


def _key(
    name: str | None, algorithm: str | None, secret: str | None, place: str, *, wanted_name: str | None
) -> Key:
    if not name:
        raise _bad(place, "the key has no name (set `name` beside it)")
    if not _is_name(name):
        raise _bad(place, "its name cannot be one of DNS")
    if wanted_name is not None and (not _is_name(wanted_name) or canonical(wanted_name) != canonical(name)):
        raise _bad(place, f"it is named {name}, and {wanted_name} is asked for")
    chosen = (algorithm or "hmac-sha256").lower().removesuffix(".sig-alg.reg.int")
    if chosen not in ALGORITHMS:
        raise _bad(place, f"unknown algorithm {chosen} (known: {', '.join(sorted(ALGORITHMS))})")
    if not secret:
        raise _bad(place, "the key has no secret")
    try:
        raw = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        raise _bad(place, "its secret is not base64") from None
    return Key(name, chosen, raw)


def _is_name(name: str) -> bool:
    """Whether it can be a name in DNS: labels of 1 to 63 octets, 253 in all (RFC 1035 §2.3.4)."""
    try:
        found = canonical(name)
    except UnicodeError:
        return False
    return (
        len(found) <= 253 and all(0 < len(label) < 64 for label in found.split(".")) and found.isprintable()
    )


class SecretField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of a Kubernetes Secret."""

    namespace: str
    name: str
    field: str = "key"


class KeySource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a key comes from: exactly one of `file`, `env` and `secret`. Holds no secret itself."""

    file: LocalPath | None = None
    """Path of a BIND key file."""
    env: str | None = None
    """Name of an environment variable."""
    secret: SecretField | None = None
    name: str | None = None
    """The key's name, where the source holds only the secret."""
    algorithm: str | None = None
    """As `name`; hmac-sha256 if nothing says otherwise."""

    def __post_init__(self) -> None:
        given = [kind for kind in ("file", "env", "secret") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of `file`, `env` and `secret`")

    def load(self, secrets: ReadSecret, env: Mapping[str, str] | None = None) -> Key:
        """Read the key; `secrets` reads a Kubernetes Secret. Raises UnusableKey."""
        if self.file is not None:
            text, place = _read(self.file), self.file
        elif self.env is not None:
            text, place = _variable(self.env, os.environ if env is None else env), f"${self.env}"
        else:
            assert self.secret is not None
            place = f"Secret {self.secret.namespace}/{self.secret.name}"
            data = secrets(self.secret.namespace, self.secret.name)
            text = _field_of(data, self.secret.field, place)
        return parse_key(text, name=self.name, algorithm=self.algorithm, place=place)


def _read(file: str) -> str:
    try:
        return files.text(files.read(file), file)
    except BlueshiftError as error:
        raise _bad(file, f"it {error.message}") from None


def _variable(name: str, env: Mapping[str, str]) -> str:
    if name not in env:
        raise _bad(f"${name}", "the environment variable is not set")
    return env[name]


def _field_of(data: Mapping[str, bytes], field: str, place: str) -> str:
    if field not in data:
        raise _bad(place, f"it has no field {field!r} (fields: {', '.join(sorted(data)) or 'none'})")
    try:
        return data[field].decode()
    except UnicodeDecodeError:
        raise _bad(place, f"its field {field!r} is not text") from None
