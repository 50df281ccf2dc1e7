"""The Kubernetes API with raw mappings in and out: typed models drop fields that they do not know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp

from blueshift.clock import Clock
from blueshift.cluster import access as access_of
from blueshift.cluster import execute as execution
from blueshift.cluster import paths
from blueshift.cluster import watch as watching
from blueshift.cluster.errors import Forbidden, Invalid, NotFound, NotKubernetes, Unauthorized
from blueshift.cluster.execute import ExecResult
from blueshift.cluster.identity import Cluster
from blueshift.cluster.listing import list_all
from blueshift.cluster.rules import Rules, rules_of
from blueshift.cluster.transport import TRIES, Transport
from blueshift.cluster.watch import WatchEvent

MANAGER = "blueshift"
"""Field manager of every write that names no other."""

PatchKind = Literal["merge", "strategic", "json", "apply"]
_PATCH: Mapping[PatchKind, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class KubeApi:
    """One API server as one user. Reads are retried a few times, writes are sent at most once."""

    def __init__(self, transport: Transport, clock: Clock, *, kubeconfig: str | None = None) -> None:
        self._transport = transport
        self._clock = clock
        self.server = transport.access.server
        self.context = transport.access.context
        """The context in use (empty in a pod). Child processes get it by name: somebody may switch the
        current one while a run lasts."""
        self.kubeconfig = kubeconfig
        """As given; None where child processes find it as we do ($KUBECONFIG, ~/.kube/config, pod)."""

    @classmethod
    async def connect(
        cls, clock: Clock, *, kubeconfig: str | None = None, context: str | None = None
    ) -> KubeApi:
        """Read the configuration and see that the API server answers this user.

        Raises BlueshiftError with a place and a remedy: no kubeconfig, no such context, server not
        reachable (ApiUnreachable), not logged in (Unauthorized).
        """
        access = await access_of.load(clock, kubeconfig, context)
        kube = cls(Transport(access, clock), clock, kubeconfig=kubeconfig)
        try:
            # Everybody who is logged in may ask what they may do (ClusterRole system:basic-user).
            await kube._review({"verb": "get", "resource": "namespaces"}, tries=1)
        except (Unauthorized, Forbidden) as error:
            await kube.close()
            raise Unauthorized(
                f"{kube.server} does not accept this user: {error.message}",
                status=error.status,
                place=f"context {kube.context}" if kube.context else None,
                hint="log in to the cluster again, or name another user by --kubeconfig or --context",
            ) from error
        except BaseException:
            await kube.close()
            raise
        return kube

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def identity(self) -> Cluster:
        """Which cluster answers."""
        try:
            version = await self.get("/version")
            system = await self.get(paths.core("namespaces", None, "kube-system"))
            return Cluster(self.server, self.context, system["metadata"]["uid"], version["gitVersion"])
        except (KeyError, TypeError, NotFound):
            why = "it tells neither its version nor its kube-system"
            raise NotKubernetes(self.server, why, place="GET /version") from None

    async def get(self, path: str, *, accept: str = "application/json", **params: Any) -> dict[str, Any]:
        """One object. Raises NotFound and the other kinds of `errors`."""
        answer: dict[str, Any] = await self._transport.read("GET", path, params, accept=accept)
        return answer

    async def text(self, path: str) -> bytes:
        """What a path answers, undecoded: a pod's metrics by its proxy subresource. Asked once."""
        return await self._transport.raw(path)

    async def find(self, path: str) -> dict[str, Any] | None:
        """One object, or None where there is none."""
        try:
            return await self.get(path)
        except NotFound:
            return None

    async def list(self, path: str, *, metadata_only: bool = False, **params: Any) -> list[dict[str, Any]]:
        """All objects of a collection (every page), each with its apiVersion and kind.

        With `metadata_only` as PartialObjectMetadata: of a Secret neither its data nor their weight.
        """
        return (await list_all(self._transport, path, params, metadata_only=metadata_only))[0]

    async def create(self, path: str, body: Mapping[str, Any], **params: Any) -> dict[str, Any]:
        """POST to a collection. Raises Conflict when it exists, WriteLost when the answer was lost."""
        return await self._write("POST", path, body, params)

    async def replace(self, path: str, body: Mapping[str, Any], **params: Any) -> dict[str, Any]:
        """PUT; with metadata.resourceVersion in `body` a compare-and-swap. Raises Conflict, WriteLost."""
        return await self._write("PUT", path, body, params)

    async def patch(
        self,
        path: str,
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        kind: PatchKind = "merge",
        **params: Any,
    ) -> dict[str, Any]:
        """PATCH; `apply` takes `force=True` to take fields from other managers. Raises as `replace`."""
        return await self._write("PATCH", path, body, params, content=_PATCH[kind])

    async def try_apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What a server-side apply would make of an object, as a dry run, and the server's warnings.

        Raises Conflict with the fields in its status, Invalid, Forbidden.
        """
        params = {"fieldManager": manager, "force": force}
        return await self._transport.dry_run("PATCH", path, params, body, content=_PATCH["apply"])

    async def delete(
        self, path: str, *, uid: str | None = None, propagation: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """DELETE, with `uid` only that very object (else Conflict). Raises NotFound, WriteLost."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if propagation:
            options["propagationPolicy"] = propagation
        return await self._write("DELETE", path, options, params)

    def watch(self, path: str, **params: Any) -> AsyncIterator[WatchEvent]:
        """Events of a collection, forever; see `watch.watch`."""
        return watching.watch(self._transport, self._clock, path, params)

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        since: datetime | None = None,
        tail: int | None = None,
        timestamps: bool = False,
        previous: bool = False,
        limit: int | None = None,
        quiet: float = 300.0,
    ) -> AsyncIterator[bytes]:
        """Lines of a container's log without their newline, from `since` (whole seconds count).

        `limit` bytes are given at most, from the first line on.

        Ends when the log ends, the connection breaks or nothing came for `quiet` seconds: whoever follows
        asks again from the last line seen and leaves out what it knows.
        """
        params = {
            "container": container,
            "follow": follow,
            "timestamps": timestamps,
            "previous": previous,
            "tailLines": tail,
            "limitBytes": limit,
            "sinceTime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None,
        }
        path = paths.core("pods", namespace, pod, "log")
        async with self._transport.stream(path, params, quiet=quiet) as response:
            rest = b""
            try:
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
            except (aiohttp.ClientError, OSError):
                return  # the cut line in `rest` comes again, whole, with the next request
            if rest:
                yield rest

    async def exec(
        self, namespace: str, pod: str, argv: Sequence[str], *, container: str, timeout: float = 10.0
    ) -> ExecResult:
        """Run a command that only looks; see `execute.execute`."""
        return await execution.execute(
            self._transport, self._clock, (namespace, pod), argv, container=container, timeout=timeout
        )

    async def can(
        self,
        verb: str,
        group: str,
        resource: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> bool:
        """Whether this user may do it (SelfSubjectAccessReview); nothing is stored by asking."""
        attributes = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "namespace": namespace,
            "name": name,
            "subresource": subresource,
        }
        return await self._review({key: value for key, value in attributes.items() if value})

    async def rules(self, namespace: str) -> Rules:
        """What this user surely may in a namespace, or by `rules.NOWHERE` everywhere; none where it is not
        told (SelfSubjectRulesReview). Nothing is stored by asking."""
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        path = paths.apis("authorization.k8s.io/v1", "selfsubjectrulesreviews")
        try:
            return rules_of(await self._transport.read("POST", path, {}, body))
        except (NotFound, Forbidden, Invalid):
            return Rules()
        except (KeyError, TypeError, AttributeError):
            raise NotKubernetes(self.server, "its answer is no review", place=f"POST {path}") from None

    async def user(self) -> str:
        """The name by which the API server knows this user; empty where it does not tell (before 1.28)."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = paths.apis("authentication.k8s.io/v1", "selfsubjectreviews")
        try:
            answer = await self._transport.read("POST", path, {}, body)
        except (NotFound, Forbidden):
            return ""
        return str(answer["status"]["userInfo"]["username"])

    async def _review(self, attributes: Mapping[str, str], tries: int = TRIES) -> bool:
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = paths.apis("authorization.k8s.io/v1", "selfsubjectaccessreviews")
        answer = await self._transport.read("POST", path, {}, body, tries=tries)
        try:
            return bool(answer["status"].get("allowed"))
        except (KeyError, AttributeError):
            raise NotKubernetes(self.server, "its answer is no review", place=f"POST {path}") from None

    async def _write(
        self, method: str, path: str, body: Any, params: Mapping[str, Any], content: str = "application/json"
    ) -> dict[str, Any]:
        if method != "DELETE":
            params = {"fieldManager": MANAGER, **params}
        answer: dict[str, Any] = await self._transport.write(method, path, params, body, content=content)
        return answer
