"""The silence, the annotation and the warm-up that ship, run as a run would, against strict local servers."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.contract.app.strict import Alertmanager, Api, Grafana, ingress, serving

RUN = {
    "run": "1124-0302-k7xq", "release": "edge/ingress-nginx", "step": "", "reason": "", "status": "",
    "command": "blueshift status 1124-0302-k7xq", "to": "", "addresses": [], "hosts": [],
}  # fmt: skip


def ran(name: str, event: str, more: dict[str, Any] | None = None, **environment: str) -> tuple[int, str]:
    """The exit code and all output of a shipped hook; no secret is ever in it."""
    done = subprocess.run(
        [str(ROOT / "hooks" / name)],
        input=json.dumps({**RUN, "event": event, **(more or {})}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environment},
        timeout=60,
    )
    assert Api.token not in done.stdout
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout.strip()


class Silence:
    def __init__(self, url: str, **more: str) -> None:
        self.given = {
            "BLUESHIFT_ALERTMANAGER_URL": url, "BLUESHIFT_ALERTMANAGER_TOKEN": Api.token, **more,
        }  # fmt: skip

    def __call__(self, event: str, more: dict[str, Any] | None = None) -> tuple[int, str]:
        return ran("alertmanager-silence", event, more, **self.given)


def test_a_silence_lasts_as_long_as_the_run() -> None:
    api = Alertmanager()
    with serving(api) as url:
        silence = Silence(url)
        assert silence("start")[0] == 0
        (made,) = api.active
        assert made["matchers"] == [{"name": "namespace", "value": "edge", "isRegex": False, "isEqual": True}]
        assert (made["createdBy"], RUN["run"] in made["comment"]) == (f"blueshift {RUN['run']}", True)
        until = datetime.fromisoformat(made["endsAt"])
        left = until - datetime.now(UTC)
        assert timedelta(minutes=29) < left < timedelta(minutes=31)
        assert silence("running")[0] == 0
        (longer,) = api.active
        assert (longer["id"], longer["endsAt"] > made["endsAt"]) == (made["id"], True)
        assert silence("end") == (0, "1 silences removed")
        assert api.active == []
        assert silence("end") == (0, "0 silences removed")


def test_a_silence_of_somebody_else_stays() -> None:
    api = Alertmanager()
    with serving(api) as url:
        silence = Silence(url)
        silence("start")
        silence("start", {"run": "1124-0400-abcd"})
        assert len(api.active) == 2
        silence("end")
        assert [one["createdBy"] for one in api.active] == ["blueshift 1124-0400-abcd"]


def test_a_run_that_is_carried_on_has_a_silence_again() -> None:
    api = Alertmanager()
    with serving(api) as url:
        silence = Silence(url, BLUESHIFT_SILENCE_MATCHERS='alertname=~"Ingress.+|a \\"b\\"", team!=db')
        for event in ("start", "end", "start"):
            assert silence(event)[0] == 0
        (one,) = api.active
        assert one["matchers"] == [
            {"name": "alertname", "value": 'Ingress.+|a "b"', "isRegex": True, "isEqual": True},
            {"name": "team", "value": "db", "isRegex": False, "isEqual": False},
        ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"BLUESHIFT_ALERTMANAGER_TOKEN": "wrong"}, "Alertmanager answered 401 to GET silences"),
        ({"BLUESHIFT_ALERTMANAGER_URL": "http://127.0.0.1:1"}, "Alertmanager cannot be reached"),
        ({"BLUESHIFT_ALERTMANAGER_URL": ""}, "set BLUESHIFT_ALERTMANAGER_URL"),
        ({"BLUESHIFT_SILENCE_MATCHERS": "alertname~x"}, "MATCHERS cannot be read from 'alertname~x' on"),
        ({"BLUESHIFT_SILENCE_MATCHERS": " "}, "that would silence everything"),
        ({"BLUESHIFT_SILENCE_MINUTES": "5"}, "at least 15"),
        ({"BLUESHIFT_ALERTMANAGER_TOKEN_FILE": "/nowhere/token"}, "No such file"),
    ],
)
def test_what_is_wrong_with_a_silence_is_one_sentence(more: dict[str, str], said: str) -> None:
    api = Alertmanager()
    with serving(api) as url:
        code, output = ran("alertmanager-silence", "start", None, **{**Silence(url).given, **more})
    assert (code, len(output.splitlines())) == (1, 1)
    assert said in output
    assert api.silences == {}


def annotate(url: str, event: str, more: dict[str, Any] | None = None, **given: str) -> tuple[int, str]:
    environment = {"BLUESHIFT_GRAFANA_URL": f"{url}/", "BLUESHIFT_GRAFANA_TOKEN": Api.token, **given}
    return ran("grafana-annotation", event, more, **environment)


def test_a_run_is_one_region_also_when_it_is_carried_on() -> None:
    api = Grafana()
    with serving(api) as url:
        assert annotate(url, "start", BLUESHIFT_GRAFANA_DASHBOARD="abc") == (0, "annotation 1 begins")
        (one,) = api.annotations
        assert (one["tags"], one["dashboardUID"]) == (["blueshift", f"run:{RUN['run']}"], "abc")
        assert annotate(url, "end", {"status": "interrupted"})[0] == 0
        first = one["timeEnd"]
        assert first >= one["time"]
        assert annotate(url, "start") == (0, "annotation 1 is there since the run began")
        assert annotate(url, "start", {"run": "other"}) == (0, "annotation 2 begins")
        assert annotate(url, "end", {"status": "succeeded"})[0] == 0
        assert one["timeEnd"] > first
        assert one["text"].endswith("succeeded")
        assert "timeEnd" not in api.annotations[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"BLUESHIFT_GRAFANA_TOKEN": "wrong"}, "Grafana answered 401 to GET annotations: the token may not"),
        ({"BLUESHIFT_GRAFANA_TOKEN": ""}, "set BLUESHIFT_GRAFANA_TOKEN or"),
        ({"BLUESHIFT_GRAFANA_URL": "http://127.0.0.1:1"}, "Grafana cannot be reached"),
        ({"BLUESHIFT_GRAFANA_URL": "grafana"}, "set BLUESHIFT_GRAFANA_URL"),
    ],
)
def test_what_is_wrong_with_an_annotation_is_one_sentence(more: dict[str, str], said: str) -> None:
    api = Grafana()
    with serving(api) as url:
        code, output = annotate(url, "start", None, **more)
    assert (code, len(output.splitlines())) == (1, 1)
    assert said in output
    assert api.annotations == []


SHIFT = {"to": "temporary", "addresses": ["127.0.0.1"], "hosts": ["a.lab.test", "*.lab.test", "b.lab.test"]}


def warm(port: int, more: dict[str, Any] | None = None, **given: str) -> tuple[int, str]:
    environment = {"BLUESHIFT_WARMUP_PORT": str(port), **given}
    return ran("warm-up", "before-shift-to-temporary", {**SHIFT, **(more or {})}, **environment)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=other", "-keyout", str(both), "-out", f"{both}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text(both.read_text() + Path(f"{both}.crt").read_text())
    return both


def test_each_host_is_asked_at_the_new_address_by_its_name(certificate: Path) -> None:
    seen: list[str] = []
    with ingress(seen, tls=certificate) as port:
        code, output = warm(port)
    assert (code, output) == (0, "2 of 2 requests were answered by the temporary (2 would be all)")
    expected = [f"{host}:{port}/" for host in ("a.lab.test", "b.lab.test")] + [
        "sni a.lab.test",
        "sni b.lab.test",
    ]
    assert sorted(seen) == sorted(expected)


def test_a_warm_up_is_bounded_and_any_answer_counts() -> None:
    seen: list[str] = []
    hosts = [f"h{number}.lab.test" for number in range(300)]
    with ingress(seen, status=404) as port:
        given = {
            "BLUESHIFT_WARMUP_SCHEME": "http",
            "BLUESHIFT_WARMUP_REQUESTS": "20",
            "BLUESHIFT_WARMUP_PATH": "/ok",
        }
        code, output = warm(port, {"hosts": hosts}, **given)
    assert (code, output) == (0, "20 of 20 requests were answered by the temporary (300 would be all)")
    assert sorted(seen) == sorted(f"{host}:{port}/ok" for host in hosts[:20])


def test_a_warm_up_that_nobody_answers_fails_the_step_and_one_with_nothing_to_do_does_not() -> None:
    code, output = warm(1)
    assert code == 1
    assert "0 of 2 requests" in output
    assert "nobody answered: 127.0.0.1: " in output
    code, output = warm(1, {"addresses": [], "to": ""})
    assert (code, output) == (75, "nothing to warm up: this step moves no traffic")
    assert warm(1, BLUESHIFT_WARMUP_REQUESTS="all") == (
        1, "BLUESHIFT_WARMUP_REQUESTS is a whole number above 0",
    )  # fmt: skip
