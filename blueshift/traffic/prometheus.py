"""Counters of pods out of a Prometheus that reads them, where the pods themselves cannot be read.

Raw samples are taken, and what was counted between two of them is for `metrics.delta` to say: `increase` and
`rate` extrapolate, so that one request becomes 1.07 or none.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.playbook import files
from blueshift.playbook.config import Prometheus, Token
from blueshift.traffic.metrics import Labelled, MetricNames, Sample, sample_of

RANGE = "2m"
"""How far back a newest sample is looked for: twice Prometheus' default interval of a minute."""
TIMEOUT = 10.0
MAX_BODY = 256 * 1024 * 1024
_EXPORTED = "exported_"
"""Prometheus puts this before a label of a pod that its own labels of the target have as well."""
_HINT = "`traffic.prometheus` in blueshift.yaml says where it is and what it is asked with"


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct):
    result: list[_Series] = []


class _Answer(msgspec.Struct):
    """https://prometheus.io/docs/prometheus/latest/querying/api/: of a range selector, a matrix."""

    status: str
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""


async def samples(
    source: Prometheus, pods: Sequence[str], namespace: str, names: MetricNames, clock: Clock
) -> dict[str, Sample]:
    """The newest sample of each pod that has one. `at` is when Prometheus read it, by its own clock.

    Series that were missing when the pod was read last are left out. Raises BlueshiftError.
    """
    wanted = (names.requests, names.handled, names.connections, names.on)
    own = {names.pod_namespace: namespace} if names.pod_namespace else {}
    counted, started = (
        await _ask(source, _query(source, wanted, {names.pod: pods}, own), clock),
        # Its only labels are the target's: `pod` and `namespace`, as the operator and most others set them.
        await _ask(source, _query(source, (names.started,), {"pod": pods}, {"namespace": namespace}), clock),
    )
    by_pod: dict[str, list[_Series]] = {}
    for series in counted:
        if series.values and (pod := _label(series.metric, names.pod)) in pods:
            by_pod.setdefault(pod, []).append(series)
    starts: dict[str, list[_Series]] = {}
    for series in started:
        if series.values:
            starts.setdefault(series.metric.get("pod", ""), []).append(series)
    return {pod: _newest(pod, found, starts.get(pod, []), names) for pod, found in by_pod.items()}


def _newest(pod: str, found: Sequence[_Series], started: Sequence[_Series], names: MetricNames) -> Sample:
    # One scrape gives all its series one moment; what was not in the newest one has gone. Another container
    # of the pod may tell its start too, at moments of its own.
    at = max(series.values[-1][0] for series in found)
    by_name: dict[str, list[tuple[dict[str, str], float]]] = {}
    for series in (*found, *started):
        moment, value = series.values[-1]
        if moment == at:
            labels = {key.removeprefix(_EXPORTED): value for key, value in _own_last(series.metric)}
            by_name.setdefault(series.metric.get("__name__", ""), []).append((labels, float(value)))

    def series_of(name: str) -> Labelled:
        return by_name.get(name, ())

    return sample_of(series_of, pod, at, names, "prometheus")


def _own_last(metric: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The pod's own labels after those of the target, over which they win."""
    return sorted(metric.items(), key=lambda item: item[0].startswith(_EXPORTED))


def _label(metric: Mapping[str, str], name: str) -> str:
    return metric.get(_EXPORTED + name) or metric.get(name, "")


def _query(
    source: Prometheus, names: Sequence[str], among: Mapping[str, Sequence[str]], equal: Mapping[str, str]
) -> str:
    matchers = [f"__name__=~{_quoted('|'.join(names))}"]
    matchers += [f"{label}=~{_quoted('|'.join(map(re.escape, values)))}" for label, values in among.items()]
    matchers += [f"{label}={_quoted(value)}" for label, value in {**equal, **source.labels}.items()]
    return f"{{{','.join(matchers)}}}[{RANGE}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


async def _ask(source: Prometheus, query: str, clock: Clock) -> list[_Series]:
    import aiohttp

    url = f"{source.url.rstrip('/')}/api/v1/query"
    headers = {**source.headers, **_authorization(source.token)}
    try:
        # By POST, as a query with the names of many pods is longer than what servers take in a URL. A
        # redirect is not followed: it could carry the token elsewhere.
        async with (
            clock.timeout(TIMEOUT),
            aiohttp.ClientSession() as session,
            session.post(
                url, data={"query": query}, headers=headers, ssl=_trusting(source), allow_redirects=False
            ) as response,
        ):
            status, body = response.status, bytearray()
            async for part in response.content.iter_chunked(1 << 20):
                body += part
                if len(body) > MAX_BODY:
                    raise _failed(url, "its answer is too long")
    except TimeoutError:
        raise _failed(url, f"no answer within {TIMEOUT:.0f} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _failed(url, str(error) or type(error).__name__) from error
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        raise _failed(url, f"status {status}, and not the answer of its API") from None
    if answer.status != "success":
        raise _failed(url, f"status {status}: {answer.error[:200]}")
    return answer.data.result


def _trusting(source: Prometheus) -> ssl.SSLContext | bool:
    if source.ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=source.ca)
    except (ssl.SSLError, OSError) as error:
        raise BlueshiftError(
            "the file holds no certificate", place=source.ca, hint="`ca` takes a PEM file"
        ) from error


def _authorization(token: Token | None) -> dict[str, str]:
    """The header; the token is in no message and no repr."""
    if token is None:
        return {}
    if token.file is not None:
        place = token.file
        try:
            text = files.text(files.read(place), place)
        except BlueshiftError as error:
            raise _no_token(place, f"it {error.message}") from None
    else:
        place = f"${token.env}"
        text = os.environ.get(token.env or "", "")
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise _no_token(place, "there is none" if not text else "this is none")
    return {"Authorization": f"Bearer {text}"}


def _no_token(place: str, why: str) -> BlueshiftError:
    return BlueshiftError(f"no bearer token for Prometheus: {why}", place=place, hint=_HINT)


def _failed(url: str, why: str) -> BlueshiftError:
    return BlueshiftError(f"Prometheus cannot be asked: {why}", place=url, hint=_HINT)
