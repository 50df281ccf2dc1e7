"""What can be broken in the demo's world: an image, the target's values, an admission policy, a key.

The product has no switch for any of this: it meets the same as it would in a cluster of somebody's.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.lab.demo.inside import apply
from blueshift.lab.demo.world import NAMESPACE, World, unanswered
from blueshift.lab.nameservers import KEY
from blueshift.lab.zone import ZONE
from blueshift.traffic.prober.plan import Route

HIDDEN = "shadow"
"""Namespace, and value of its label `team`, that the temporary's controller does not watch (`parity`)."""


class Broken(msgspec.Struct, frozen=True):
    """What of the settings is different in a broken world."""

    values: Mapping[str, Any] = MappingProxyType({})
    """Laid over the running values."""
    key_file: Path | None = None


async def _target_image(_world: World, _clock: Clock) -> Broken:
    """The target's image does not exist: its pods never start."""
    return Broken(values={"controller": {"image": {"tag": "v1.12.1-never-pushed"}}})


async def _primary_unready(_world: World, _clock: Clock) -> Broken:
    """The upgraded controller runs, is ready by its own probe, and answers 503 for every host."""
    return Broken(values={"controller": {"config": {"server-snippet": "return 503;"}}})


async def _parity(world: World, clock: Clock) -> Broken:
    """The cluster's policy keeps controllers in new namespaces from a team's Ingress: a route is lacking."""
    await apply(world.lab, _policy())
    # The new Ingress makes every pod reload, which may end a connection under a request: before traffic runs.
    route = Route(host=ZONE, path="/old", status=301)
    asked = [(address, route) for address in world.addresses] * 10
    while await unanswered(world, asked, clock):
        await clock.sleep(1.0)
    await clock.sleep(2.0)
    return Broken()


async def _dns_key(world: World, _clock: Clock) -> Broken:
    """A key of the right name with another secret, as after a rotation that was not told."""
    path = world.folder / "rotated.key"
    path.touch(mode=0o600)
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    path.write_text(f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret}";\n}};\n')
    return Broken(key_file=path)


BREAKS: Mapping[str, Callable[[World, Clock], Awaitable[Broken]]] = {
    "target-image": _target_image,
    "primary-unready": _primary_unready,
    "parity": _parity,
    "dns-key": _dns_key,
}
"""Break → what makes it. Its first line says what is broken."""
EXPECTED: Mapping[str, int] = {"target-image": 5, "primary-unready": 5, "parity": 5, "dns-key": 3}
"""The exit code that an upgrade in the broken world must have."""


def _policy() -> list[dict[str, Any]]:
    backend = {"service": {"name": "moved", "port": {"number": 80}}}
    path = {"path": "/old", "pathType": "Prefix", "backend": backend}
    prefix = "nginx.ingress.kubernetes.io/"
    version = "admissionregistration.k8s.io/v1"
    name = "watch-own-teams"
    patch = {"op": '"add"', "path": '"/spec/template/spec/containers/0/args/-"'}
    fields = ", ".join(f"{key}: {value}" for key, value in patch.items())
    argument = f'"--watch-namespace-selector=team!={HIDDEN}"'
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": HIDDEN, "labels": {"team": HIDDEN}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "name": "old",
                "namespace": HIDDEN,
                "annotations": {f"{prefix}permanent-redirect": f"https://{ZONE}/"},
            },
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": ZONE, "http": {"paths": [path]}}],
            },
        },
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {
                    "namespaceSelector": {
                        "matchExpressions": [
                            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [NAMESPACE]}
                        ]
                    },
                    "resourceRules": [
                        {
                            "apiGroups": ["apps"],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["deployments"],
                        }
                    ],
                },
                "matchConditions": [
                    {
                        "name": "controller",
                        "expression": 'object.spec.template.spec.containers[0].name == "controller"',
                    }
                ],
                "mutations": [
                    {
                        "patchType": "JSONPatch",
                        "jsonPatch": {"expression": f"[JSONPatch{{{fields}, value: {argument}}}]"},
                    }
                ],
            },
        },
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    ]
