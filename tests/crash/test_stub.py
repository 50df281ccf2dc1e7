"""The stub speaks as the real controller does: the product's own parsers read it."""

from __future__ import annotations

from blueshift.controllers.ingress_nginx import routes
from blueshift.traffic.metrics import extract
from blueshift.traffic.status import parse_status
from tests.crash.stub_controller import Served


def served() -> Served:
    """A stub that has one Ingress, with a name and a wildcard."""
    found = Served("k8s.io/one")
    found.ingresses = {
        "1": {
            "metadata": {"name": "site", "namespace": "shop"},
            "spec": {
                "rules": [
                    {
                        "host": host,
                        "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]},
                    }
                    for host in ("one.test", "*.wild.test")
                ]
            },
        }
    }
    return found


def test_its_configuration_is_read_as_routes() -> None:
    found = routes.parse(served().dump())
    assert [(one.host, one.path, one.service) for one in found.routes] == [
        ("*.wild.test", "/", "web"),
        ("one.test", "/", "web"),
    ]


def test_its_metrics_and_status_are_read() -> None:
    stub = served()
    stub.counts[("one.test", "shop", "site", "web", 200)] = 3
    sample = extract(stub.metrics().encode(), "pod", 0.0)
    assert sample.counting
    assert sum(sample.counters.values()) == 3
    assert sample.connections is not None
    assert parse_status(stub.status().encode()).foreign() == 0


def test_an_unknown_host_is_served_by_no_rule() -> None:
    assert served().serving("other.test", "/") is None
    assert served().serving("x.wild.test", "/") is not None
