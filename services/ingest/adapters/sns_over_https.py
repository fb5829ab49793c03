"""SNS by HTTPS: its signing certificates, checked up to a root, and confirmed subscriptions.

What is asked of whom was judged before (`sns_addresses`). A certificate of AWS is served alone; its
issuer's address stands in it. No redirect is followed, and everything has a time and a size.
"""

import asyncio
import logging
import re
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from bus.errors import Rejected, Unavailable
from services.ingest.adapters.signing_keys import Asked, FetchBudget, Known, SigningKeys
from services.ingest.adapters.trusted_roots import TrustedRoots
from services.ingest.ports import Seen
from services.ingest.sns_addresses import Place
from services.ingest.sns_message import Forged, SnsMessage

log = logging.getLogger(__name__)
MOST_BYTES = 64 * 1024
MOST_SECONDS = 5.0
KEPT_FOR = timedelta(hours=24)
REFUSED_FOR = timedelta(minutes=1)
MOST_FETCHES_PER_MINUTE = 60
"""Unknown certificates that are asked for: a stranger can name as many as he likes."""
MOST_FETCHES_OF_ONE_PEER = 10
MOST_FETCHES_OF_GOOD_ONES = 20
"""Addresses at which there was a good certificate before: no stranger can name a new one."""
SHORTEST_KEY_BITS = 2048
_DIGESTS = {"1": hashes.SHA1, "2": hashes.SHA256}
_SUBSCRIPTION = re.compile(r"<SubscriptionArn>(arn:[A-Za-z0-9:._-]{1,400})</SubscriptionArn>")


class SnsOverHttps:
    """Keeps what it learned: of good certificates for a day, of bad ones for a minute.

    `seen` remembers, for all replicas and over a restart, where a good certificate was: whatever
    strangers name, SNS's own messages are still read.
    """

    def __init__(self, roots: TrustedRoots, seen: Seen) -> None:
        self._roots, self._seen = roots, seen
        self._keys = SigningKeys()
        self._strangers = FetchBudget(MOST_FETCHES_PER_MINUTE, of_each=MOST_FETCHES_OF_ONE_PEER)
        self._friends = FetchBudget(MOST_FETCHES_OF_GOOD_ONES, of_each=MOST_FETCHES_OF_GOOD_ONES)
        self._locks: WeakValueDictionary[Asked, asyncio.Lock] = WeakValueDictionary()
        self.asked: list[str] = []
        """Addresses that were followed, the newest last; at most a hundred."""

    async def check(
        self, message: SnsMessage, place: Place, *, now: datetime, peer: str = ""
    ) -> None:
        """The message was signed by SNS; raises Forged and Unavailable otherwise."""
        asked = place.certificate(message.certificate_url), place
        key = await self._key(asked, now, peer=peer)
        try:
            key.verify(
                message.signature,
                message.signed_text,
                padding.PKCS1v15(),
                _DIGESTS[message.version](),
            )
        except InvalidSignature:
            raise Forged("the signature does not fit the message") from None

    async def confirm(self, url: str) -> str:
        """The ARN of the subscription that stands from now on; raises Rejected and Unavailable."""
        status, body = await self._get(url)
        found = _SUBSCRIPTION.search(body.decode("utf-8", "replace"))
        if status != 200 or found is None:
            raise Rejected(f"SNS answered {status}")
        return found[1]

    async def _key(self, asked: Asked, now: datetime, *, peer: str) -> rsa.RSAPublicKey:
        known = self._keys.of(asked, now)
        if known is None:
            # Many messages of one certificate wait for one answer, and for no other address's.
            async with self._locks.setdefault(asked, asyncio.Lock()):
                known = self._keys.of(asked, now) or await self._learn(asked, now, peer=peer)
        if known.key is None:
            raise Forged(known.reason)
        return known.key

    async def _learn(self, asked: Asked, now: datetime, *, peer: str) -> Known:
        url = asked[0]
        was_good = self._keys.was_good(asked) or await self._seen.is_kept(url)
        (self._friends if was_good else self._strangers).count(peer, now)
        known = await self._asked_for(asked, now)
        self._keys.keep(asked, known)
        if known.key is not None:
            await self._seen.keep(url)
        return known

    async def _asked_for(self, asked: Asked, now: datetime) -> Known:
        url, place = asked
        try:
            certificate = await self._checked(url, place, now=now)
        except Forged as error:
            log.warning("the signing certificate at %s is refused: %s", url, error)
            return Known(None, now + REFUSED_FOR, str(error))
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SHORTEST_KEY_BITS:
            return Known(None, now + REFUSED_FOR, "the signing certificate's key is too weak")
        return Known(key, min(now + KEPT_FOR, certificate.not_valid_after_utc))

    async def _checked(self, url: str, place: Place, *, now: datetime) -> x509.Certificate:
        """The certificate at that address, issued to SNS by a root that is trusted, valid now."""
        status, body = await self._get(url)
        if status != 200:
            raise Forged(f"there is no signing certificate: HTTP {status}")
        leaf, *issuers = _certificates(body)
        name = _name(leaf, place)
        if not issuers and self._roots.is_missing(leaf.issuer):
            issuers = await self._issuers(leaf, place)
        return self._roots.verified(leaf, issuers, name=name, now=now)

    async def _issuers(self, leaf: x509.Certificate, place: Place) -> list[x509.Certificate]:
        """The issuer's certificate, from where the certificate says, if AWS keeps its own there."""
        for url in _issuer_addresses(leaf):
            if place.issuers.fullmatch(url):
                status, body = await self._get(url)
                return _certificates(body) if status == 200 else []
        return []

    async def _get(self, url: str) -> tuple[int, bytes]:
        self.asked = [*self.asked[-99:], url]
        timeout = aiohttp.ClientTimeout(total=MOST_SECONDS)
        session = aiohttp.ClientSession(
            timeout=timeout,
            trust_env=True,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        try:
            async with (
                session,
                session.get(url, allow_redirects=False, ssl=self._roots.context) as answer,
            ):
                if answer.status >= 500:
                    raise Unavailable(f"SNS answers {answer.status}", retry_in_seconds=5)
                return answer.status, await _body(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            said = type(error).__name__
            raise Unavailable(f"SNS cannot be reached: {said}", retry_in_seconds=5) from error


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Forged("the answer is longer than any of SNS")
    return body


def _certificates(body: bytes) -> list[x509.Certificate]:
    try:
        if body.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificates(body)[:5]
        return [x509.load_der_x509_certificate(body)]
    except ValueError:
        raise Forged("what was fetched is no certificate") from None


def _name(leaf: x509.Certificate, place: Place) -> str:
    """A name of SNS that the certificate was issued to."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        issued_to = names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        issued_to = []
    for name in place.names:
        if name in issued_to:
            return name
    raise Forged("the signing certificate was not issued to SNS")


def _issuer_addresses(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        each.access_location.value
        for each in found
        if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(each.access_location, x509.UniformResourceIdentifier)
    ]
