"""Whole collections, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blueshift.cluster.errors import Gone, NotKubernetes
from blueshift.cluster.transport import Transport

PAGE = 500
_FULL = "application/json"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


async def list_all(
    transport: Transport, path: str, params: Mapping[str, Any], *, metadata_only: bool = False
) -> tuple[list[dict[str, Any]], str]:
    """Every object of a collection with apiVersion and kind set, and the list's resourceVersion.

    A continue token that expired midway (410) begins the list again, once.
    """
    accept = _METADATA if metadata_only else _FULL
    try:
        return await _pages(transport, path, params, accept)
    except Gone:
        return await _pages(transport, path, params, accept)


async def _pages(
    transport: Transport, path: str, params: Mapping[str, Any], accept: str
) -> tuple[list[dict[str, Any]], str]:
    items: list[dict[str, Any]] = []
    query = {"limit": PAGE, **params}
    while True:
        page = await transport.read("GET", path, query, accept=accept)
        try:
            token = page["metadata"].get("continue")
            version = page["metadata"].get("resourceVersion", "")
            found = [{**item} for item in page.get("items") or ()]
            # Lists of built-in types leave these two out of their items.
            kind = {"apiVersion": page["apiVersion"], "kind": str(page["kind"]).removesuffix("List")}
        except (KeyError, TypeError, AttributeError):
            raise NotKubernetes(
                transport.access.server, "its answer is no list", place=f"GET {path}"
            ) from None
        items += [{**kind, **item} for item in found]
        if not token:
            return items, version
        query = {**query, "continue": token}
