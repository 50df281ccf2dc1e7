"""Keys, certificates and tokens of one lab, made anew at every `up` and gone with `down`."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from blueshift.lab.addresses import API_URL, Family
from blueshift.lab.config import render
from blueshift.lab.paths import Lab

# Long before and after any run: a machine whose clock was set wrong still starts a lab.
_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_LIFE = timedelta(days=365 * 30)
_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def create(lab: Lab, families: tuple[Family, ...]) -> None:
    """Write the CA, the API server's and kubelet's certificates, the tokens and the kubeconfig."""
    lab.pki.mkdir(mode=0o700)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("blueshift-lab", ca_key, None, ca_key)
    _write_pair(lab.pki, "ca", ca_key, ca)
    api_names: list[x509.GeneralName] = [
        x509.DNSName(f"kubernetes{rest}")
        for rest in ("", ".default", ".default.svc", ".default.svc.cluster.local")
    ]
    addresses = ["127.0.0.1", *(f.node for f in families), *(_first(f.services) for f in families)]
    api_names += [x509.IPAddress(ip_address(address)) for address in addresses]
    for file, common_name, organization, names in (
        ("apiserver", "kube-apiserver", None, api_names),
        ("kubelet", "system:node:lab", "system:nodes", [x509.DNSName("lab"), *api_names[4:]]),
        ("kubelet-client", "kube-apiserver-kubelet-client", "system:masters", []),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(common_name, key, ca, ca_key, names=names, organization=organization)
        _write_pair(lab.pki, file, key, certificate)
    service_accounts = ec.generate_private_key(ec.SECP256R1())
    _write_key(lab.pki / "sa.key", service_accounts)
    token = secrets.token_urlsafe(32)
    write_secret(lab.pki / "tokens.csv", f'{token},admin,1,"system:masters"\n')
    ca_data = base64.b64encode(ca.public_bytes(serialization.Encoding.PEM)).decode()
    write_secret(
        lab.kubeconfig, render("kubeconfig.yaml.j2", name=lab.name, url=API_URL, ca=ca_data, token=token)
    )


def _first(network: str) -> str:
    """The API server takes the first address of the service range for `kubernetes.default`."""
    return str(ip_network(network)[1])


def _certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    names: list[x509.GeneralName] | None = None,
    organization: str | None = None,
) -> x509.Certificate:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_FROM + _LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    # Python 3.13 and later refuse a chain without these (VERIFY_X509_STRICT).
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(authority, critical=False)
    if issuer is None:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    else:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _write_pair(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    _write_key(folder / f"{name}.key", key)
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    write_secret(path, pem.decode())


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else may read."""
    path.touch(mode=0o600)
    path.write_text(text)
