"""Filters of `watch` that the log cannot answer as it is: by what else is known, or with a word about it."""

from __future__ import annotations

import pytest

from blueshift.app import watching
from blueshift.app.watching import Chosen
from blueshift.cli.main import run
from blueshift.cluster.errors import Forbidden
from blueshift.discovery.raw import Raw
from tests.unit.app.test_hosting import ingress, service
from tests.unit.app.test_watching import Bench
from tests.unit.traffic.test_digest import access

SHOP = (ingress(("shop.example.com", service("web")), ("blog.example.com", service("blog"))),)
TWO = (access(1), access(2, upstream="shop-blog-80", status='" 404 '))
INGRESSES = "/apis/networking.k8s.io/v1/ingresses"


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("shop.*", [200]),
        ("*.example.com", [200, 404]),
        ("shop-blog-*", [404]),
        ("shop-*", [200, 404]),
    ],
)
async def test_hosts_are_found_by_their_ingresses_where_the_log_has_none(
    pattern: str, shown: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(monkeypatch, Chosen(sides=("primary",), hosts=(pattern,)), *TWO, ingresses=SHOP)
    await bench.watch(30)
    assert [status for _, _, status in bench.told] == shown
    assert bench.notes == []


async def test_what_cannot_be_told_of_hosts_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = (ingress(("shop.example.com", service("web")), ("blog.example.com", service("web"))),)
    chosen = Chosen(sides=("primary",), hosts=("shop.*", "nobody.*"))
    bench = Bench(monkeypatch, chosen, *TWO, ingresses=mixed)
    for made in mixed:
        bench.kube.objects[f"{INGRESSES}/one"] = dict(made)
    await bench.watch(50)
    assert len(bench.told) == 1
    assert ["blog.example.com too" in note for note in bench.notes] == [True, False]
    assert bench.notes[1].endswith("--host nobody.*")


async def test_without_the_right_to_list_ingresses_upstreams_are_matched_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = Chosen(sides=("primary",), hosts=("shop.*", "shop-blog-*"))
    bench = Bench(monkeypatch, chosen, *TWO, unserved="ingresses is forbidden")

    def hook(verb: str, path: str) -> None:
        if path == INGRESSES:
            raise Forbidden("ingresses is forbidden")

    bench.kube.hook = hook
    await bench.watch(300)
    assert [status for _, _, status in bench.told] == [404]
    (note,) = bench.notes
    assert "ingresses is forbidden" in note


async def test_an_ingress_that_comes_meanwhile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "HOSTS_AGAIN", 1.0)
    bench = Bench(monkeypatch, Chosen(sides=("primary",), hosts=("shop.*",)), *TWO)

    async def now(*_: object) -> tuple[Raw, ...]:
        return SHOP

    monkeypatch.setattr(watching, "live_ingresses", now)
    await bench.watch(60)
    assert bench.watching._upstreams == {"shop-web-80"}


@pytest.mark.parametrize(
    ("chosen", "form", "says"),
    [
        (Chosen(slower=0.5), '$remote_addr "$request" $status', "--slow shows no request of the primary"),
        (
            Chosen(statuses=((500, 599),)),
            '$remote_addr "$request"',
            "--status shows no request of the primary",
        ),
        (
            Chosen(hosts=("a.org",)),
            '$remote_addr "$request" $status',
            "--host shows no request of the primary",
        ),
    ],
)
async def test_a_filter_that_the_format_cannot_answer_is_said_once(
    chosen: Chosen, form: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(monkeypatch, chosen, settings={"log-format-upstream": form}, ingresses=SHOP)
    await bench.watch(60)
    (note,) = [note for note in bench.notes if note.startswith("--")]
    assert note.startswith(says)
    assert "log-format-upstream" in note


async def test_filters_that_the_format_answers_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Chosen(sides=("primary",), slower=0.001, statuses=((200, 200),))
    bench = Bench(monkeypatch, chosen, *TWO)
    await bench.watch(60)
    assert bench.notes == []
    assert len(bench.told) == 1


def test_help_says_how_hosts_are_matched(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", "--help"]) == 0
    assert "no host" in capsys.readouterr().out
