"""Networks that answer for others: a name that points at one of them leads here by its origin setting."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

# Names under which content networks are reached by CNAME, as their own documents give them.
_SUFFIXES = {
    "cdn.cloudflare.net": "Cloudflare",
    "cloudfront.net": "CloudFront",
    "fastly.net": "Fastly",
    "fastlylb.net": "Fastly",
    "akamai.net": "Akamai",
    "akamaiedge.net": "Akamai",
    "edgekey.net": "Akamai",
    "edgesuite.net": "Akamai",
    "azurefd.net": "Azure Front Door",
    "azureedge.net": "Azure CDN",
    "impervadns.net": "Imperva",
    "incapdns.net": "Imperva",
    "sucuri.net": "Sucuri",
}

# https://www.cloudflare.com/ips/: the only one of them whose names hold its addresses instead of a CNAME.
_CLOUDFLARE_NETWORKS = """
173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18
190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13
104.24.0.0/14 172.64.0.0/13 131.0.72.0/22 2400:cb00::/32 2606:4700::/32 2803:f800::/32
2405:b500::/32 2405:8100::/32 2a06:98c0::/29 2c0f:f248::/32
"""
_CLOUDFLARE = tuple(map(ipaddress.ip_network, _CLOUDFLARE_NETWORKS.split()))


def proxy_of(chain: Iterable[str], addresses: Iterable[str]) -> str:
    """Who proxies a name with these aliases and addresses, or empty."""
    for name in chain:
        for suffix, called in _SUFFIXES.items():
            if name == suffix or name.endswith("." + suffix):
                return called
    given = [ipaddress.ip_address(address) for address in addresses]
    if given and all(any(address in network for network in _CLOUDFLARE) for address in given):
        return "Cloudflare"
    return ""
