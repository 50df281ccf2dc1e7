"""An answer of the API server becomes the kind of error that says what may be done about it."""

from __future__ import annotations

import pytest

from blueshift.cluster.errors import (
    ApiFailing,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooMany,
    Unauthorized,
    WriteLost,
    refusal,
    retry_after,
)
from blueshift.cluster.execute import exit_code
from blueshift.cluster.paths import apis, core
from blueshift.errors import Ambiguous, BlueshiftError, Retryable


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Invalid),
    ],
)
def test_refusals_are_final(code: int, kind: type[BlueshiftError]) -> None:
    error = refusal(code, {"kind": "Status", "message": "no"}, {}, place="PUT /x", read=False)
    assert type(error) is kind
    assert not isinstance(error, Retryable | Ambiguous)
    assert str(error) == "PUT /x: no"


def test_what_is_no_status_is_told_with_the_code() -> None:
    html = "<html><style>b {color: red}</style><body>\n<h1>503 Busy</h1><hr>nginx</body></html>"
    page = refusal(503, {"message": html}, {}, place="GET /x", read=True)
    assert str(page) == "GET /x: the API server answered 503: 503 Busy nginx"
    assert str(refusal(404, {}, {}, place="GET /x", read=True)) == "GET /x: the API server answered 404"


def test_too_many_is_retryable_as_told_for_reads_and_writes() -> None:
    for read in (True, False):
        error = refusal(429, {}, {"Retry-After": "3"}, place="", read=read)
        assert isinstance(error, TooMany)
        assert error.after == 3.0


def test_a_failing_server_leaves_a_write_open_and_a_read_to_be_repeated() -> None:
    assert type(refusal(500, {}, {}, place="", read=True)) is ApiFailing
    assert type(refusal(504, {"message": "timeout"}, {}, place="", read=False)) is WriteLost


def test_a_webhook_that_is_down_is_certain_because_admission_comes_before_storage() -> None:
    status = {"message": 'Internal error occurred: failed calling webhook "validate.nginx": refused'}
    assert type(refusal(500, status, {}, place="", read=False)) is ApiFailing


@pytest.mark.parametrize(
    ("header", "seconds"), [("5", 5.0), ("", 1.0), ("Tue, 24 Nov 2026 00:00:00 GMT", 1.0), ("9999", 60.0)]
)
def test_retry_after_is_bounded(header: str, seconds: float) -> None:
    assert retry_after({"Retry-After": header}) == seconds


def test_exit_codes_of_the_error_channel() -> None:
    assert exit_code(b'{"status": "Success"}', "") == 0
    failed = (
        b'{"status": "Failure", "reason": "NonZeroExitCode",'
        b' "details": {"causes": [{"reason": "ExitCode", "message": "137"}]}}'
    )
    assert exit_code(failed, "") == 137
    with pytest.raises(BlueshiftError, match="no such file"):
        exit_code(b'{"status": "Failure", "reason": "InternalError", "message": "no such file"}', "")


def test_paths() -> None:
    assert core("pods") == "/api/v1/pods"
    assert core("pods", "a", "b", "log") == "/api/v1/namespaces/a/pods/b/log"
    assert core("namespaces", None, "a") == "/api/v1/namespaces/a"
    assert apis("apps/v1", "deployments", "a") == "/apis/apps/v1/namespaces/a/deployments"
    assert core("secrets", "a", "x/../y") == "/api/v1/namespaces/a/secrets/x%2F..%2Fy"
