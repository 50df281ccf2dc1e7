"""The lab's network: a namespace with a bridge and no uplink, so that nothing can leave it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from blueshift.lab import namespaces
from blueshift.lab.addresses import Family
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run

BRIDGE = "lab0"
_CLIENT_LINK = "clients0"


def has_ipv6() -> bool:
    """Whether this machine's kernel has IPv6 at all (it may be off outside: a namespace sets its own)."""
    return Path("/proc/sys/net/ipv6").is_dir()


async def create(lab: Lab, families: tuple[Family, ...]) -> None:
    """Make both namespaces, the bridge, the clients' link and every address of the plan."""
    for netns in (lab.netns, lab.clients_netns):
        await run(["ip", "netns", "add", netns], f"making the network namespace {netns}")
    # Before any address: IPv6 addresses must not be lost to a machine's own setting.
    settings = {"net/ipv4/ip_forward": "1"}
    if len(families) > 1:
        settings |= {"net/ipv6/conf/all/disable_ipv6": "0", "net/ipv6/conf/all/forwarding": "1"}
        namespaces.inside(lab.clients_netns_path, lambda: _set({"net/ipv6/conf/all/disable_ipv6": "0"}))
    namespaces.inside(lab.netns_path, lambda: _set(settings))
    await _ip(lab.netns, _node_commands(lab, families))
    await _ip(lab.clients_netns, _client_commands(families))


def remove(lab: Lab) -> None:
    """Take the namespaces' handles away; with their last process the namespaces end, with all in them."""
    for handle in (lab.netns_path, lab.clients_netns_path):
        namespaces.unmount(handle)
        handle.unlink(missing_ok=True)


def _node_commands(lab: Lab, families: tuple[Family, ...]) -> list[str]:
    commands = [
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        # The clients' link is also the port without which a bridge has no carrier.
        f"link add {_CLIENT_LINK} type veth peer name eth0 netns {lab.clients_netns}",
        f"link set {_CLIENT_LINK} master {BRIDGE} up",
        f"link set {BRIDGE} up",
    ]
    for family in families:
        own = (family.node, family.primary, family.secondary, family.resolver)
        commands += [_address(family, address, BRIDGE) for address in own]
        # Programs ask for a route before kube-proxy rewrites a Service's address; it ends in the bridge.
        commands.append(f"route add {family.anywhere} dev {BRIDGE} src {family.node}")
    return commands


def _client_commands(families: tuple[Family, ...]) -> list[str]:
    commands = ["link set lo up", "link set eth0 up"]
    for family in families:
        commands += [_address(family, address, "eth0") for address in family.clients]
        commands.append(f"route add {family.anywhere} via {family.node}")
    return commands


def _address(family: Family, address: str, link: str) -> str:
    # Without duplicate address detection, which would hold an IPv6 address back for a second.
    nodad = " nodad" if family.version == 6 else ""
    return f"addr add {address}/{family.length} dev {link}{nodad}"


async def _ip(netns: str, commands: list[str]) -> None:
    await run(["ip", "-n", netns, "-batch", "-"], f"setting up {netns}", stdin="\n".join(commands) + "\n")


def _set(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        path = Path("/proc/sys", name)
        if path.read_text().strip() != value:
            with contextlib.suppress(PermissionError):
                path.write_text(value)
