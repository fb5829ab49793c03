"""The roots that AWS is checked against: `AWS_CA_BUNDLE`, else the machine's, else boto3's own."""

import os
import re
import ssl
import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

from botocore.httpsession import DEFAULT_CA_BUNDLE
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from bus.errors import NotConfigured
from services.ingest.sns_message import Forged

LONGEST_CHAIN = 3
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_USUAL = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class TrustedRoots:
    """Raises NotConfigured when the bundle that is named cannot be read."""

    def __init__(self, bundle: str = "") -> None:
        self._path = Path(bundle or _of_the_machine())
        try:
            self.context = ssl.create_default_context(cafile=str(self._path))
            self._pem = self._path.read_bytes()
        except (OSError, ssl.SSLError) as error:
            raise NotConfigured(f"AWS_CA_BUNDLE {self._path}: {error}") from error

    def is_missing(self, issuer: x509.Name) -> bool:
        """Whether no root has that name, so that somebody stands between it and a root."""
        return all(root.subject != issuer for root in self._roots)

    def verified(
        self,
        leaf: x509.Certificate,
        issuers: Sequence[x509.Certificate],
        *,
        name: str,
        now: datetime,
    ) -> x509.Certificate:
        """The certificate, valid now, for that name, up to a root; else raises Forged."""
        policy = PolicyBuilder().store(Store(self._roots)).time(now).max_chain_depth(LONGEST_CHAIN)
        try:
            policy.build_server_verifier(x509.DNSName(name)).verify(leaf, list(issuers))
        except (VerificationError, ValueError) as error:
            raise Forged(f"the signing certificate is not trusted: {error}"[:200]) from None
        return leaf

    @cached_property
    def _roots(self) -> list[x509.Certificate]:
        # Some roots of the machine are older than today's rules; those sign for nobody here.
        found = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for pem in _PEM.findall(self._pem):
                try:
                    found.append(x509.load_pem_x509_certificate(pem))
                except ValueError:
                    continue
        return found


def _of_the_machine() -> str:
    known = ssl.get_default_verify_paths().cafile or ""
    there = [path for path in (known, *_USUAL) if path and os.path.isfile(path)]
    return there[0] if there else str(DEFAULT_CA_BUNDLE)
