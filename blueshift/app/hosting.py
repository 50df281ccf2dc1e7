"""Hosts that a person asks for, where the log has no host: by the upstreams that serve them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from blueshift.controllers.profile import Profile
from blueshift.discovery.ingresses import host_facts
from blueshift.discovery.raw import Raw
from blueshift.steps.context import brief
from blueshift.traffic.logs import HOST, LogFormat
from blueshift.traffic.routes import ANY_HOST

_ONE_OF = re.compile(r"\[[^\]]+\]")


class Hosting(msgspec.Struct, frozen=True):
    """Which upstreams serve which hosts, as the Ingresses say."""

    upstreams: Mapping[str, frozenset[str]] = {}
    """Name in the log → hosts; `_` for every one that no Ingress names."""
    hosts: frozenset[str] = frozenset()
    """Of all Ingresses, wildcards and aliases too."""
    unknown: str = ""
    """Why that is not known."""

    def serving(self, patterns: Collection[str]) -> frozenset[str]:
        """Upstreams that serve a host which one of the patterns may mean."""
        return frozenset(
            upstream
            for upstream, hosts in self.upstreams.items()
            if any(meets(host, pattern) for host in hosts - {ANY_HOST} for pattern in patterns)
        )

    def doubts(self, patterns: Collection[str], form: LogFormat) -> Iterator[str]:
        """What the patterns cannot tell in logs of this format."""
        named = not form.http.variables.isdisjoint(HOST)
        if self.unknown:
            if patterns and not named:
                left = "Ingresses as they were" if self.upstreams else "the names of upstreams alone"
                yield (
                    "the log has no host, and which upstreams serve which hosts is not known: "
                    f"{self.unknown}; --host goes by {left}"
                )
            return
        for pattern in patterns:
            yield from self._mixed(pattern) if not named else ()
            yield from self._unmatched(pattern, named)

    def _mixed(self, pattern: str) -> Iterator[str]:
        mixed = {
            upstream: others
            for upstream in sorted(self.serving([pattern]))
            if not fnmatchcase(upstream, pattern)
            and (
                others := sorted(host for host in self.upstreams[upstream] if not fnmatchcase(host, pattern))
            )
        }
        if mixed:
            upstream, others = next(iter(mixed.items()))
            names = ["every host that no Ingress names" if one == ANY_HOST else one for one in others]
            more = f", and {len(mixed) - 1} more upstreams are like it" if len(mixed) > 1 else ""
            yield (
                f"the log has no host: for --host {pattern} all of the upstream {upstream} is shown, which "
                f"serves {brief(names)} too{more} ($host in log-format-upstream would tell them apart)"
            )

    def _unmatched(self, pattern: str, named: bool) -> Iterator[str]:
        hosts = sorted(host for host in self.hosts if meets(host, pattern))
        anything = sorted(upstream for upstream, served in self.upstreams.items() if ANY_HOST in served)
        if named:
            if not hosts and not anything:
                yield f"no Ingress that the primary serves has a host like --host {pattern}"
            return
        if self.serving([pattern]) or any(fnmatchcase(upstream, pattern) for upstream in self.upstreams):
            return
        if hosts:  # only a redirect of from-to-www, say
            yield (
                f"the log has no host, and {brief(hosts)} no upstream of its own: --host {pattern} shows "
                "nothing of it"
            )
            return
        rest = f"; hosts that none names are served by {brief(anything)}" if anything else ""
        yield f"no Ingress that the primary serves has a host or a Service like --host {pattern}{rest}"


def hosting_of(ingresses: Iterable[Raw], profile: Profile, prefix: str) -> Hosting:
    """What Ingresses that a controller serves say; `prefix` is that of its annotations."""
    ingresses = tuple(ingresses)
    upstreams: dict[str, set[str]] = {}
    for ingress in ingresses:
        for upstream, host in profile.upstreams(ingress, prefix):
            upstreams.setdefault(upstream, set()).add(host)
    return Hosting(
        {upstream: frozenset(hosts) for upstream, hosts in upstreams.items()},
        frozenset(fact.host for fact in host_facts(ingresses, profile.aliases)),
    )


@lru_cache(maxsize=4096)
def meets(host: str, pattern: str) -> bool:
    """Whether some name is both: of a host, whose `*` stands for a label, and of a pattern."""
    return _both(host, _ONE_OF.sub("?", pattern)) if "*" in host else fnmatchcase(host, pattern)


def _both(host: str, pattern: str) -> bool:
    """Whether a host with a label `*` and a pattern of `?` and `*` have a name in common."""
    left, seen = [(0, 0)], set()
    while left:
        here = left.pop()
        if here in seen:
            continue
        seen.add(here)
        at, there = here
        a, b = host[at : at + 1], pattern[there : there + 1]
        if not a and not b:
            return True
        if "*" in (a, b):
            # Either a star ends here, or it takes in what stands there.
            left += [(at + 1, there)] if a else []
            left += [(at, there + 1)] if b == "*" or b not in ("", ".") else []
        elif a and b and b in (a, "?"):
            left.append((at + 1, there + 1))
    return False
