"""A format is taken as people paste it."""

from __future__ import annotations

import pytest

from blueshift.errors import BlueshiftError
from blueshift.traffic.finding import way_of
from blueshift.traffic.layouts import layouts_of
from blueshift.traffic.logformat import Escape
from blueshift.traffic.pasted import pasted
from blueshift.traffic.quick import Reader
from tests.unit.traffic.test_digest import made

FORM = '$remote_addr [$time_local] "$request" $status'
IN_DOUBLE = FORM.replace('"', r"\"")


@pytest.mark.parametrize(
    ("given", "escape"),
    [
        (FORM, None),
        (f"'{FORM}'", None),
        (f'"{IN_DOUBLE}"', None),
        (f"log_format main '{FORM}';", None),
        (f'log_format main escape=json "{IN_DOUBLE}";', "json"),
        ('log_format main "$remote_addr [$time_local] "\n    \'"$request" $status\';', None),
        ('log_format main "$remote_addr [$time_local] "\n    "\\"$request\\" $status";', None),
        ('"$remote_addr [$time_local] "\n"\\"$request\\" $status"', None),
        (f"escape=none '{FORM}'", "none"),
        (f"log-format-upstream: '{FORM}'", None),
        (f'  log-format-upstream: "{IN_DOUBLE}"\n', None),
        (f"log-format-upstream: {FORM}", None),
        (f"log-format-upstream: '{FORM}'\nlog-format-escape-json: \"true\"", "json"),
        (f"config:\n  log-format-escape-json: 'false'\n  log-format-upstream: '{FORM}'", None),
        (
            "config:\n  log-format-escape-none: 'true'\n  log-format-upstream: >-\n    "
            + FORM.replace(' "', '\n    "'),
            "none",
        ),
        ('{"kind": "ConfigMap", "data": {"log-format-upstream": "' + IN_DOUBLE + '"}}', None),
        (
            "data:\n  log-format-escaping: json\n  log-format: |\n    " + FORM.replace(' "', '\n    "'),
            "json",
        ),
    ],
)
def test_a_format_is_found_in_what_stands_around_it(given: str, escape: Escape | None) -> None:
    found = pasted(given)
    assert found.text.replace(r"\"", '"') == FORM
    assert found.escape == escape


@pytest.mark.parametrize("given", ['"$host" "$request"', '"$request"', '"$host" $status', "'$host"])
def test_quotes_of_a_format_itself_stay(given: str) -> None:
    assert pasted(given).text == given


@pytest.mark.parametrize(
    "given",
    [
        'log-format-upstream: {"a": "$host"}',
        "log-format-upstream:\n  - $host",
        "log-format-upstream: 'it's $host'",
    ],
)
def test_yaml_without_a_text_for_it_is_one_error(given: str) -> None:
    with pytest.raises(BlueshiftError) as caught:
        pasted(given)
    assert caught.value.place == "--format"
    assert caught.value.hint


def test_keys_are_those_of_objects_within_objects_too() -> None:
    (found,) = layouts_of(
        '{"user": {"ip": "$remote_addr"}, "http": {"response": {"code": $status, "sum": "$status s"}},'
        ' "request": {"time": ${request_time}}}'
    )
    assert found.keys == {
        "remote_addr": ("user", "ip"),
        "status": ("http", "response", "code"),
        "request_time": ("request", "time"),
    }


def test_what_has_no_key_to_itself_is_read_out_of_the_text() -> None:
    form = '{"ip": "$remote_addr", "url": "https://$host$uri", "took": "$request_time s", "code": $status}'
    line = b'{"ip": "192.0.2.7", "url": "https://a.example/b?c", "took": "0.25 s", "code": 502}'
    spaced = line.replace(b'": ', b'":')
    for lines, target, timed in (([line] * 3, "a.example", 3), ([spaced] * 3, "-", 0)):
        way = way_of(lines, tuple(map(Reader, layouts_of(form))))
        assert way is not None
        assert way.reader is not None
        found = made(lines, way.reader)
        assert {name: one.statuses for name, one in found.targets.items()} == {target: {502: 3}}
        assert found.targets[target].latency.count == timed


def test_what_is_no_json_but_for_its_variables_is_read_as_text() -> None:
    (found,) = layouts_of('{"ip": "$remote_addr", "took": $request_time s, "code": $status}')
    assert (found.keys, found.escape) == ({}, "json")
