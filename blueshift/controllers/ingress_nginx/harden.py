"""Values with which a pod that ends loses no request, merged with what the user has.

Shutdown as the controller does it (`Stop()` in controller 1.15.1): unready at once, then the seconds of
`shutdown-grace-period` in which it still serves, then nginx quits within `worker-shutdown-timeout`, then a
delay of 10 s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from blueshift.controllers.ingress_nginx.settings import seconds
from blueshift.controllers.ingress_nginx.version import SHUTDOWN_GRACE, WAIT_SHUTDOWN, at_least
from blueshift.controllers.overrides import Override, Path, Values, dig, merge
from blueshift.controllers.profile import HardenFacts

POST_SHUTDOWN = 10
"""Seconds: default of --post-shutdown-grace-period; a fixed delay before controller 1.1.2."""

MARGIN = 15
"""Seconds between the last moment that a pod may need and the kill."""

_ARGUMENTS: Path = ("controller", "extraArgs")
_SLEEP = re.compile(r"\bsleep\s+(\d+)s?")
# All that the hooks which people use are made of; another word in one is the user's own work and stays.
_WAITS_FOR_NGINX = (
    r"\bwhile\s+pgrep(\s+-\w+)*\s+nginx(\s*[12&]?>\s*(/dev/null|&1))*\s*;"
    r"\s*do\s+sleep\s+\d+s?\s*;?\s*done\b"
)
_HOOK_WORDS = re.compile(
    rf"({_WAITS_FOR_NGINX})|"
    r"(\bsleep\s+\d+s?)|/wait-shutdown|(\S*nginx(\s+-c\s+\S+)?\s+-s\s+quit)|/bin/(ba)?sh|\b(ba)?sh\b|(?<!\S)-e?c\b|[;&\s]|\btrue\b"
)
_DEAD_PATH = "/usr/local/openresty/"
"""Of a widely copied hook; in no image from 0.34.1 to 1.15.1: the hook fails and the pod is ended at once."""


def harden(values: Values, facts: HardenFacts) -> tuple[Override, ...]:
    """The changes; only what is not yet so is changed, and no safer setting of the user is lowered."""
    seen = merge(facts.defaults, values)
    hook = tuple(map(str, dig(seen, ("controller", "lifecycle", "preStop", "exec", "command")) or ()))
    native = dig(seen, ("controller", "lifecycle", "preStop", "sleep", "seconds"))
    sleeps = tuple(map(int, _SLEEP.findall(" ".join(hook))))
    # A hook that goes becomes a grace period; one that stays sleeps before that begins.
    stays = bool(hook) and not _ours(hook)
    slept = max((int(native or 0), *(() if stays else sleeps)))
    grace = max(facts.shutdown_grace, slept, _number(dig(seen, (*_ARGUMENTS, "shutdown-grace-period"))))
    workers = str(dig(seen, ("controller", "config", "worker-shutdown-timeout")) or "")
    return (
        *_shutdown(seen, facts, hook, grace),
        *_time(
            seen,
            sum(sleeps) if stays else 0,
            grace,
            max(facts.worker_shutdown_timeout, seconds(workers, 0)),
        ),
        *_rollout(seen, facts),
        *_status(seen),
    )


def _shutdown(seen: Values, facts: HardenFacts, hook: tuple[str, ...], grace: int) -> Iterator[Override]:
    flag = at_least(facts.app_version, SHUTDOWN_GRACE)
    if flag and str(dig(seen, (*_ARGUMENTS, "shutdown-grace-period"))) != str(grace):
        yield Override(
            (*_ARGUMENTS, "shutdown-grace-period"),
            str(grace),
            "a pod that was told to end is unready and still serves until load balancers have taken it out",
        )
    command = _hook(facts.app_version, grace, flag)
    if list(hook) == command or (hook and not _ours(hook)):
        return
    handler = {"exec": {"command": command}}
    yield Override(("controller", "lifecycle", "preStop"), handler, _hook_reason(hook, flag))


def _hook(app_version: str, grace: int, flag: bool) -> list[str]:
    if flag:
        return ["/wait-shutdown"]
    if at_least(app_version, WAIT_SHUTDOWN):
        return ["/bin/sh", "-c", f"sleep {grace}; /wait-shutdown"]
    quit_and_wait = "nginx -s quit; while pgrep -x nginx >/dev/null; do sleep 1; done"
    return ["/bin/sh", "-c", f"sleep {grace}; {quit_and_wait}"]


def _ours(hook: tuple[str, ...]) -> bool:
    text = " ".join(hook)
    return _DEAD_PATH in text or not _HOOK_WORDS.sub("", text)


def _hook_reason(hook: tuple[str, ...], flag: bool) -> str:
    if any(_DEAD_PATH in part for part in hook):
        return f"{_DEAD_PATH} is in no image: the hook fails and the pod is ended at once"
    if not hook:
        return "without a hook nothing waits for requests that are under way"
    if flag:
        return "a hook that sleeps keeps the pod ready meanwhile (issue 11890); the grace period does not"
    return "this version has no grace period of its own, so the hook waits for load balancers"


def _time(seen: Values, hook: int, grace: int, workers: int) -> Iterator[Override]:
    post = _number(dig(seen, (*_ARGUMENTS, "post-shutdown-grace-period"))) or POST_SHUTDOWN
    needed = hook + grace + workers + post + MARGIN
    slept = f"{hook} s hook + " if hook else ""
    if _number(dig(seen, ("controller", "terminationGracePeriodSeconds"))) < needed:
        yield Override(
            ("controller", "terminationGracePeriodSeconds"),
            needed,
            f"{slept}{grace} s grace + {workers} s for open requests + {post} s delay "
            f"+ {MARGIN} s margin: a pod that is killed sooner cuts its requests",
        )


def _rollout(seen: Values, facts: HardenFacts) -> Iterator[Override]:
    if _number(dig(seen, ("controller", "minReadySeconds"))) < facts.min_ready:
        reason = "a new pod must be known to load balancers before an old one may go"
        yield Override(("controller", "minReadySeconds"), facts.min_ready, reason)
    if dig(seen, ("controller", "hostNetwork")) or dig(seen, ("controller", "hostPort", "enabled")):
        return  # no second pod fits onto a node whose ports are taken
    strategy: dict[str, Any] = dig(seen, ("controller", "updateStrategy")) or {}
    rolling = strategy.get("rollingUpdate") or {}
    surge = rolling.get("maxSurge")
    wanted = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1 if surge in (None, 0, "0", "0%") else surge, "maxUnavailable": 0},
    }
    if strategy != wanted:
        reason = "no pod may go before its successor is ready (the default lets a quarter go)"
        yield Override(("controller", "updateStrategy"), wanted, reason)


def _status(seen: Values) -> Iterator[Override]:
    path = (*_ARGUMENTS, "update-status-on-shutdown")
    if str(dig(seen, path)).lower() != "false":
        yield Override(
            path,
            "false",
            "the last pod of a version would blank the status of every Ingress, and external-dns then "
            "deletes the records (issues 10475, 11087; charts from 4.6.0 on). A string, as flags are",
        )


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isdigit() else 0
