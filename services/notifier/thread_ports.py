"""What the thread of an incident's message needs from outside, beside what `ports` says."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from bus.events import InvestigationId
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.ports import NotAllowed
from services.notifier.stop import Place
from services.notifier.timeline import Moments


class NoFiles(NotAllowed):
    """There can be no files: the token lacks a scope, or the workspace forbids them."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One message of the bot in a thread: a detail by its key, or the ids of files."""

    ts: str
    key: str = ""
    files: tuple[str, ...] = ()


class ThreadSlack(Protocol):
    """The thread of a message. Raises as `ports.Sink` does, MessageGone where it has no thread."""

    @property
    def timeout_seconds(self) -> float:
        """How long one call takes at most."""

    async def reply(
        self, place: Place, card: Card, *, key: str, incident_id: str, urgency: Urgency
    ) -> str:
        """The `ts` of a new message in the thread, which can be found by its key."""

    async def send_file(self, name: str, text: str, *, urgency: Urgency) -> str:
        """The id of a file that holds the text and that nobody sees yet. Raises NoFiles."""

    async def share(self, place: Place, file_id: str, *, title: str, urgency: Urgency) -> None:
        """The file stands in the thread, as a message without words. Once for each file."""

    async def replies(self, place: Place) -> list[Reply]:
        """What the bot has written into the thread, oldest first."""

    async def remove(self, place: Place) -> bool:
        """Whether no message stands at that place any more."""


@dataclass(frozen=True, kw_only=True)
class DetailTurn:
    """Whose turn it is to write a detail, by the one lease of all writes of the incident.

    `done`: it stands already, or there is no thread. `unsure`: it may stand, nobody saw an answer.
    """

    word: Literal["yours", "busy", "done"]
    key: str
    owner: str = ""
    wait_seconds: float = 0.0
    unsure: bool = False
    files: frozenset[str] = frozenset()
    """The ids of all files that ever were about to be shared as this detail."""
    ends_at: float = 0.0
    """When the turn is over, by the event loop's clock."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of an incident's thread."""

    place: Place | None
    """Where the final card stands; None before it does."""
    activity: str = ""
    """The last activity that was reported."""
    stands: dict[str, str] = field(default_factory=dict)
    """By key, the `ts` or the file's id of every detail that stands."""
    files: dict[str, frozenset[str]] = field(default_factory=dict)
    doubt: str = ""
    """Not empty: a detail may stand twice."""
    young_seconds: float = 0.0
    """For how long what is in doubt may still arrive."""
    seconds: float = 0.0
    """For how long the details have been owed."""


class ThreadPlaces(Protocol):
    """Which details are owed and which stand. Nobody forgets it by dying."""

    async def claim(self) -> InvestigationId | None:
        """An incident whose time has come; nobody else gets it for a while."""

    async def later(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """Its time comes after so long."""

    async def standing(self, investigation_id: InvestigationId) -> Standing:
        """What is known of its thread."""

    async def begin(self, investigation_id: InvestigationId, key: str) -> DetailTurn:
        """Ask for the turn to write that detail; from now on it may stand."""

    async def sharing(
        self, investigation_id: InvestigationId, turn: DetailTurn, *, file_id: str
    ) -> None:
        """That file is about to be shared. Raises Unavailable if the turn is over."""

    async def end(
        self,
        investigation_id: InvestigationId,
        turn: DetailTurn,
        *,
        word: Literal["stands", "not written", "unknown"],
        at: str = "",
    ) -> None:
        """The turn is over. `at`: the `ts` of the message, or the id of the file."""

    async def forget(self, investigation_id: InvestigationId, *, doubt: str) -> None:
        """Nothing is owed any more, unless there is another doubt by now."""


class Clockwork(Protocol):
    """When the steps of an investigation happened."""

    async def moments(self, record: Record) -> Moments:
        """What is still known of an ended investigation."""
