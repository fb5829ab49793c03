"""What a client needs to reach the stand-in: a certificate it can check, and a kubeconfig."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID_FOR = timedelta(days=30)


@dataclass(frozen=True)
class CertificateFiles:
    """Where the authority's certificate, the server's certificate and its key lie."""

    ca: Path
    certificate: Path
    key: Path


def make_certificate(folder: Path) -> CertificateFiles:
    """A fresh authority and a server certificate for 127.0.0.1 and localhost lie in `folder`.

    Over plain HTTP Kubernetes clients drop their token, so the stand-in is served over TLS. The
    authority's key is not kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = CertificateFiles(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    server = _server(server_key, authority, authority_key=authority_key)
    files.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def write_kubeconfig(path: Path, url: str, *, ca_file: Path, token: str, namespace: str) -> None:
    """`path` holds a kubeconfig, readable by its owner alone, that reaches `url` with `token`."""
    cluster = {"server": url, "certificate-authority": str(ca_file.resolve())}
    context = {"cluster": "simulator", "user": "nightshift", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulator", "cluster": cluster}],
        "users": [{"name": "nightshift", "user": {"token": token}}],
        "contexts": [{"name": "simulator", "context": context}],
        "current-context": "simulator",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("nightshift simulator authority")
    builder = _builder(name, name, public_key=key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(sign_certificates=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def _server(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    *,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = _builder(_name("kube-apiserver"), authority.subject, public_key=key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(sign_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    builder = builder.add_extension(names, critical=False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return builder.add_extension(issuer, critical=False).sign(authority_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, *, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject)
    builder = builder.public_key(public_key).serial_number(x509.random_serial_number())
    # Clocks of two machines differ: a certificate that starts this second may not be valid yet.
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + _VALID_FOR)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
