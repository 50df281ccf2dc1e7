"""The manifests of `blueshift rbac`, for one release as it runs and as it is to be."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from blueshift.app import roles
from blueshift.app.look import revised, temporary_of
from blueshift.app.roles import Role, Subject
from blueshift.app.session import Session
from blueshift.app.target import revisions_of
from blueshift.cluster import paths
from blueshift.controllers.profile import Profile
from blueshift.discovery.prepared import PREPARED, admission, mark
from blueshift.discovery.primary import primary
from blueshift.discovery.rights import EXEC, LOOKS, RULES, at, scaling, spaces_of
from blueshift.discovery.world import Right
from blueshift.dns.key import KeySource
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config
from blueshift.playbook.schema import Playbook


def approver(state: str, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """The approver's manifests: no cluster is asked."""
    return roles.approver(state, f"{state}-control", subjects)


async def manifests(
    session: Session, config: Config, playbook: Playbook, role: Role, subjects: Sequence[Subject]
) -> list[dict[str, Any]]:
    """The runner's or viewer's manifests. Reads the release and renders its revisions; changes nothing.

    `config` is the user's: the session's own may do without DNS. Raises BlueshiftError as a look does.
    """
    release = config.release
    session = session.one_look()
    found = await primary(session.kube, release.name, release.namespace, session.recognise)
    temporary = temporary_of(session)
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        profile = cast(Profile, found.known)
        revisions = await revisions_of(session, found.record, profile, Path(scratch))
        rendered = await revised(session, found, revisions, playbook, temporary)
    for one in rendered.all:
        if one.error:
            raise BlueshiftError(one.error, hint="`blueshift plan` shows what is rendered from what")
    state = config.cluster.state_namespace
    places = spaces_of(found.workload.namespace, temporary[1], state)
    own = temporary[1] not in (release.namespace, found.workload.namespace)
    rights = (
        *at((*RULES, *EXEC, *LOOKS), places, release.name, prepared=True),
        *scaling(found.workload.namespace, found.workload.scaled_object),
        *rendered.rights,
        *_key(config),
    )
    if release.namespace != found.workload.namespace:  # namespaceOverride: Helm's records are elsewhere
        beside = spaces_of(release.namespace, temporary[1], state)
        rights += tuple(
            right
            for right in at(RULES, beside, release.name, prepared=True)
            if right.namespace == release.namespace
        )
    spaces = [state, f"{state}-control"]
    name = f"{release.namespace}.{release.name}"
    prepared = None
    if own:
        live = await session.kube.get(paths.core("namespaces", None, found.workload.namespace))
        labels, annotations = (admission(live["metadata"].get(part)) for part in ("labels", "annotations"))
        prepared = roles.Prepared(temporary[1], {**labels, PREPARED: mark(release)}, annotations)
    if role == "viewer":
        return roles.viewer(rights, name, subjects, state=state, spaces=spaces, prepared=prepared)
    return roles.runner(rights, name, subjects, spaces=spaces, prepared=prepared)


def _key(config: Config) -> tuple[Right, ...]:
    """To read the Secret that holds the TSIG key, where there is one."""
    source = getattr(config.dns.settings, "key", None)
    if not isinstance(source, KeySource) or source.secret is None:
        return ()
    place = source.secret
    return (Right(place.namespace, "", "secrets", ("get",), "the TSIG key", (place.name,)),)


def without_dns(config: Config) -> Config:
    """The same, moving names by hand: rights in the cluster do not depend on DNS, and no key is needed."""
    from blueshift.dns.settings import ManualSettings

    dns = msgspec.structs.replace(config.dns, backend="manual", settings=ManualSettings())
    return msgspec.structs.replace(config, dns=dns)
