"""What a door that is posted to gets and gives: headers, a body, an answer, and its limits.

Doors know nothing of HTTP libraries; `adapters.http_doors` serves them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Headers = Mapping[str, Sequence[str]]
"""Every value of a header by its name in lower case."""


@dataclass(frozen=True)
class Posted:
    """One request, read whole."""

    headers: Headers
    body: bytes
    peer: str = ""
    """Whose address it came from; behind a proxy that is not known as one, the proxy's."""
    on_progress: Callable[[], None] = lambda: None
    """Called for each part that was handled: a long body gets its time anew with each."""


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

    def refusal(self, status: int, reason: str, *, headers: Headers) -> Answer:
        """A refusal in the form that the sender reads."""


def plain_refusal(status: int, reason: str) -> Answer:
    """A refusal with its reason."""
    return Answer(status, {"reason": reason})


def one(headers: Headers, name: str) -> str:
    """The value of a header that was sent once; else nothing."""
    values = headers.get(name, ())
    return values[0] if len(values) == 1 else ""
