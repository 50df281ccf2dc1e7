"""`blueshift init` as far as no cluster is needed: what it refuses, and what it asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from blueshift.app.init import Zones
from blueshift.cli.errors import ExitCode
from blueshift.cli.init import Answers
from blueshift.discovery.releases import Pointing
from blueshift.dns.key import KeySource, SecretField
from blueshift.errors import BlueshiftError
from tests.unit.app.test_init import SEEN
from tests.unit.cli.command import blueshift

NOWHERE = Zones(Pointing(unknown={"www.shop.test": "the resolver does not answer"}), {})
SOMEWHERE = Zones(Pointing(here={"shop.test": 2}), {"shop.test": "ns1.shop.test"})


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        ((), "there is no kubeconfig", "blueshift lab up"),
        (("--kubeconfig", "none"), "none: there is no such kubeconfig file", "--kubeconfig"),
        (("-o", "old.yaml"), "old.yaml: this file exists already", "--force"),
        (("--to-version", "4.12.1"), "--to-version 4.12.1 of which chart?", "--chart"),
        (
            ("--key-secret", "update"),
            "--key-secret: expected NAMESPACE/NAME, found 'update'",
            "dns/update-key",
        ),
    ],
)
def test_bad_input_gets_one_clear_error(
    tmp_path: Path, arguments: tuple[str, ...], says: str, hint: str
) -> None:
    (tmp_path / "old.yaml").write_text("mine")
    done = blueshift(tmp_path, "init", *arguments)
    assert done.returncode == ExitCode.ERROR
    told = done.stderr.splitlines()
    assert len(told) == 2
    assert says in told[0]
    assert hint in told[1]
    assert [path.name for path in tmp_path.iterdir()] == ["old.yaml"]
    assert (tmp_path / "old.yaml").read_text() == "mine"


def test_one_source_of_the_key(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "init", "--no-key", "--key-file", "x")
    assert done.returncode == ExitCode.ERROR
    assert "exclude each other" in done.stderr


def test_without_a_terminal_every_question_names_its_option() -> None:
    silent = Answers(ask=False)
    for ask, option in (
        (lambda: silent.release(SEEN, SEEN.releases), "--release"),
        (lambda: silent.server(None, NOWHERE), "--dns-server"),
        (silent.key, "--key-file"),
    ):
        with pytest.raises(BlueshiftError) as caught:
            ask()
        assert option in (caught.value.hint or "")
    assert silent.chart(SEEN.releases[0]) == ("", None)


def test_what_was_found_out_is_not_asked() -> None:
    for answers in (Answers(ask=False), Answers(ask=True)):
        assert answers.release(SEEN, SEEN.releases[1:2]) is SEEN.releases[1]
        assert answers.server(None, SOMEWHERE) == ("ns1.shop.test", 53)
        assert answers.server("192.0.2.1:5353", SOMEWHERE) == ("192.0.2.1", 5353)
        assert answers.server("2001:db8::1", NOWHERE) == ("2001:db8::1", 53)
    with pytest.raises(BlueshiftError, match="expected an address"):
        Answers(ask=True).server("host:no", SOMEWHERE)


def asked(typed: str, question: str) -> object:
    """The answer to one question, typed at a terminal."""
    answers: list[object] = []

    @click.command()
    def ask() -> None:
        me = Answers(ask=True)
        kinds: dict[str, Callable[[], object]] = {
            "release": lambda: me.release(SEEN, SEEN.releases).name,
            "server": lambda: me.server(None, NOWHERE),
            "key": me.key,
            "chart": lambda: me.chart(SEEN.releases[0]),
        }
        answers.append(kinds[question]())

    done = CliRunner().invoke(ask, input=typed)
    assert done.exit_code == 0, done.output
    return answers[0]


@pytest.mark.parametrize(
    ("question", "typed", "answer"),
    [
        ("release", "\n", "edge/main"),
        ("release", "none\nteam/main\n", "team/main"),
        ("server", "ns.example.org:5353\n", ("ns.example.org", 5353)),
        ("key", "\n./update.key\n", KeySource(file="./update.key")),
        ("key", "env\nDNS_KEY\n", KeySource(env="DNS_KEY")),
        ("key", "secret\ndns/update:tsig\n", KeySource(secret=SecretField("dns", "update", "tsig"))),
        ("key", "none\n", None),
        ("chart", "\n", ("", None)),
        ("chart", "./chart\n", ("./chart", None)),
        ("chart", "oci://r/c\n4.12.1\n", ("oci://r/c", "4.12.1")),
    ],
)
def test_questions(question: str, typed: str, answer: object) -> None:
    assert asked(typed, question) == answer
