"""TSIG keys: where they come from, and that they appear nowhere."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.dns.key import Key, KeySource, SecretField, UnusableKey, parse_key
from blueshift.dns.rfc2136 import Rfc2136
from blueshift.dns.settings import Rfc2136Settings
from blueshift.dns.update import tsig_key
from tests.fakes import ManualClock

SECRET = "c2VjcmV0c2VjcmV0"
RAW = b"secretsecret"


def no_secrets(_namespace: str, _name: str) -> Mapping[str, bytes]:
    raise AssertionError("nothing is to be read from the cluster")


@pytest.mark.parametrize(
    ("text", "name", "algorithm"),
    [
        (f'key "Writer." {{\n\talgorithm hmac-sha512;\n\tsecret "{SECRET}";\n}};\n', "writer", "hmac-sha512"),
        (f"# old\nkey writer {{ secret {SECRET}; algorithm HMAC-SHA256; }};", "writer", "hmac-sha256"),
        (f"/* key \"x\" {{}} */ key writer {{ secret {SECRET}; }};", "writer", "hmac-sha256"),
        (f"hmac-sha1:writer:{SECRET}\n", "writer", "hmac-sha1"),
        (f"writer:{SECRET}", "writer", "hmac-sha256"),
        (f"hmac-md5.sig-alg.reg.int:writer:{SECRET}", "writer", "hmac-md5"),
    ],
)  # fmt: skip
def test_forms(text: str, name: str, algorithm: str) -> None:
    key = parse_key(text, place="test")
    assert (key.name, key.algorithm, key.reveal()) == (name, algorithm, RAW)
    assert tsig_key(key).secret == RAW


def test_a_bare_secret_takes_its_name_from_beside_it() -> None:
    key = parse_key(SECRET, name="writer", algorithm="hmac-sha384", place="test")
    assert (key.name, key.algorithm) == ("writer", "hmac-sha384")


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        (SECRET, None, "the key has no name"),
        ("", "writer", "the key has no secret"),
        (f"writer:{SECRET}", "other", "it is named writer, and other is asked for"),
        (f"hmac-sha3:writer:{SECRET}", None, "unknown algorithm hmac-sha3"),
        ("writer:not*base64", None, "its secret is not base64"),
        (f"a:b:c:{SECRET}", None, "neither a BIND key file"),
        ("key writer { algorithm hmac-sha256; };", None, "the key has no secret"),
        (f"key writer {{ secret {SECRET};", None, "neither a BIND key file"),
    ],
)
def test_what_is_no_key(text: str, name: str | None, error: str) -> None:
    with pytest.raises(UnusableKey, match=error) as caught:
        parse_key(text, name=name, place="here")
    assert str(caught.value).startswith("here: no usable TSIG key")
    assert SECRET not in "".join(traceback.format_exception(caught.value)).split("UnusableKey")[-1]
    assert caught.value.hint


@given(st.text(max_size=100))
def test_any_text_is_a_key_or_an_error(text: str) -> None:
    try:
        key = parse_key(text, place="here")
    except UnusableKey:
        return
    assert key.name
    assert key.reveal()


def test_a_key_shows_and_gives_away_nothing() -> None:
    key = parse_key(f"writer:{SECRET}", place="test")
    backend = Rfc2136(Rfc2136Settings("192.0.2.1"), key, ManualClock())
    for text in (repr(key), str(key), f"{key}", repr(backend), repr(backend.settings)):
        assert SECRET not in text
        assert "secretsecret" not in text
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.copy(key)
    with pytest.raises(TypeError):
        msgspec.json.encode(key)


def test_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tsig.key"
    file.write_text(f'key "writer" {{ algorithm hmac-sha256; secret "{SECRET}"; }};')
    assert (KeySource(file=str(file)).load(no_secrets)).reveal() == RAW
    with pytest.raises(UnusableKey, match="No such file"):
        KeySource(file=str(tmp_path / "none")).load(no_secrets)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableKey, match="not UTF-8"):
        KeySource(file=str(file)).load(no_secrets)


def test_from_the_environment() -> None:
    source = KeySource(env="TSIG", name="writer")
    assert (source.load(no_secrets, {"TSIG": SECRET})).name == "writer"
    with pytest.raises(UnusableKey, match=r"\$TSIG: .*not set"):
        source.load(no_secrets, {})


def test_from_a_secret_of_the_cluster() -> None:
    def read(namespace: str, name: str) -> Mapping[str, bytes]:
        assert (namespace, name) == ("dns", "tsig")
        return {"key": f"writer:{SECRET}".encode(), "binary": b"\xff"}

    assert (KeySource(secret=SecretField("dns", "tsig")).load(read)).name == "writer"
    with pytest.raises(UnusableKey, match=r"Secret dns/tsig: .*no field 'kye' \(fields: binary, key\)"):
        KeySource(secret=SecretField("dns", "tsig", "kye")).load(read)
    with pytest.raises(UnusableKey, match="not text"):
        KeySource(secret=SecretField("dns", "tsig", "binary")).load(read)


def test_exactly_one_source() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        KeySource()
    with pytest.raises(ValueError, match="exactly one"):
        KeySource(file="a", env="B")


def test_the_key_type_holds_nothing_else() -> None:
    """Slots: nobody can hang a copy of the secret on it."""
    assert not hasattr(Key("a", "hmac-sha256", RAW), "__dict__")


def test_two_slashes_in_a_secret_are_no_comment() -> None:
    secret = "//8AAAAA//8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA//="
    text = f'# the key\nkey "k" {{ // of ours\n  algorithm hmac-sha256; /* its */ secret "{secret}";\n}};\n'
    assert len(parse_key(text, place="here").reveal()) == 32
