"""What a door that is posted to gets and gives: headers, a body, an answer, and its limits.

Doors know nothing of HTTP libraries; `adapters.http_doors` serves them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.ingest.progress import NOBODY, Asking
from services.ingest.trigger import Decision, refusals

Headers = Mapping[str, Sequence[str]]
"""Every value of a header by its name in lower case."""


@dataclass(frozen=True)
class Posted:
    """One request, read whole."""

    headers: Headers
    body: bytes
    peer: str = ""
    """Whose address it came from; behind a proxy that is not known as one, the proxy's."""
    asking: Asking = NOBODY


@dataclass(frozen=True)
class Answer:
    """What is answered, as JSON."""

    status: int
    fields: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    durable: bool = True
    """Whether what was written is on disk already; else the answer waits until it is."""


@dataclass(frozen=True)
class Limits:
    """What a door takes at most, and in which form."""

    most_bytes: int
    content_types: tuple[str, ...]
    bytes_at_once: int
    """Of all its bodies that are being read or worked on."""
    gzip: bool = False


class Door(Protocol):
    """One path that is posted to."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def limits(self) -> Limits:
        """What it takes at most."""

    def turned_away(self, headers: Headers) -> str:
        """Why a stranger is turned away before the body is read; empty when this is none.

        Raises Forged for one that poses as somebody else.
        """

    async def take(self, posted: Posted) -> Answer:
        """What was posted has had its effect, once.

        Raises Forged (403), Rejected (400), Unavailable (503: try again).
        """

    async def lost(self, reason: str) -> None:
        """A person knows, where a known sender's body was too long to be read. Raises Unavailable.

        Who shows only in the body who it is, is no known sender then.
        """

    def refusal(self, status: int, reason: str, *, headers: Headers) -> Answer:
        """A refusal in the form that the sender reads."""


def plain_refusal(status: int, reason: str) -> Answer:
    """A refusal with its reason."""
    return Answer(status, {"reason": reason})


def taken(
    decisions: Sequence[Decision], *, unreadable: Sequence[str] = (), **more: object
) -> Answer:
    """What was posted had its effect; what of it was set aside is named, for whoever rehearses.

    It is 200 all the same: no sender would come again after a 400, and a person is told already.
    """
    refused = [*unreadable, *refusals(decisions)]
    is_all = all(each.outcome == "rejected" for each in decisions)
    said: dict[str, object] = {"outcome": "refused" if is_all else "taken"} | more
    is_durable = all(each.durable for each in decisions)
    return Answer(200, said | ({"refused": refused} if refused else {}), durable=is_durable)


def one(headers: Headers, name: str) -> str:
    """The value of a header that was sent once; else nothing."""
    values = headers.get(name, ())
    return values[0] if len(values) == 1 else ""
