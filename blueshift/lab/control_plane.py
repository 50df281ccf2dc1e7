"""The command lines of etcd and the Kubernetes control plane. Secrets are in files, never among arguments."""

from __future__ import annotations

from pathlib import Path

from blueshift.lab.addresses import API_PORT, IPV4, Family
from blueshift.lab.paths import Lab

Argv = list[str]

_ETCD_URL = "http://127.0.0.1:2379"


def etcd(lab: Lab, tools: Path) -> Argv:
    """The store. Without fsync: a lab that crashes is made anew and never recovered."""
    return [
        f"{tools}/etcd",
        f"--data-dir={lab.root}/etcd",
        f"--listen-client-urls={_ETCD_URL}",
        f"--advertise-client-urls={_ETCD_URL}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(lab: Lab, tools: Path, families: tuple[Family, ...]) -> Argv:
    """The API server."""
    pki = lab.pki
    return [
        f"{tools}/kube-apiserver",
        f"--etcd-servers={_ETCD_URL}",
        f"--advertise-address={IPV4.node}",
        "--bind-address=0.0.0.0",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--token-auth-file={pki}/tokens.csv",
        "--authorization-mode=RBAC",
        f"--service-cluster-ip-range={','.join(family.services for family in families)}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.key",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--allow-privileged=true",
        # Webhooks are reached by their Service's address: nothing in the node resolves cluster names.
        "--enable-aggregator-routing=false",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt",
        f"--kubelet-client-key={pki}/kubelet-client.key",
    ]


def controller_manager(lab: Lab, tools: Path) -> Argv:
    """The controllers."""
    return [
        f"{tools}/kube-controller-manager",
        f"--kubeconfig={lab.kubeconfig}",
        f"--service-account-private-key-file={lab.pki}/sa.key",
        f"--root-ca-file={lab.pki}/ca.crt",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--allocate-node-cidrs=false",
        # At the default of 20 a second, tokens for some forty controllers alone take 4 s.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--bind-address=127.0.0.1",
    ]


def scheduler(lab: Lab, tools: Path) -> Argv:
    """The scheduler."""
    return [
        f"{tools}/kube-scheduler",
        f"--kubeconfig={lab.kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ]
