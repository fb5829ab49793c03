"""The key that signs what a rehearsal's SNS sends, and the authority that vouches for it.

Made at run time; whoever trusts `ca.pem` takes what the key signs for SNS, so no production does.
"""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY = "nightshift rehearsal authority"
CERTIFICATE_PATH = f"/SimpleNotificationService-{'4e53' * 8}.pem"
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
"""The fields that SNS signs, in this order; those that are absent are left out."""
_VALID_FOR = timedelta(days=30)


class NoKey(Exception):
    """A folder holds no such key; the text says how to make one."""


@dataclass(frozen=True)
class SnsKey:
    """Signs as SNS does; its certificate lies at `address`, an https address without a path."""

    address: str
    key: rsa.RSAPrivateKey

    @classmethod
    def make(cls, folder: Path, address: str) -> "SnsKey":
        """A new key with its authority lies in `folder`: `ca.pem`, `server.pem`, `signing.pem`."""
        folder.mkdir(parents=True, exist_ok=True)
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate(AUTHORITY, authority_key.public_key(), signed_by=authority_key)
        server_key = ec.generate_private_key(ec.SECP256R1())
        signing_key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        for file, key, host in (
            ("server", server_key, urlsplit(address).hostname or "localhost"),
            ("signing", signing_key, "sns.amazonaws.com"),
        ):
            leaf = _certificate(host, key.public_key(), signed_by=authority_key)
            (folder / f"{file}.pem").write_bytes(_pem(leaf))
            _write_key(folder / f"{file}.key", key)
        (folder / "ca.pem").write_bytes(_pem(authority))
        (folder / "address").write_text(address, encoding="utf-8")
        return cls(address, signing_key)

    @classmethod
    def read(cls, folder: Path) -> "SnsKey":
        """The key that lies in `folder`; raises NoKey."""
        try:
            address = (folder / "address").read_text(encoding="utf-8").strip()
            content = (folder / "signing.key").read_bytes()
            key = serialization.load_pem_private_key(content, password=None)
        except (OSError, ValueError) as error:
            raise NoKey(
                f"{folder} holds no test key ({error}): `python -m simulator.aws.sns_host"
                f" {folder}` makes one and serves its certificate"
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise NoKey(f"{folder / 'signing.key'} is no RSA key: delete the folder")
        return cls(address, key)

    def signed(self, envelope: Mapping[str, str]) -> dict[str, str]:
        """The envelope with what SNS adds: version 2, its signature, the certificate."""
        text = "".join(
            f"{name}\n{envelope[name]}\n" for name in SIGNED[envelope["Type"]] if name in envelope
        )
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return dict(envelope) | {
            "SignatureVersion": "2",
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"{self.address}{CERTIFICATE_PATH}",
            "UnsubscribeURL": f"{self.address}/?Action=Unsubscribe",
        }


Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def _certificate(
    subject: str,
    public_key: PublicKey,
    *,
    signed_by: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now, host = datetime.now(UTC), "" if subject == AUTHORITY else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(AUTHORITY))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
        .add_extension(_usage(of_authority=not host), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    builder = builder.add_extension(of_authority, critical=False)
    if host:
        names = x509.SubjectAlternativeName([_host(host)])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
    return builder.sign(signed_by, hashes.SHA256())


def _usage(*, of_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=of_authority,
        crl_sign=of_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: Key) -> None:
    path.touch(mode=0o600)
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, nothing))
