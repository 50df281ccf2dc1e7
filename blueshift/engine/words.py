"""A word of a person to a run, as an object of the cluster: one immutable ConfigMap for each.

`blueshift-run-<run>-<word>-<number>` in the control namespace. Nothing is ever changed or taken back there,
so whoever speaks needs the right to create alone; and each field is a string of its own, so that an
admission policy can read it (`policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, NotFound
from blueshift.engine.store import RUN_LABEL, ensure_namespace, object_name
from blueshift.errors import BlueshiftError

Kind = Literal["approve", "pause", "unpause", "back", "panic"]


class Speaker(msgspec.Struct, frozen=True):
    """Who says it."""

    name: str
    """The user's name in the cluster, as the API server tells it."""
    login: str = ""
    """On the machine where it was said; nobody checks it."""


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said."""

    word: Kind
    run: str
    number: int
    """Which standstill, pause or turn it answers."""
    by: str
    login: str
    at: datetime
    reason: str = ""
    step: str = ""
    gate: str = ""


class Heard(msgspec.Struct, frozen=True):
    """A word that stands in the cluster."""

    word: Word
    created: datetime | None
    """By the API server's clock."""


def name_of(run: str, word: str, number: int) -> str:
    """Of the object that holds a word."""
    return f"{object_name(run)}-{word}-{number}"


async def all_of(kube: KubeApi, namespace: str, run: str) -> list[Heard]:
    """Every word to a run. One by hand that cannot be read is none."""
    found = await kube.list(paths.core("configmaps", namespace), labelSelector=f"{RUN_LABEL}={run}")
    return [heard for item in found if (heard := _read(item, run)) is not None]


async def one(kube: KubeApi, namespace: str, run: str, word: Kind, number: int) -> Heard | None:
    """One word, None while nobody has said it."""
    found = await kube.find(paths.core("configmaps", namespace, name_of(run, word, number)))
    return None if found is None else _read(found, run)


async def say(kube: KubeApi, namespace: str, word: Word) -> Word:
    """Say it. What was said before under the same number stands, and is returned.

    Raises BlueshiftError where something else has that name, and Forbidden.
    """
    collection = paths.core("configmaps", namespace)
    name = name_of(word.run, word.word, word.number)
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {RUN_LABEL: word.run}},
        "immutable": True,
        "data": {key: str(value) for key, value in msgspec.to_builtins(word).items()},
    }
    try:
        try:
            await kube.create(collection, body)
        except NotFound:  # the first word ever in this cluster
            await ensure_namespace(kube, namespace)
            await kube.create(collection, body)
    except Conflict:
        there = await one(kube, namespace, word.run, word.word, word.number)
        if there is None:
            raise BlueshiftError(
                f"ConfigMap {namespace}/{name} is no word of Blueshift",
                hint=f"`kubectl -n {namespace} delete configmap {name}` removes it; then say it again",
            ) from None
        return there.word
    return word


def _read(item: Mapping[str, Any], run: str) -> Heard | None:
    try:
        word = msgspec.convert(item.get("data") or {}, Word, strict=False)
        created = msgspec.convert(item["metadata"].get("creationTimestamp"), datetime | None)
    except msgspec.ValidationError:
        return None
    meant = word.run == run and item["metadata"]["name"] == name_of(run, word.word, word.number)
    return Heard(word, created) if meant else None
