"""Clients that do not follow DNS, scanners, and load balancers with habits: what the demo makes of them."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest

from blueshift.lab.addresses import IPV4, IPV6
from blueshift.lab.load import LONG_CACHED
from tests.e2e.conftest import Record
from tests.e2e.test_demo import assert_nothing_lost, demo

pytestmark = pytest.mark.slow  # up to ten minutes each

TOLD = {"308", "400", "404", "open", "closed", "nobody"}
"""What scanners may be told: nothing of any host."""


def test_a_lagging_balancer_and_long_cached_answers_cost_nothing_and_scanners_hold_nothing_up(
    state_folder: Path, tmp_path: Path, record: Record
) -> None:
    shown = demo(
        tmp_path, "lagging", "--lb-deregister-lag", "15s", "--client", "long-cached", "--client", "scanner"
    )
    traffic = shown.figures["traffic"]
    record({"requests": traffic["requests"], "clients": traffic["clients"], "noise": traffic["noise"]})
    assert shown.code == 0, shown.why
    assert_nothing_lost(traffic, requests=10_000)
    assert traffic["clients"]["long-cached"]["requests"] > LONG_CACHED.cache
    assert traffic["noise"].keys() <= TOLD
    assert traffic["noise"]["404"] > 0


@pytest.mark.parametrize(
    ("client", "options", "networks"),
    [
        # By the PROXY header: the balancer's address is all that the connection shows.
        ("pinned", ("--lb-mode", "proxy"), (IPV4.link, IPV6.link)),
        ("in-cluster", (), (IPV4.pods, IPV6.pods)),
    ],
)
def test_who_stays_for_good_is_named_and_the_run_holds(
    state_folder: Path,
    tmp_path: Path,
    record: Record,
    client: str,
    options: tuple[str, ...],
    networks: tuple[str, ...],
) -> None:
    shown = demo(tmp_path, client, "--client", client, *options)
    traffic = shown.figures["traffic"]
    record({"requests": traffic["requests"], "clients": traffic["clients"]})
    assert shown.code == 5, shown.why
    assert shown.figures["run"]["step"] == "forward/drain-primary"
    assert_nothing_lost(traffic, requests=10_000)
    assert traffic["clients"][client]["requests"] > 100
    assert traffic["clients"][client]["failed"] == 0
    held = next(line for line in shown.said.splitlines() if "waits at the gate accept-remaining" in line)
    named = re.findall(r"([^\s\[]+) → ", held)
    assert named, held
    within = [ipaddress.ip_network(network) for network in networks]
    assert all(any(ipaddress.ip_address(one) in network for network in within) for one in named), held
