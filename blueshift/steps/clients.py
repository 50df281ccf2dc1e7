"""What is known of clients beside their addresses: whether they are pods or nodes of this cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.together import together

MOST = 20
"""Addresses that are asked for, the first of those given: each is a request to the API server."""
REMEMBERED = 60.0
"""Seconds for which an answer counts: addresses of pods are given to other pods."""
_NODES = 300.0


class Clients:
    """Asks the API server, by address; what it may not ask is in `unseen`."""

    def __init__(self, kube: KubeApi, clock: Clock) -> None:
        self._kube = kube
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}
        self._nodes: tuple[float, Mapping[str, str]] | None = None
        self.unseen = ""
        """Why it is not known whether clients are pods or nodes; empty where it could be asked."""

    async def of_cluster(self, addresses: Sequence[str]) -> dict[str, str]:
        """Those of the addresses that are of this cluster, and what each is, as a reason to come here."""
        addresses = addresses[:MOST]
        now = self._clock.now()
        self._known = {one: told for one, told in self._known.items() if now - told[0] < REMEMBERED}
        asked = [one for one in dict.fromkeys(addresses) if one not in self._known and _is_address(one)]
        if asked:
            self.unseen = ""
            try:
                found = await together(*(self._who(one) for one in asked))
            except Forbidden as error:
                self.unseen = f"whether clients are pods or nodes of this cluster: {error.message}"
            else:
                self._known |= {one: (now, said) for one, said in zip(asked, found, strict=True)}
        return {one: self._known[one][1] for one in addresses if self._known.get(one, (0.0, ""))[1]}

    async def _who(self, address: str) -> str:
        # Version 0 is answered from the API server's memory: it may be a moment old, and costs little.
        pods = await self._kube.list(
            paths.core("pods"), fieldSelector=f"status.podIP={address}", resourceVersion="0"
        )
        own = [pod for pod in pods if not (pod.get("spec") or {}).get("hostNetwork")]
        if own:
            metadata = own[0]["metadata"]
            name = f"{metadata['namespace']}/{metadata['name']}"
            return f"a pod of this cluster ({name}): it uses the Service's internal name or a pinned address"
        if node := (await self._by_address()).get(address):
            return f"a node of this cluster ({node}): a pod on its network, or clients behind it (SNAT)"
        return ""

    async def _by_address(self) -> Mapping[str, str]:
        now = self._clock.now()
        if self._nodes is None or now - self._nodes[0] > _NODES:
            found = {
                str(entry["address"]): str(node["metadata"]["name"])
                for node in await self._kube.list(paths.core("nodes"))
                for entry in (node.get("status") or {}).get("addresses") or ()
                if entry.get("type") in ("InternalIP", "ExternalIP")
            }
            self._nodes = (now, found)
        return self._nodes[1]


def _is_address(text: str) -> bool:
    """A log holds what its format puts there, lists and names too."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
