"""Checks of ingress-nginx: settings in force on each side, and what follows from them for a run."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_neighbours import StandIn
from blueshift.discovery.settings import Settings
from blueshift.discovery.world import World
from blueshift.preflight.nginx_own import running, side_of
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns
from blueshift.traffic.drain import DrainRules


def grace(world: World) -> Iterator[Seen]:
    """A pod that ends has the time that its own settings ask for."""
    now = running(world).side.settings
    hardened = side_of(world.harden, "hardened").settings
    target = side_of(world.target, "target").settings
    remedy = "raise `controller.terminationGracePeriodSeconds`, or lower `worker-shutdown-timeout`"
    short = [
        (which, one) for which, one in (("hardened", hardened), ("target", target)) if _needs(one) > one.grace
    ]
    for which, one in short:
        yield warns(f"pods of the {which} revision are killed while they serve: {_sum(one)}", remedy)
    if _needs(now) > now.grace:
        if _needs(hardened) <= hardened.grace:
            yield tells(
                f"pods of the primary are killed while they serve ({_sum(now)}); the harden step gives them "
                f"{hardened.grace} s while traffic is away"
            )
        else:
            yield warns(f"pods of the primary are killed while they serve: {_sum(now)}", remedy)
    elif not short:
        yield passed(f"a pod that ends has its time: {_sum(target)}")


def _needs(one: Settings) -> int:
    return one.slept + one.shutdown_grace + one.worker_shutdown_timeout + one.post_shutdown


def _sum(one: Settings) -> str:
    """In the order in which they pass (`Stop()` in controller 1.15.1; the hook's sleep counts before it)."""
    hook = f"{one.slept} s hook + " if one.slept else ""
    return (
        f"{hook}{one.shutdown_grace} s shutdown-grace-period + {one.worker_shutdown_timeout} s "
        f"worker-shutdown-timeout + {one.post_shutdown} s = {_needs(one)} s, of {one.grace} s "
        "terminationGracePeriodSeconds"
    )


def metrics(world: World) -> Iterator[Seen]:
    """Both sides count requests."""
    sides = {"primary": running(world).side.settings, "target": side_of(world.target, "target").settings}
    for which, one in sides.items():
        if not one.metrics:
            version = (
                f" (off unless set from controller 1.12 on; this is {one.version})"
                if which == "target"
                else ""
            )
            yield warns(
                f"the {which} has no metrics{version}: its traffic is seen by probes and access logs alone",
                "set `controller.metrics.enabled: true`",
            )
        elif not one.metrics_per_host:
            yield warns(
                f"the {which}'s metrics do not tell hosts apart: which of them have traffic is not known",
                "take `metrics-per-host: false` out of `controller.extraArgs`",
            )
    if all(one.metrics and one.metrics_per_host for one in sides.values()):
        yield passed("both sides count requests by host")


def prometheus(world: World) -> Iterator[Seen]:
    """The Prometheus that stands in for pods whose metrics cannot be read has them."""
    seen = found(world, "nginx-prometheus", StandIn)
    if not seen.url:
        yield passed("counters are read from the pods themselves; no Prometheus is configured beside")
    elif seen.unusable:
        yield warns(
            f"the Prometheus at {seen.url} could not be asked, and would tell nothing where pods' own "
            f"metrics cannot be read: {seen.unusable}",
            "see `traffic.prometheus` in blueshift.yaml: its address, its token, its certificate",
        )
    elif seen.lacking:
        yield warns(
            f"the Prometheus at {seen.url} has no sample of the last two minutes of {brief(seen.lacking)}",
            "let it read the primary's pods (`controller.metrics.serviceMonitor.enabled: true` with the "
            "operator), and see `traffic.prometheus.labels`",
            seen.lacking,
        )
    elif not seen.known:
        yield Seen("not-looked", f"no pod of the primary runs that the Prometheus at {seen.url} could have")
    elif seen.behind > (lag := DrainRules().lag):
        yield warns(
            f"the Prometheus at {seen.url} read the primary's pods {seen.behind:.0f} s ago: a drain takes "
            f"what is {lag:.0f} s old at most",
            "let it read them more often (`scrape_interval`)",
        )
    else:
        yield passed(f"the Prometheus at {seen.url} has recent samples of {len(seen.known)} pods")


def access_log(world: World) -> Iterator[Seen]:
    """Every request is in a pod's log."""
    now = running(world)
    sides = {"primary": now.side.settings, "target": side_of(world.target, "target").settings}
    for which, one in sides.items():
        if one.access_log_why:
            yield warns(
                f"the log of the {which}'s pods does not show every request ({one.access_log_why}): that a "
                "side is idle is then told by metrics and connections",
                "let the access log go to standard output while a run lasts",
            )
    if now.unlogged:
        yield warns(
            f"{len(now.unlogged)} Ingresses keep their requests out of the access log (enable-access-log: "
            f"false): {brief(now.unlogged)}",
            "metrics count them; clients that still come to a side are not named",
            now.unlogged,
        )
    if not now.unlogged and not any(one.access_log_why for one in sides.values()):
        yield passed("every request is in the logs of both sides")


def proxy_protocol(world: World) -> Iterator[Seen]:
    """PROXY headers are read where they are sent, on all sides alike."""
    now = running(world).side
    reads = now.settings.proxy_protocol
    temporary, target = side_of(world.temporary, "temporary"), side_of(world.target, "target")
    wrong = [
        which
        for which, one in (("temporary", temporary), ("target", target))
        if one.settings.proxy_protocol != reads
    ]
    for which in wrong:
        yield fails(
            f"the primary {_reads(reads)} PROXY headers (use-proxy-protocol) and the {which} "
            f"{_reads(not reads)} them: behind a load balancer that is alike, every connection to it fails",
            "set `controller.config.use-proxy-protocol` in the target's values as in the primary's",
        )
    if not reads:
        if not wrong:
            yield passed("no side reads PROXY headers")
    elif now.sends_proxy and not temporary.sends_proxy:
        said = [f"{service} ({mark})" for service, mark in now.sends_proxy.items()]
        yield fails(
            f"the load balancer of {brief(said)} sends PROXY headers, and the temporary's Service does not "
            "ask for them: every connection to it would fail",
            "keep that annotation in `controller.service.annotations`",
            tuple(now.sends_proxy),
        )
    elif not now.sends_proxy:
        yield warns(
            "the primary reads PROXY headers, and no annotation of its Services says what sends them: the "
            "load balancer of the temporary must send them too",
            "see that every new load balancer here sends them",
        )
    elif not wrong:
        said = [f"{service} ({mark})" for service, mark in now.sends_proxy.items()]
        yield passed(f"PROXY headers are read on all sides, and sent to {brief(said)}", *now.sends_proxy)


def _reads(does: bool) -> str:
    return "reads" if does else "does not read"


def streams(world: World) -> Iterator[Seen]:
    """TCP and UDP ports are served by all sides."""
    side = running(world).side
    now = side.streams
    for place in side.settings.streams.values():
        if why := side.unread.get(place):
            raise NotLooked(f"the ports of {place} could not be read: {why}")
    if not now:
        yield passed("no TCP or UDP service is served beside HTTP")
        return
    missing = False
    for which, revision in (("temporary", world.temporary), ("target", world.target)):
        there = side_of(revision, which).streams
        if lost := tuple(
            f"{port} ({service})" for port, service in now.items() if there.get(port) != service
        ):
            missing = True
            yield fails(
                f"the {which} does not serve {len(lost)} of {len(now)} TCP and UDP ports as the primary "
                f"does: {brief(lost)}",
                "`tcp` and `udp` of the chart's values give every side its own; a ConfigMap that was made by "
                "hand is read from the primary's namespace alone",
                lost,
            )
    if not missing:
        served = tuple(f"{port} ({service})" for port, service in now.items())
        yield tells(
            f"{len(served)} TCP and UDP ports move with the names, whoever uses them; nothing here probes or "
            f"counts them: {brief(served)}",
            served,
        )
