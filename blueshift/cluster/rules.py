"""What a user may do in a namespace, as the API server tells it at once (SelfSubjectRulesReview)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

NOWHERE = "-"
"""No namespace can have this name (RFC 1123), and so no RoleBinding is in it: what a user may do there, they
may do in all namespaces, and with what is in none."""


class Rules(msgspec.Struct, frozen=True):
    """Rules that allow; what none of them allows may still be allowed, and is asked for by itself."""

    rules: tuple[Mapping[str, Any], ...] = ()
    """As in `status.resourceRules` (authorization.k8s.io/v1, ResourceRule)."""

    def allow(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        """Whether one of them surely does; `pods/log` for a subresource. `name` is empty for any object."""
        return any(
            _has(rule, "verbs", verb)
            and _has(rule, "apiGroups", group)
            and (_has(rule, "resources", resource) or _of_all(rule, resource))
            and (not rule.get("resourceNames") or name in rule["resourceNames"])
            for rule in self.rules
        )


def rules_of(answer: Mapping[str, Any]) -> Rules:
    """Out of a review; empty where it is incomplete: an authorizer that does not tell its rules (a webhook)
    takes part, and might also deny what another one allows.

    Raises KeyError, TypeError or AttributeError for what is no review.
    """
    status = answer["status"]
    return Rules() if status.get("incomplete") else Rules(tuple(status["resourceRules"]))


def _has(rule: Mapping[str, Any], field: str, wanted: str) -> bool:
    values = rule.get(field) or ()
    return wanted in values or "*" in values


def _of_all(rule: Mapping[str, Any], resource: str) -> bool:
    """A subresource of all resources: `*/scale`."""
    _, slash, sub = resource.partition("/")
    return bool(slash) and f"*/{sub}" in (rule.get("resources") or ())
