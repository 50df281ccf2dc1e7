"""Whole collections, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blueshift.cluster.errors import Gone
from blueshift.cluster.transport import Transport

PAGE = 500


async def list_all(
    transport: Transport, path: str, params: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    """Every object of a collection with apiVersion and kind set, and the list's resourceVersion.

    A continue token that expired midway (410) begins the list again, once.
    """
    try:
        return await _pages(transport, path, params)
    except Gone:
        return await _pages(transport, path, params)


async def _pages(
    transport: Transport, path: str, params: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    items: list[dict[str, Any]] = []
    query = {"limit": PAGE, **params}
    while True:
        page = await transport.read("GET", path, query)
        # Lists of built-in types leave these two out of their items.
        kind = {"apiVersion": page["apiVersion"], "kind": str(page["kind"]).removesuffix("List")}
        items += [{**kind, **item} for item in page.get("items") or ()]
        token = page["metadata"].get("continue")
        if not token:
            return items, page["metadata"].get("resourceVersion", "")
        query = {**query, "continue": token}
