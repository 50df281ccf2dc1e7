"""What is looked up for single checks: rights, preStop, DNS rights, metrics."""

from __future__ import annotations

import pytest

from blueshift.cluster.execute import ExecResult
from blueshift.discovery.dns import rights, servers
from blueshift.discovery.found import NotLooked, attempt, found
from blueshift.discovery.prestop import look, programs
from blueshift.discovery.rights import LOOKS, RULES, at, permissions, scaling, spaces_of
from blueshift.discovery.seen import GRANTED, Hook, Permissions
from blueshift.discovery.world import NameFact
from blueshift.dns.backend import BadKey, BadTime
from blueshift.dns.records import RecordSet
from blueshift.errors import BlueshiftError, Retryable
from tests.unit.discovery.fakes import FakeDns, FakeKube, NoDirectory
from tests.unit.preflight.worlds import world

POD = {"metadata": {"namespace": "ingress", "name": "web-1"}}
BY_HAND = (
    "sleep 5; /usr/local/openresty/nginx/sbin/nginx -s quit; "
    "while pgrep -x nginx >/dev/null 2>&1; do sleep 1; done"
)
SHOP = NameFact(
    "shop.example.test",
    "example.test",
    "move",
    ("shop.example.test",),
    (RecordSet("shop.example.test", "A", 300, ("198.18.0.50",)),),
)


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ((), ()),
        (("/wait-shutdown",), ("/wait-shutdown",)),
        (("/bin/sh", "-c", "sleep 5; /wait-shutdown"), ("/bin/sh", "sleep", "/wait-shutdown")),
        (
            ("/bin/bash", "-ec", BY_HAND),
            ("/bin/bash", "sleep", "/usr/local/openresty/nginx/sbin/nginx", "pgrep"),
        ),
        (("sh", "-c", "X=1 foo && ! bar; if [ -f x ]; then /a/b; fi"), ("sh", "foo", "bar", "/a/b")),
        (("sh", "-c", 'echo "a;b" | tee x'), ("sh", "tee")),
        (("sh", "-c", "$PROGRAM; 'open"), ("sh",)),
    ],
)
def test_programs_of_a_hook(command: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    assert programs(command) == wanted


async def test_missing_programs_are_named_by_the_pod() -> None:
    kube = FakeKube()
    kube.said = ExecResult(b"/nope\n", b"", 0)
    assert await look(kube.api, [POD], "controller", ("/nope",)) == Hook(("/nope",), ("/nope",), "web-1")
    assert kube.asked[0][-1] == "/nope"


async def test_a_hook_without_command_asks_no_pod() -> None:
    kube = FakeKube()
    assert await look(kube.api, [], "controller", ()) == Hook()
    assert not kube.asked


@pytest.mark.parametrize("pods", [[], [POD]])
async def test_a_pod_that_cannot_be_asked_is_no_answer(pods: list[dict[str, dict[str, str]]]) -> None:
    kube = FakeKube()
    kube.said = ExecResult(b"", b"no", 126)
    with pytest.raises(BlueshiftError):
        await look(kube.api, pods, "controller", ("/x",))


async def test_denied_rights_are_named_with_their_place() -> None:
    kube = FakeKube()
    kube.denied = {("create", "namespaces"), ("get", "pods")}
    rights = at(RULES, spaces_of("ingress", "tmp", "s"), "demo", prepared=False)
    seen = await permissions(kube.api, rights)
    assert seen.asked == sum(len(right.verbs) * max(1, len(right.names)) for right in rights)
    denied = {(one.verb, one.resource, one.namespace) for one in seen.denied}
    assert ("create", "namespaces", "") in denied
    assert ("get", "pods/log", "ingress") in denied


async def test_a_cluster_admin_is_asked_one_question() -> None:
    kube = FakeKube()
    kube.admin, kube.denied = True, {("create", "namespaces")}
    assert not (await permissions(kube.api, ())).denied


def test_a_prepared_namespace_needs_nobody_who_makes_namespaces() -> None:
    spaces = spaces_of("ingress", "tmp", "s")
    made, prepared = (at(RULES, spaces, "demo", prepared=prepared) for prepared in (False, True))
    assert {right.verbs for right in set(made) - set(prepared)} == {("create",), ("delete",)}
    names = next(right.names for right in prepared if right.resource == "namespaces")
    assert names == ("kube-system", "ingress", "tmp", "s", "s-control")


def test_the_minimum_of_kedas_scaled_object_is_a_right_where_there_is_one() -> None:
    (right,) = scaling("ingress", "web-scaled")
    assert (right.namespace, right.group, right.resource) == ("ingress", "keda.sh", "scaledobjects")
    assert (right.verbs, right.names) == (("get", "patch"), ("web-scaled",))
    assert scaling("ingress", "") == ()


def test_every_rule_says_what_for() -> None:
    rules = (*RULES, *LOOKS)
    assert all(rule.why and rule.verbs for rule in rules)
    assert len({(rule.place, rule.group, rule.resource, rule.verbs) for rule in rules}) == len(rules)
    assert {verb for rule in LOOKS for verb in rule.verbs} <= {"get", "list"}


async def test_the_keys_rights_by_name() -> None:
    backend = FakeDns()
    assert (await rights([SHOP], backend)).by_name == {"shop.example.test": GRANTED}
    backend.refused = {"shop.example.test": "REFUSED"}
    assert (await rights([SHOP], backend)).by_name == {"shop.example.test": "A: REFUSED"}


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(BadKey("no such key", hint="compare"), "BADKEY"), (BadTime("late", offset=9.0, hint="ntp"), "BADTIME")],
)
async def test_what_turns_down_the_whole_try_is_told_apart(refusal: Exception, kind: str) -> None:
    backend = FakeDns()
    backend.fails = refusal
    seen = await rights([SHOP], backend)
    assert (seen.kind, seen.by_name) == (kind, {})
    assert seen.hint


async def test_nothing_is_asked_where_nothing_moves() -> None:
    assert (await rights([], FakeDns())).by_name == {}
    assert (await servers([], NoDirectory())).servers == ()


async def test_a_look_that_fails_stops_no_other_and_is_no_pass() -> None:
    async def fails() -> Permissions:
        raise Retryable("no answer", hint="try again")

    async def works() -> Permissions:
        return Permissions(3)

    seen = await attempt({"a": fails(), "b": works()})
    spoilt = world(findings=seen)
    assert found(spoilt, "b", Permissions) == Permissions(3)
    with pytest.raises(NotLooked, match="no answer: try again"):
        found(spoilt, "a", Permissions)
    with pytest.raises(NotLooked, match="taken without"):
        found(spoilt, "c", Permissions)
