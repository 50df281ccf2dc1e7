"""Whether external-dns may own names: it takes back within a minute what another writes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from blueshift.cluster import paths
from blueshift.discovery.raw import Raw, containers, ref
from blueshift.discovery.seen import Instance, Ownership
from blueshift.discovery.workload import arguments
from blueshift.discovery.world import NameFact
from blueshift.dns.records import RecordSet, canonical, within

if TYPE_CHECKING:  # a plan asks `covers` and needs no client library
    from blueshift.cluster.api import KubeApi
    from blueshift.dns.backend import DnsBackend

_IMAGE = re.compile(r"(?:^|/)external-dns(?:$|[:@-])")
# The registry's text: `heritage=external-dns,external-dns/owner=…` (external-dns, endpoint/labels.go).
_HERITAGE = "heritage=external-dns"
_OWNER = re.compile(r"external-dns/owner=([^,\"]+)")
# Names of its TXT records since v0.12 have the type before the name; older ones are at the name itself. What
# moves has addresses, so those of an alias are not asked for.
_TYPES = ("", "a-", "aaaa-")


async def ownership(kube: KubeApi, backend: DnsBackend, names: Sequence[NameFact]) -> Ownership:
    """Look for running instances and for their TXT records at every name that would move.

    Raises ApiError where Deployments of all namespaces may not be listed: without that nothing is known.
    """
    found: list[Raw] = []
    for plural in ("deployments", "statefulsets"):
        found += await kube.list(paths.apis("apps/v1", plural))
    running = instances(found)
    asked = [
        (text, name.name)
        for name in names
        if name.state == "move"
        for text in txt_names(name.name, running)
        if within(text, name.zone)  # at a zone's apex only the name itself is
    ]
    answers = await backend.read([(text, "TXT") for text, _ in asked])
    records = {
        name: owner
        for (_, name), answer in zip(asked, answers, strict=True)
        if answer is not None and (owner := owner_in(answer))
    }
    return Ownership(running, records)


def instances(workloads: Iterable[Raw]) -> tuple[Instance, ...]:
    """The workloads that run external-dns, by their image or program, also as a sidecar."""
    return tuple(
        _instance(ref(workload), arguments(container))
        for workload in workloads
        for container in containers(workload)
        if _IMAGE.search(str(container.get("image", "")))
        or any(part.rsplit("/", 1)[-1] == "external-dns" for part in arguments(container)[:1])
    )


def _instance(workload: str, arguments: Sequence[str]) -> Instance:
    flags: dict[str, list[str]] = {}
    # Some charts put everything into one shell line.
    words = [
        word
        for argument in arguments
        for word in (shlex.split(argument) if " --" in argument else [argument])
    ]
    for place, word in enumerate(words):
        if not word.startswith("--"):
            continue
        flag, equals, value = word[2:].partition("=")
        if not equals and place + 1 < len(words) and not words[place + 1].startswith("--"):
            value = words[place + 1]
        flags.setdefault(flag, []).append(value)

    def last(flag: str, default: str = "") -> str:
        return flags.get(flag, [default])[-1]

    return Instance(
        workload=workload,
        sources=tuple(flags.get("source", ())),
        policy=last("policy", "sync"),
        registry=last("registry", "txt"),
        domains=tuple(filter(None, flags.get("domain-filter", ()))),
        excluded=tuple(filter(None, flags.get("exclude-domains", ()))),
        prefix=last("txt-prefix"),
        suffix=last("txt-suffix"),
        annotations=last("annotation-prefix"),
        pattern=last("regex-domain-filter"),
    )


def covers(instance: Instance, name: str) -> bool:
    """Whether its domain filters let it write this name; a filter that begins with a dot is for below it."""
    if instance.pattern:
        try:
            return re.search(instance.pattern, name) is not None
        except re.error:
            return True  # Go's syntax has more: what cannot be read may cover anything
    bare = name.removeprefix("*.")
    if any(_in(bare, domain) for domain in instance.excluded):
        return False
    return not instance.domains or any(_in(bare, domain) for domain in instance.domains)


def _in(name: str, domain: str) -> bool:
    base = canonical(domain.lstrip("."))
    return within(name, base) and not (domain.startswith(".") and name == base)


def txt_names(name: str, running: Sequence[Instance] = ()) -> tuple[str, ...]:
    """Where external-dns keeps the ownership of a name, by default and as the running ones were told."""
    affixes = {("", ""), *((one.prefix, one.suffix) for one in running)}
    label, dot, rest = name.partition(".")
    made: list[str] = []
    for prefix, suffix in sorted(affixes):
        for kind in _TYPES:
            if "%{record_type}" in prefix + suffix:
                before, after = (text.replace("%{record_type}", kind[:-1]) for text in (prefix, suffix))
                made.append(f"{before}{label}{after}{dot}{rest}")
            else:
                made.append(f"{prefix}{kind}{label}{suffix}{dot}{rest}")
    return tuple(dict.fromkeys(made))


def owner_in(records: RecordSet) -> str:
    """The owner id in a TXT record of external-dns; `?` where it has none, empty where it is another's."""
    for value in records.values:
        if _HERITAGE in value:
            owner = _OWNER.search(value)
            return owner[1] if owner else "?"
    return ""
