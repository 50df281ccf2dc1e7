"""What the Kubernetes API can answer instead of what was asked, as kinds that callers tell apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from blueshift.errors import Ambiguous, BlueshiftError, Retryable


class ApiError(BlueshiftError):
    """The API server refused a request: nothing was changed."""

    def __init__(self, message: str, *, status: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.status = dict(status or {})
        """The `Status` object of the answer, as the server sent it."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409: it exists already, or its resourceVersion, uid or a field's manager is not the expected one."""


class Forbidden(ApiError):
    """403."""


class Unauthorized(ApiError):
    """401."""


class Invalid(ApiError):
    """400 and 422: the object or the request is wrong."""


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old."""


class TooMany(Retryable):
    """429: the server asks to come later; nothing was changed."""


class ApiUnreachable(Retryable):
    """No answer to a read, or a write that never left this machine."""


class ApiFailing(Retryable):
    """The server failed at a read, or refused a write before it was stored (an admission webhook is down)."""


class NotKubernetes(ApiError):
    """What answers a read answers no object of the Kubernetes API, or one without what every such one has."""

    def __init__(self, server: str, why: str, *, place: str) -> None:
        super().__init__(
            f"what answers at {server} is no Kubernetes API: {why}",
            place=place,
            hint="is it the API server's address, with no proxy or login page before it? "
            "`kubectl cluster-info` asks it too",
        )


class Endless(ApiError):
    """The answer to a read came all the time and did not end: to ask again would take as long again."""

    def __init__(self, server: str, seconds: float, *, place: str) -> None:
        super().__init__(
            f"the answer of {server} did not end within {seconds:g} s",
            place=place,
            hint="is the line that slow, or is it another server? `kubectl get --raw /version` asks it too",
        )


class Untrusted(ApiError):
    """The server's certificate is not the one that the kubeconfig means; nothing was sent."""

    def __init__(self, server: str, why: str) -> None:
        super().__init__(
            f"the certificate of {server} is not accepted: {why}",
            hint="in the kubeconfig: is `certificate-authority` this cluster's, and `server` (or "
            "`tls-server-name`) a name in its certificate? `kubectl cluster-info` asks it too",
        )


class WriteLost(Ambiguous):
    """A write was sent and its answer is missing or says nothing about whether it was stored."""


_KINDS: Mapping[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
}


_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_MOST = 200
_BUSY = "the API server is in trouble: `kubectl get --raw '/readyz?verbose'` says of what kind"


def refusal(
    code: int, status: Mapping[str, Any], headers: Mapping[str, str], *, place: str, read: bool
) -> BlueshiftError:
    """The error for an answer of 300 or more. `place` is the method and path, `status` the decoded body."""
    message = str(status.get("message") or "")
    if status.get("kind") != "Status" or not message:  # of a proxy or balancer: its page tells no code
        message = f"the API server answered {code}" + (f": {_said(message)}" if message else "")
    if code == 429:
        return TooMany(message, after=retry_after(headers), place=place, hint=_BUSY)
    if code in _KINDS:
        return _KINDS[code](message, status=status, place=place, hint=_hint(code, message))
    if code >= 500:
        # The one 500 that is certain: admission comes before storage (apiserver admission chain).
        if read or "failed calling webhook" in message:
            return ApiFailing(message, after=retry_after(headers), place=place, hint=_BUSY)
        return WriteLost(message, place=place, hint="look whether it landed before trying again")
    hint = "is it the API server's address? `kubectl cluster-info` asks it too"
    return ApiError(message, status=status, place=place, hint=hint)


def _said(page: str) -> str:
    """What a web server's page says, without its markup and on one line."""
    return " ".join(_TAG.sub(" ", page).split())[:_MOST]


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a `Retry-After` header; 1 when it is absent or a date. At most 60."""
    text = headers.get("Retry-After", "")
    return min(60.0, float(text)) if text.isdigit() else 1.0


def _hint(code: int, message: str) -> str | None:
    if code == 401:
        return "log in to the cluster again, or name another kubeconfig or context (--kubeconfig, --context)"
    if code == 403:
        return "`kubectl auth can-i --list` shows what this user may; `blueshift check` names what is missing"
    if code == 404:
        return "it may be gone by now; `kubectl cluster-info` asks whether this is the API server at all"
    if code == 409 and "conflict with" in message:
        return "another manager owns these fields: `kubectl get -o yaml --show-managed-fields` shows which"
    return None
