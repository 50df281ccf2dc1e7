"""Where journals live: ConfigMaps and Secrets of the target cluster.

`blueshift-run-<id>` (ConfigMap) holds the journal and changes; the Secrets `…-inputs` and `…-release` are
written once and immutable. One `Writer` per process: every write is one compare-and-swap on
resourceVersion, and it is the run's fence.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.errors import Conflict
from blueshift.engine.entries import Entry, apply
from blueshift.engine.journal import SCHEMA, Journal
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

RUN_LABEL = "blueshift.dev/run"
RELEASE_LABEL = "blueshift.dev/release"
_JOURNAL = "journal.json"
# etcd's default request limit is 1.5 MiB and ConfigMaps are limited to 1 MiB; leave room for metadata.
LARGEST = 900_000


class FenceLost(BlueshiftError):
    """Another process writes this journal: nothing more may be done here."""


def object_name(run: str) -> str:
    """Name of the run's objects."""
    return f"blueshift-run-{run}"


class Runs:
    """The runs of one cluster in one state namespace."""

    def __init__(self, kube: KubeApi, clock: Clock, namespace: str) -> None:
        self.kube = kube
        self.clock = clock
        self.namespace = namespace

    async def create(self, journal: Journal, inputs: Mapping[str, bytes]) -> Writer:
        """Write the write-once inputs, then the journal, which makes the run exist."""
        await ensure_namespace(self.kube, self.namespace)
        labels = {RUN_LABEL: journal.run, RELEASE_LABEL: label_value(journal.release)}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{object_name(journal.run)}-inputs", "labels": labels},
            "immutable": True,
            "data": {
                name: base64.b64encode(gzip.compress(data, mtime=0)).decode() for name, data in inputs.items()
            },
        }
        await self._create(paths.core("secrets", self.namespace), secret)
        created = await self._create(paths.core("configmaps", self.namespace), _body(journal, labels))
        return Writer(self.kube, self.clock, self.namespace, journal, created)

    async def _create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object of a run. No other process has the run's id: what is there after a lost answer
        is ours."""
        try:
            return await self.kube.create(collection, body)
        except Ambiguous:
            await self.clock.sleep(1.0)
            found = await self.kube.find(f"{collection}/{body['metadata']['name']}")
            return found or await self.kube.create(collection, body)

    async def open(self, run: str) -> Writer:
        """The run's journal, ready to be carried on. Raises BlueshiftError if there is none."""
        found = await self.find(run)
        if found is None:
            raise BlueshiftError(
                f"there is no run {run} in namespace {self.namespace}",
                hint="`blueshift status` lists the runs; `--state-namespace` names another namespace",
            )
        return found

    async def find(self, run: str) -> Writer | None:
        """The same, or None if there is none."""
        found = await self.kube.find(paths.core("configmaps", self.namespace, object_name(run)))
        return None if found is None else Writer(self.kube, self.clock, self.namespace, decode(found), found)

    async def inputs(self, run: str) -> dict[str, bytes]:
        """The write-once data of a run."""
        secret = await self.kube.get(paths.core("secrets", self.namespace, f"{object_name(run)}-inputs"))
        return {
            name: gzip.decompress(base64.b64decode(data)) for name, data in secret.get("data", {}).items()
        }

    async def keep(self, run: str, name: str, data: Mapping[str, str]) -> None:
        """Keep a verbatim copy of a Secret's data beside the run."""
        copy = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{object_name(run)}-{name}", "labels": {RUN_LABEL: run}},
            "type": "blueshift.dev/copy",
            "immutable": True,
            "data": dict(data),
        }
        await self.kube.create(paths.core("secrets", self.namespace), copy)

    async def kept(self, run: str, name: str) -> dict[str, str] | None:
        """The data of a kept copy, None where there is none."""
        found = await self.kube.find(paths.core("secrets", self.namespace, f"{object_name(run)}-{name}"))
        return None if found is None else dict(found["data"])

    async def all(self) -> list[Journal]:
        """Every run, oldest first."""
        found = await self.kube.list(paths.core("configmaps", self.namespace), labelSelector=RUN_LABEL)
        journals = [decode(item) for item in found if _JOURNAL in item.get("data", {})]
        return sorted(journals, key=lambda journal: journal.created)


