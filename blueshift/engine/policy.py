"""The admission policy that holds people's words to their names, and whether it was in force for one.

A ValidatingAdmissionPolicy (Kubernetes 1.30 and newer) on the ConfigMaps of the control namespace. Without it
whoever may write there may write any name, so a run records a claim.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.engine.store import RUN_LABEL
from blueshift.engine.words import Heard

GROUP = "admissionregistration.k8s.io"
KINDS = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
SETTLES = timedelta(seconds=5)
"""The API server takes a new policy up within about a second: until then a word is a claim."""

_IS_WORD = "object.metadata.name.startsWith('blueshift-run-')"
_MARKED = f"has(object.metadata.labels) && '{RUN_LABEL}' in object.metadata.labels"
_MAY_CHANGE = (
    "authorizer.group('').resource('configmaps').namespace(request.namespace).check('update').allowed()"
)
_KEYS = "['word', 'run', 'number', 'by', 'login', 'at', 'reason', 'step', 'gate']"
_DATA = "has(object.data) && "


def _for_words(expression: str) -> str:
    return f"!variables.word || ({expression})"


VALIDATIONS = (
    # Who may change ConfigMaps here anyway (kube-root-ca.crt and the like) is no approver.
    {"expression": f"variables.word || {_MAY_CHANGE}", "message": "only words to runs may be written here"},
    {
        "expression": _for_words("request.operation == 'CREATE'"),
        "message": "what was said to a run is not changed",
    },
    {
        "expression": _for_words(
            _DATA + "'by' in object.data && object.data.by == request.userInfo.username"
        ),
        "message": "`by` must be the name of the user who says it",
    },
    {
        "expression": _for_words(
            _DATA + f"object.data.all(key, key in {_KEYS})"
            " && ['word', 'run', 'number', 'login', 'at'].all(key, key in object.data)"
            " && int(object.data.number) >= 0 && timestamp(object.data.at).getFullYear() > 2000"
            " && object.data.word in ['approve', 'pause', 'unpause', 'back', 'panic']"
            " && object.metadata.name == 'blueshift-run-' + object.data.run + '-' + object.data.word"
            " + '-' + object.data.number"
            f" && {_MARKED} && object.metadata.labels['{RUN_LABEL}'] == object.data.run"
            " && has(object.immutable) && object.immutable && !has(object.binaryData)"
        ),
        "message": "this is no word that a run would hear",
    },
)


def policy_name(control: str) -> str:
    """Of the policy and its binding, for a control namespace."""
    return f"{control}-words"


def manifests(control: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy and its binding."""
    name = policy_name(control)
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": control}},
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }
            ],
        },
        "variables": [{"name": "word", "expression": f"{_IS_WORD} || ({_MARKED})"}],
        "validations": list(VALIDATIONS),
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return (
        _object("ValidatingAdmissionPolicy", name, spec),
        _object("ValidatingAdmissionPolicyBinding", name, binding),
    )


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app.kubernetes.io/managed-by": "blueshift"}}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec}


async def who(kube: KubeApi, control: str, heard: Heard) -> str:
    """Who said a word, for the journal: the bare name only where the policy held it to that."""
    word = heard.word
    notes = [] if await _held(kube, control, heard.created) else ["claims"]
    if word.login and word.login != word.by:
        notes.append(f"login {word.login}")
    return f"{word.by} ({'; '.join(notes)})" if notes else word.by


async def _held(kube: KubeApi, control: str, at: datetime | None) -> bool:
    """Whether the policy as shipped was in force at that moment. What may not be looked at is not."""
    if at is None:
        return False
    for plural, shipped in zip(KINDS, manifests(control), strict=True):
        try:
            found = await kube.find(paths.apis(f"{GROUP}/v1", plural, None, policy_name(control)))
        except Forbidden:
            return False
        if found is None or not _same(shipped["spec"], found["spec"]):
            return False
        made = msgspec.convert(found["metadata"]["creationTimestamp"], datetime)
        if made + SETTLES > at:
            return False
    return True


_NARROWS = ("matchConditions", "excludeResourceRules", "matchResources", "paramKind", "paramRef")


def _same(shipped: Any, found: Any) -> bool:
    """Whether all that was shipped is there, and nothing that would leave a word out."""
    if isinstance(shipped, dict):
        return (
            isinstance(found, dict)
            and not any(found.get(key) for key in _NARROWS)
            and all(_same(value, found.get(key)) for key, value in shipped.items())
        )
    if isinstance(shipped, list):
        return (
            isinstance(found, list)
            and len(found) == len(shipped)
            and all(_same(ours, theirs) for ours, theirs in zip(shipped, found, strict=True))
        )
    return bool(shipped == found)
