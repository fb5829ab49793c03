"""Certificates made at run time: an authority, its HTTPS server, and what SNS signs with."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=30)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key alone."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True)
class Wanted:
    """What a certificate of a host or a service is to say."""

    names: Sequence[str]
    expires_in: timedelta = VALID_FOR
    issuer_url: str = ""
    """Where its issuer's certificate is said to be; empty: not said."""


class Authority:
    """Issues certificates as a public authority does; `above` is the authority that issued it."""

    def __init__(self, name: str, above: "Authority | None" = None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        signer = above.issued if above else None
        subject = _name(name)
        issuer = signer.certificate.subject if signer else subject
        builder = _builder(subject, issuer, key=key, expires_in=VALID_FOR)
        room = x509.BasicConstraints(ca=True, path_length=0 if above else 1)
        builder = builder.add_extension(room, critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        builder = builder.add_extension(_identifier(key), critical=False)
        if signer:
            builder = builder.add_extension(_above(signer), critical=False)
        self.issued: Issued = Issued(
            builder.sign(signer.key if signer else key, hashes.SHA256()), key
        )

    def issue(self, wanted: Wanted, *, key: Key | None = None) -> Issued:
        """A certificate for those names; an RSA key of its own where none is given."""
        key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = _name(wanted.names[0])
        issuer = self.issued.certificate.subject
        builder = _builder(subject, issuer, key=key, expires_in=wanted.expires_in)
        names = x509.SubjectAlternativeName([_general(name) for name in wanted.names])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server, critical=False)
        builder = builder.add_extension(_identifier(key), critical=False)
        builder = builder.add_extension(_above(self.issued), critical=False)
        if wanted.issuer_url:
            builder = builder.add_extension(_access(wanted.issuer_url), critical=False)
        return Issued(builder.sign(self.issued.key, hashes.SHA256()), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, *, key: Key, expires_in: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    # Long before, so that one that has expired was valid once; and clocks differ.
    begin = now - timedelta(days=2)
    return builder.not_valid_before(begin).not_valid_after(now + expires_in)


def _identifier(key: Key) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _above(signer: Issued) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())


def _access(url: str) -> x509.AuthorityInformationAccess:
    where = x509.UniformResourceIdentifier(url)
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    return x509.AuthorityInformationAccess([x509.AccessDescription(issuers, where)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
