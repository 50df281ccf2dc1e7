"""A lab's life: up, down, and what state it is in."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.errors import BlueshiftError
from blueshift.lab import (
    api,
    cgroups,
    containerd,
    control_plane,
    facts,
    loadbalancer,
    nameservers,
    network,
    node,
    pki,
    processes,
)
from blueshift.lab.addresses import families
from blueshift.lab.facts import LabFacts
from blueshift.lab.launch import OWN_FOLDERS
from blueshift.lab.loadbalancer import PLAIN, Habits
from blueshift.lab.ownership import hand_over
from blueshift.lab.paths import Lab, known_labs

Say = Callable[[str], None]
Argv = list[str]

START_TIMEOUT = 180.0
"""Seconds until a lab that does not become ready is given up; it takes 5 to 10."""
STOP_TIMEOUT = 60.0
"""Seconds until its killed processes must have gone; it takes a fraction of one."""


class Status(msgspec.Struct, frozen=True, omit_defaults=False):
    """What `lab status` tells. `state`: up, broken (some process is gone), down."""

    name: str
    state: str
    processes: Mapping[str, int | None]
    facts: LabFacts | None
    node_ready: bool
    kubeconfig: Path
    logs: Path


def status(lab: Lab) -> Status:
    """Look at a lab; changes nothing."""
    known = processes.known(lab)
    settled = facts.load(lab)
    whole = settled is not None and settled.ready and all(known.values())
    state = "up" if whole else "broken" if any(known.values()) else "down"
    return Status(
        name=lab.name,
        state=state,
        processes=known,
        facts=settled,
        node_ready=state != "down" and api.node_ready(lab, node.NAME),
        kubeconfig=lab.kubeconfig,
        logs=lab.logs,
    )


def statuses() -> tuple[Status, ...]:
    """Every lab of this user."""
    return tuple(status(lab) for lab in known_labs())


async def up(
    lab: Lab, *, tools: Path, balancer: Habits = PLAIN, say: Say, clock: Clock | None = None
) -> LabFacts:
    """Start a lab and wait until its node is Ready. One that is up is left as it is.

    What a crash or a reboot left is taken away first. Raises BlueshiftError when something that ought to run
    does not, with the end of its log; then nothing of the lab is left.
    """
    clock = clock or SystemClock()
    _refuse_folder(lab)
    with _alone(lab):
        before = status(lab)
        if before.state == "up" and before.facts:
            other = "" if before.facts.balancer == balancer else ", with another load balancer than asked for"
            say(f"lab {lab.name} is already up{other}")
            return before.facts
        if before.state == "broken":
            gone = ", ".join(name for name, pid in before.processes.items() if pid is None)
            raise BlueshiftError(
                f"lab {lab.name} is broken: {gone or 'an earlier start'} did not last (logs: {lab.logs})",
                hint=f"blueshift lab down --name {lab.name}, then up again",
            )
        await _take_down(lab, clock)
        ipv6 = network.has_ipv6()
        if not ipv6:
            say("this machine's kernel has no IPv6: the lab goes on with IPv4 only")
        settled = LabFacts(tools=tools, ipv6=ipv6, balancer=balancer)
        try:
            async with clock.timeout(START_TIMEOUT):
                await _start(lab, settled, clock)
        except BaseException as error:
            failure = _failure(lab, error)
            kept = _keep_logs(lab)
            await _take_down(lab, clock)
            if isinstance(error, Exception):
                hint = failure.hint or "blueshift lab doctor tells what this machine lacks."
                raise BlueshiftError(failure.message, hint=f"{hint} Logs: {kept}") from error
            raise
        hand_over((lab.kubeconfig, nameservers.update_key(lab)))
        settled = msgspec.structs.replace(settled, ready=True)
        facts.save(lab, settled)
        return settled


async def down(lab: Lab, clock: Clock | None = None) -> bool:
    """Remove every trace of a lab, also of one that crashed; false when there was none."""
    with _alone(lab):
        existed = lab.root.exists() or lab.netns_path.exists() or lab.clients_netns_path.exists()
        await _take_down(lab, clock or SystemClock())
        return existed


async def _start(lab: Lab, settled: LabFacts, clock: Clock) -> None:
    for folder in (lab.run, lab.logs, lab.config):
        folder.mkdir(parents=True)
    facts.save(lab, settled)
    both = families(settled.ipv6)
    tools = settled.tools
    await network.create(lab, both)
    await processes.start_init(lab)
    pki.create(lab, both)
    node.write_config(lab, both)

    async def runtime() -> None:
        cgroups.favour()
        await processes.start(lab, "containerd", node.containerd(lab))
        await _until(lab, "containerd", lab.containerd_socket.exists, clock)
        await containerd.import_pause(lab)

    async def control() -> None:
        await processes.start(lab, "etcd", control_plane.etcd(lab, tools))
        await processes.start(lab, "apiserver", control_plane.apiserver(lab, tools, both))
        await _until(lab, "apiserver", lambda: api.ready(lab), clock)
        await _together(
            processes.start(lab, "controller-manager", control_plane.controller_manager(lab, tools)),
            processes.start(lab, "scheduler", control_plane.scheduler(lab, tools)),
            processes.start(lab, "proxy", node.proxy(lab, tools, both)),
        )

    await _together(runtime(), control(), nameservers.serve(lab, both, clock))
    await processes.start(lab, "kubelet", node.kubelet(lab, tools, both))
    await _until(lab, "kubelet", lambda: api.node_ready(lab, node.NAME), clock)
    await _until(lab, "controller-manager", lambda: api.accounts_ready(lab), clock)
    pools = [family.pool for family in both]
    await processes.start(lab, "loadbalancer", loadbalancer.argv(lab.kubeconfig, settled.balancer, pools))


async def _until(lab: Lab, name: str, there: Callable[[], bool], clock: Clock) -> None:
    """Wait for what a process brings about, and no longer than the process lives."""
    while not there():
        if processes.running_pid(lab, name) is None:
            raise BlueshiftError(f"{name} ended:\n{processes.log_tail(lab, name)}")
        await clock.sleep(0.1)


async def _together(*work: Awaitable[None]) -> None:
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(_awaited(each))


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _failure(lab: Lab, error: BaseException) -> BlueshiftError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BlueshiftError):
        return BlueshiftError(f"lab {lab.name} did not start: {error.message}", hint=error.hint)
    if isinstance(error, TimeoutError):
        started = ", ".join(processes.known(lab))
        return BlueshiftError(
            f"lab {lab.name} was not ready after {START_TIMEOUT:.0f} s; it had started {started}"
        )
    return BlueshiftError(f"lab {lab.name} did not start: {type(error).__name__}: {error}")


def _keep_logs(lab: Lab) -> Path:
    """A lab that did not start is taken down; its logs stay until the next one that does not."""
    kept = lab.root.with_name(f".{lab.name}.failed")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(kept)
    with contextlib.suppress(FileNotFoundError):
        lab.logs.rename(kept)
    return kept


async def _take_down(lab: Lab, clock: Clock) -> None:
    init = processes.record(lab, processes.INIT)
    # The kernel ends every process of the lab with its init, and with them their mounts and namespaces.
    processes.kill(init, signal.SIGKILL)
    try:
        async with clock.timeout(STOP_TIMEOUT):
            while processes.running_pid(lab, processes.INIT) is not None:
                await clock.sleep(0.02)
            cgroups.remove(lab)
            while cgroups.remaining(lab):
                await clock.sleep(0.05)
                cgroups.remove(lab)
    except TimeoutError:
        raise BlueshiftError(
            f"processes of lab {lab.name} do not end (stuck in the kernel?)",
            hint="Try the same again, later.",
        ) from None
    network.remove(lab)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(lab.root)


@contextlib.contextmanager
def _alone(lab: Lab) -> Iterator[None]:
    """One up or down of a lab at a time; a second one waits."""
    if os.geteuid() != 0:
        raise BlueshiftError(
            "a lab is made of network namespaces, mounts and containers, which needs root",
            hint="Run the same command with sudo.",
        )
    lab.root.parent.mkdir(parents=True, exist_ok=True)
    path = lab.root.with_name(f".{lab.name}.lock")
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_folder(lab: Lab) -> None:
    hint = "Set XDG_STATE_HOME to another folder."
    for folder in OWN_FOLDERS:
        if lab.root.is_relative_to(folder):
            message = f"a lab cannot live in {lab.root}: its containers have a {folder} of their own"
            raise BlueshiftError(message, hint=hint)
    # unix(7): 108 bytes with the zero at the end; containerd has a second socket beside the first.
    if len(f"{lab.containerd_socket}.ttrpc".encode()) > 107:
        raise BlueshiftError(f"{lab.root} is too long a path for containerd's socket", hint=hint)
