"""What is known of the addresses of signing certificates, and how often an unknown one is asked.

A stranger can name as many addresses as he likes, each in the form that SNS gives them. So what is
refused is remembered apart from what is good, and has a budget of its own.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from cryptography.hazmat.primitives.asymmetric import rsa

from bus.errors import Unavailable
from services.ingest.sns_addresses import Place

Asked = tuple[str, Place]
"""An address, and where SNS speaks for the topic that it was named for."""
MOST_KEPT = 32
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Known:
    """What is known of one certificate's address, until then."""

    key: rsa.RSAPublicKey | None
    until: datetime
    reason: str = ""
    """Why there is no key."""


@dataclass
class SigningKeys:
    """The newest of either sort; no address that was refused takes the place of a good one."""

    _good: dict[Asked, Known] = field(default_factory=dict)
    _refused: dict[Asked, Known] = field(default_factory=dict)

    def of(self, asked: Asked, now: datetime) -> Known | None:
        """What is known of that address and still holds."""
        known = self._good.get(asked) or self._refused.get(asked)
        return known if known is not None and known.until > now else None

    def was_good(self, asked: Asked) -> bool:
        """Whether there was a key at that address, however long ago."""
        return asked in self._good

    def keep(self, asked: Asked, known: Known) -> None:
        """It is known from now on."""
        self._good.pop(asked, None)
        self._refused.pop(asked, None)
        held = self._good if known.key is not None else self._refused
        while len(held) >= MOST_KEPT:
            held.pop(next(iter(held)))
        held[asked] = known


class FetchBudget:
    """How many addresses are asked within a minute: of all peers, and of each one."""

    def __init__(self, most: int, *, of_each: int) -> None:
        self._most, self._of_each = most, of_each
        self._asked: deque[tuple[datetime, str]] = deque()

    def count(self, peer: str, now: datetime) -> None:
        """One more is asked for this peer; raises Unavailable when that is too many."""
        while self._asked and now - self._asked[0][0] >= MINUTE:
            self._asked.popleft()
        network = _network(peer)
        of_peer = sum(1 for _, other in self._asked if other == network)
        if len(self._asked) >= self._most or of_peer >= self._of_each:
            raise Unavailable("too many unknown signing certificates", retry_in_seconds=20)
        self._asked.append((now, network))


def _network(peer: str) -> str:
    """Whose address it is: one of IPv6 is one of many that its owner has."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(address)
