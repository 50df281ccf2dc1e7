import pytest

from blueshift.controllers.ingress_nginx.harden import harden
from blueshift.controllers.overrides import apply, dig, merge
from blueshift.controllers.profile import HardenFacts
from tests.unit.controllers.conftest import APPS, CHARTS, Values, harden_facts

WAIT = {"controller": {"lifecycle": {"preStop": {"exec": {"command": ["/wait-shutdown"]}}}}}


def made(values: Values, facts: HardenFacts | None = None) -> Values:
    changed: Values = apply(values, harden(values, facts or harden_facts(WAIT)))["controller"]
    return changed


def hook(*command: str) -> Values:
    return {"controller": {"lifecycle": {"preStop": {"exec": {"command": list(command)}}}}}


def test_a_default_release_is_made_safe() -> None:
    assert made({}) == {
        "extraArgs": {"shutdown-grace-period": "15", "update-status-on-shutdown": "false"},
        "terminationGracePeriodSeconds": 15 + 240 + 10 + 15,
        "minReadySeconds": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    }


def test_nothing_safer_is_lowered() -> None:
    safe: Values = {
        "controller": {
            "extraArgs": {"shutdown-grace-period": 60, "post-shutdown-grace-period": 20},
            "terminationGracePeriodSeconds": 900,
            "minReadySeconds": 30,
            "updateStrategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 1}},
        }
    }
    changed = made(safe)
    assert changed["extraArgs"]["shutdown-grace-period"] == 60
    assert (changed["terminationGracePeriodSeconds"], changed["minReadySeconds"]) == (900, 30)
    assert changed["updateStrategy"]["rollingUpdate"] == {"maxSurge": "50%", "maxUnavailable": 0}


def test_the_kill_comes_after_all_that_a_pod_may_need() -> None:
    given: Values = {
        "controller": {
            "extraArgs": {"post-shutdown-grace-period": "30"},
            "terminationGracePeriodSeconds": 300,
        }
    }
    facts = harden_facts(WAIT, shutdown_grace=60, worker_shutdown_timeout=600)
    assert made(given, facts)["terminationGracePeriodSeconds"] == 60 + 600 + 30 + 15


def test_workers_that_may_take_longer_are_waited_for() -> None:
    given: Values = {"controller": {"config": {"worker-shutdown-timeout": "10m"}}}
    assert made(given)["terminationGracePeriodSeconds"] == 15 + 600 + 10 + 15


@pytest.mark.parametrize(
    "command",
    [
        ("/bin/sh", "-c", "sleep 40; /wait-shutdown"),
        ("sh", "-c", "sleep 40 && /usr/bin/nginx -s quit; sleep 5"),
        ("sleep", "40"),
    ],
)
def test_a_hook_that_sleeps_becomes_a_grace_period_of_the_same_length(command: tuple[str, ...]) -> None:
    changed = made(hook(*command))
    assert changed["lifecycle"]["preStop"] == {"exec": {"command": ["/wait-shutdown"]}}
    assert changed["extraArgs"]["shutdown-grace-period"] == "40"


def test_kubernetes_own_sleep_becomes_a_grace_period_too() -> None:
    changed = made({"controller": {"lifecycle": {"preStop": {"exec": None, "sleep": {"seconds": 25}}}}})
    assert changed["lifecycle"]["preStop"] == {"exec": {"command": ["/wait-shutdown"]}}
    assert changed["extraArgs"]["shutdown-grace-period"] == "25"


@pytest.mark.parametrize(
    "waits",
    [
        "while pgrep -x nginx >/dev/null; do sleep 1; done",
        "while pgrep nginx > /dev/null 2>&1; do sleep 1s; done",
    ],
)
@pytest.mark.parametrize("quits", ["nginx -s quit", "/usr/sbin/nginx -c /etc/nginx/nginx.conf -s quit"])
def test_the_hook_that_people_write_by_hand_becomes_a_grace_period(quits: str, waits: str) -> None:
    changed = made(hook("/bin/sh", "-c", f"sleep 5; {quits}; {waits}"))
    assert changed["lifecycle"]["preStop"]["exec"]["command"] == ["/wait-shutdown"]


def test_a_hook_that_waits_for_something_else_stays() -> None:
    own = hook("/bin/sh", "-c", "nginx -s quit; while pgrep vector; do sleep 1; done")
    assert made(own)["lifecycle"] == own["controller"]["lifecycle"]


def test_a_hook_with_other_work_in_it_stays() -> None:
    own = hook("/bin/sh", "-c", "/opt/deregister --now; /wait-shutdown")
    assert made(own)["lifecycle"] == own["controller"]["lifecycle"]


def test_a_hook_that_stays_has_its_time_before_the_grace_period() -> None:
    own = hook("/bin/sh", "-c", "/opt/deregister && sleep 60 && /wait-shutdown")
    changed = made(own)
    assert changed["extraArgs"]["shutdown-grace-period"] == "15"
    assert changed["terminationGracePeriodSeconds"] == 60 + 15 + 240 + 10 + 15


def test_the_widely_copied_hook_whose_program_is_in_no_image_goes() -> None:
    command = "sleep 5; /usr/local/openresty/nginx/sbin/nginx -c /etc/nginx/nginx.conf -s quit"
    overrides = harden(hook("/bin/sh", "-c", command), harden_facts(WAIT))
    assert any("in no image" in override.reason for override in overrides)


@pytest.mark.parametrize(
    ("version", "command"),
    [
        ("0.44.0", "/wait-shutdown"),
        ("2026.7.20", "/wait-shutdown"),
        ("0.43.0", "sleep 15; /wait-shutdown"),
        ("0.25.1", "sleep 15; nginx -s quit; while pgrep -x nginx >/dev/null; do sleep 1; done"),
    ],
)
def test_versions_without_a_grace_period_wait_in_the_hook(version: str, command: str) -> None:
    changed = made({}, harden_facts({}, app_version=version))
    assert changed["lifecycle"]["preStop"]["exec"]["command"][-1] == command
    assert ("shutdown-grace-period" in changed["extraArgs"]) is (command == "/wait-shutdown")


@pytest.mark.parametrize("ports", [{"hostNetwork": True}, {"hostPort": {"enabled": True}}])
def test_no_second_pod_is_wanted_on_a_node_whose_ports_are_taken(ports: Values) -> None:
    assert "updateStrategy" not in made({"controller": ports})


def test_applied_twice_it_changes_nothing_more() -> None:
    once = apply({}, harden({}, harden_facts(WAIT)))
    assert harden(once, harden_facts(WAIT)) == ()


def test_official_charts(chart: tuple[str, Values]) -> None:
    version, defaults = chart
    facts = harden_facts(
        defaults, chart_version=version, app_version=dict(zip(CHARTS, APPS, strict=True))[version]
    )
    seen = merge(defaults, apply({}, harden({}, facts)))
    assert dig(seen, ("controller", "lifecycle", "preStop", "exec", "command")) == ["/wait-shutdown"]
    assert dig(seen, ("controller", "extraArgs", "shutdown-grace-period")) == "15"
    assert dig(seen, ("controller", "terminationGracePeriodSeconds")) == 300