class Writer:
    """The one writer of a run's journal in this process."""

    def __init__(
        self, kube: KubeApi, clock: Clock, namespace: str, journal: Journal, found: Mapping[str, Any]
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._path = paths.core("configmaps", namespace, object_name(journal.run))
        self._labels = dict(found["metadata"].get("labels", {}))
        self._version: str = found["metadata"]["resourceVersion"]
        self.journal = journal
        self.stopping = asyncio.Event()
        """Set by a signal: then an API server that is gone is no longer waited for."""

    async def write(self, entry: Entry) -> Journal:
        """Append one entry. Returns only when it is in the cluster.

        While the API server cannot be reached it waits: no journal, no next effect. Raises FenceLost when
        another process has written since.
        """
        after = apply(self.journal, entry, self._clock.utc())
        body = _body(after, self._labels)
        while True:
            body["metadata"]["resourceVersion"] = self._version
            try:
                found = await self._kube.replace(self._path, body)
            except Conflict as conflict:
                found = await self._landed(after, conflict)
            except (Ambiguous, Retryable) as trouble:
                if self.stopping.is_set():
                    raise  # a person wants to leave; the journal says what was intended last
                await self._clock.sleep(getattr(trouble, "after", 1.0))
                continue
            self._version = found["metadata"]["resourceVersion"]
            self.journal = after
            return after

    async def _landed(self, after: Journal, conflict: Conflict) -> dict[str, Any]:
        """Tell a lost answer (our own epoch and seq stand there) from a take-over."""
        while True:
            try:
                found = await self._kube.get(self._path)
                break
            except Retryable as trouble:
                await self._clock.sleep(trouble.after)
        now = decode(found)
        if (now.epoch, now.seq, now.holder) == (after.epoch, after.seq, after.holder):
            return found
        raise FenceLost(
            f"run {after.run} was taken over by {now.holder or 'another process'} (epoch {now.epoch}): "
            "this process does nothing more",
            hint=f"`blueshift status {after.run}` shows how it goes on",
        ) from conflict


def decode(found: Mapping[str, Any]) -> Journal:
    """The journal in a ConfigMap. Raises BlueshiftError for one of a newer Blueshift."""
    place = f"ConfigMap {found['metadata']['name']}"
    try:
        raw = found["data"][_JOURNAL].encode()
        schema = msgspec.json.decode(raw, type=_Schema).schema
        if schema > SCHEMA:
            raise BlueshiftError(
                f"{found['metadata']['name']} was written by a newer Blueshift (journal schema {schema})",
                hint="install that version: this one reads up to schema " + str(SCHEMA),
            )
        return msgspec.json.decode(raw, type=Journal)
    except (KeyError, AttributeError, msgspec.MsgspecError, RecursionError) as error:
        why = "there is none" if isinstance(error, KeyError) else str(error)
        raise BlueshiftError(
            f"the journal of this run cannot be read: {why}",
            place=place,
            hint="somebody edited it: put it back from a backup, or forget the run (docs/troubleshooting.md)",
        ) from None


class _Schema(msgspec.Struct):
    schema: int = 1  # the first one did not write it


def _body(journal: Journal, labels: Mapping[str, str]) -> dict[str, Any]:
    text = msgspec.json.encode(journal).decode()
    if len(text) > LARGEST:
        raise BlueshiftError(f"the journal of run {journal.run} would be {len(text)} bytes, over {LARGEST}")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": object_name(journal.run), "labels": dict(labels)},
        "data": {_JOURNAL: text},
    }


async def ensure_namespace(kube: KubeApi, name: str) -> None:
    """Create a namespace of Blueshift's own state if it is missing."""
    if await kube.find(paths.core("namespaces", None, name)) is None:
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "blueshift"}},
        }
        try:
            await kube.create(paths.core("namespaces"), body)
        except Conflict:
            return


def label_value(text: str) -> str:
    """`text` as a valid label value (63 characters of a small alphabet)."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63].strip("-._")
