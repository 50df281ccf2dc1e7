"""The one node: containerd, kubelet, kube-proxy, and the network of its pods."""

from __future__ import annotations

from pathlib import Path

from blueshift.lab.addresses import CLUSTER_DOMAIN, IPV4, Family
from blueshift.lab.config import render
from blueshift.lab.containerd import PAUSE
from blueshift.lab.control_plane import Argv
from blueshift.lab.paths import Lab

NAME = "lab"


def write_config(lab: Lab, families: tuple[Family, ...]) -> None:
    """Write the configuration files that the command lines below name."""
    (lab.root / "cni").mkdir()
    files = {
        lab.config / "containerd.toml": "containerd.toml.j2",
        lab.root / "cni" / "10-lab.conflist": "cni.conflist.j2",
        lab.config / "kubelet.yaml": "kubelet.yaml.j2",
        lab.config / "resolv.conf": "resolv.conf.j2",
    }
    for path, template in files.items():
        text = render(
            template,
            root=lab.root,
            socket=lab.containerd_socket,
            pause=PAUSE,
            families=families,
            node=IPV4.node,
            pki=lab.pki,
            resolvers=[family.resolver for family in families],
            resolv_conf=lab.config / "resolv.conf",
            cluster_domain=CLUSTER_DOMAIN,
        )
        path.write_text(text)


def containerd(lab: Lab) -> Argv:
    """The container runtime, Debian's."""
    return ["containerd", "--config", f"{lab.config}/containerd.toml", "--log-level", "info"]


def kubelet(lab: Lab, tools: Path, families: tuple[Family, ...]) -> Argv:
    """The kubelet."""
    return [
        f"{tools}/kubelet",
        f"--kubeconfig={lab.kubeconfig}",
        f"--config={lab.config}/kubelet.yaml",
        f"--root-dir={lab.root}/kubelet",
        f"--hostname-override={NAME}",
        f"--node-ip={','.join(family.node for family in families)}",
        f"--cert-dir={lab.pki}/kubelet",
    ]


def proxy(lab: Lab, tools: Path, families: tuple[Family, ...]) -> Argv:
    """kube-proxy by nftables: IPVS and its dummy link are not in every kernel."""
    return [
        f"{tools}/kube-proxy",
        f"--kubeconfig={lab.kubeconfig}",
        f"--hostname-override={NAME}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={','.join(family.pods for family in families)}",
        # The table's size is the machine's, and a namespace may not set it.
        "--conntrack-max-per-core=0",
        "--healthz-bind-address=127.0.0.1:10256",
        "--metrics-bind-address=127.0.0.1:10249",
    ]
