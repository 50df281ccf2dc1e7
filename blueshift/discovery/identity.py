"""Annotations by which a Service claims what only one Service can have: a name, an address, a balancer.

A temporary release must not claim them. What says how a load balancer behaves (scheme, type, PROXY protocol,
health checks, source ranges, subnets) stays. Names are from the providers' documents.
"""

from __future__ import annotations

from collections.abc import Iterable

DNS_REASON = "external-dns would publish the temporary release under the primary's names"
ADDRESS_REASON = "it claims an address that the primary holds"
BALANCER_REASON = "it claims a load balancer, or the name of one, that the primary has"

DNS_PREFIXES = ("external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/")

_AWS = "service.beta.kubernetes.io/aws-load-balancer-"
_AZURE = "service.beta.kubernetes.io/azure-"

ADDRESSES = frozenset(
    {
        _AWS + "eip-allocations",
        _AWS + "private-ipv4-addresses",
        _AWS + "ipv6-addresses",
        _AZURE + "load-balancer-ipv4",
        _AZURE + "load-balancer-ipv6",
        _AZURE + "pip-name",
        _AZURE + "pip-name-ipv6",
        _AZURE + "dns-label-name",
        "networking.gke.io/load-balancer-ip-addresses",
        "metallb.io/loadbalancerips",
        "metallb.universe.tf/loadbalancerips",
        "kube-vip.io/loadbalancerips",
        "lbipam.cilium.io/ips",
        "io.cilium/lb-ipam-ips",
        "projectcalico.org/loadbalancerips",
        "purelb.io/addresses",
        "cni.projectcalico.org/ipaddrs",
        "cni.projectcalico.org/ipaddrsnoipam",
        "eip.openelb.kubesphere.io/v1alpha2",
        "load-balancer.hetzner.cloud/private-ipv4",
        "service.beta.kubernetes.io/scw-loadbalancer-ip-ids",
        "kubernetes.io/elb.ip",
    }
)

BALANCERS = frozenset(
    {
        _AWS + "name",
        _AZURE + "load-balancer-resource-id",
        "loadbalancer.openstack.org/load-balancer-id",
        "loadbalancer.openstack.org/port-id",
        "loadbalancer.openstack.org/hostname",
        "kubernetes.digitalocean.com/load-balancer-id",
        "service.beta.kubernetes.io/do-loadbalancer-name",
        "service.beta.kubernetes.io/do-loadbalancer-hostname",
        "service.beta.kubernetes.io/linode-loadbalancer-nodebalancer-id",
        "load-balancer.hetzner.cloud/id",
        "load-balancer.hetzner.cloud/name",
        "load-balancer.hetzner.cloud/hostname",
        "service.beta.kubernetes.io/scw-loadbalancer-id",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-name",
        "service.beta.kubernetes.io/exoscale-loadbalancer-id",
        "service.beta.kubernetes.io/exoscale-loadbalancer-name",
        "service.kubernetes.io/tke-existed-lbid",
        "kubernetes.io/elb.id",
    }
)


def claims(annotations: Iterable[str]) -> dict[str, str]:
    """The annotations among these that claim an identity, each with the reason why it must go."""
    return {name: reason for name in annotations if (reason := _reason(name.lower()))}


def _reason(name: str) -> str:
    if name.startswith(DNS_PREFIXES):
        return DNS_REASON
    if name in ADDRESSES:
        return ADDRESS_REASON
    return BALANCER_REASON if name in BALANCERS else ""
