"""What the notifier needs from outside: Slack, and who may write which message."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bus.errors import Retryable, Unavailable
from bus.events import InvestigationId, InvestigationStopped
from services.notifier.blocks import Card
from services.notifier.card_ports import OwedCards
from services.notifier.pace import Urgency
from services.notifier.stop import Place

Purpose = Literal["place", "progress", "final"]
Settled = Literal["over", "duplicate", "covered"]
"""How a turn went: well; another message stands already; or it lay over the final card."""
Said = Literal["first", "changed", "same", "older"]
"""A judgement beside what that person said before; `older` when something later is kept."""
NOTICE = "notice:"
"""How the id of a notice's message begins; an incident's id holds no colon."""


class Unanswered(Unavailable):
    """Slack was told to write and its answer is not known: the next try looks before it posts."""


class Crowded(Unavailable):
    """It is not this call's turn, and nothing was sent: Slack's limits let others go first."""


class NotAllowed(Unavailable):
    """The token lacks a scope for this call."""


class ChannelClosed(Unavailable):
    """The channel takes no message of ours: archived, gone, or not ours to write in."""


class CardRefused(Retryable):
    """Slack refuses the card as it is; a plain one may pass."""


class MessageGone(Retryable):
    """The message that was to be edited is there no longer."""


class MessageLocked(Retryable):
    """The message stands and Slack does not let us edit it: not ours, or too old to be edited."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Whose turn it is to write an incident's message.

    `yours`: the caller's, until it says how it went. `busy`: somebody else's; ask again after
    `wait_seconds`. `done`: there is nothing to write any more.
    """

    word: Literal["yours", "busy", "done"]
    owner: str = ""
    wait_seconds: float = 0.0
    state: Literal["", "posting", "posted", "final"] = ""
    """What was true before: `posting` means that a message may stand although no place is known."""
    urgency: Urgency = "placeholder"
    """Of whatever is written in it."""
    place: Place | None = None
    channel: str = ""
    """Where it is posted and looked for; empty: in the default one."""
    moved: str = ""
    """The channel it belongs in, where that takes no messages."""
    activity: str = ""
    """The last activity that was reported."""
    left: tuple[str, ...] = ()
    """The `ts` of each message that another one has replaced: deleted, or not to be edited."""
    beside: bool = False
    """The last of these still stands."""
    again: bool = False
    """It does not: somebody deleted it, or we did, before another took its place."""
    ends_at: float = 0.0
    """When the turn is over, by the event loop's clock."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The final card stands."""

    first: bool
    """This call wrote the stop signal."""
    late_edit: bool
    """A progress edit whose answer nobody knows may still arrive."""
    owed: bool = False
    """A message that is one too many stands, or may: taken back now or later."""


@dataclass(frozen=True, kw_only=True)
class Owed:
    """Messages of an incident that are one too many, and are to be taken back."""

    known: tuple[Place, ...]
    doubt: str
    """Not empty: a post that nobody saw answered may have arrived after it was looked for."""
    young_seconds: float
    """For how long the post may still arrive: it is looked for once more after that."""
    stands: Place | None
    """Where the final card is."""
    left: tuple[str, ...]
    """The `ts` of each message that need not be looked at: see `Turn`."""
    seconds: float
    """For how long it has been owed."""
    moved: str = ""
    """The channel in which it was tried first, which took no messages then."""


class Places(OwedCards, Protocol):
    """The Slack lease of each incident, and where its message stands."""

    async def take(
        self,
        investigation_id: InvestigationId,
        purpose: Purpose,
        *,
        activity: str = "",
        order: str = "",
        channel: str = "",
    ) -> Turn:
        """Ask for the turn to write. Of progress only the newest `order` gets one.

        The first `channel` is kept for good, before anything is posted.
        """

    async def wrote(
        self, investigation_id: InvestigationId, turn: Turn, *, place: Place
    ) -> Settled:
        """The message stands at that place, and Slack has answered: the turn is over."""

    async def found(self, investigation_id: InvestigationId, turn: Turn, *, place: Place) -> None:
        """The message was found at that place; the turn goes on.

        Raises Unavailable if it is over.
        """

    async def replaced(
        self, investigation_id: InvestigationId, turn: Turn, *, place: Place, beside: bool
    ) -> None:
        """Another message is about to take the place of that one, which may stand `beside` it.

        The turn goes on. Raises Unavailable if it is over.
        """

    async def moved(self, investigation_id: InvestigationId, turn: Turn, *, channel: str) -> None:
        """Its own channel takes no messages: that one is its channel from now on.

        The turn goes on. Raises Unavailable if it is over.
        """

    async def failed(
        self, investigation_id: InvestigationId, turn: Turn, *, known: bool
    ) -> Settled:
        """Nothing was written (`known`), or nobody knows: the turn is over."""

    async def finish(
        self, investigation_id: InvestigationId, turn: Turn, *, signal: InvestigationStopped
    ) -> Finished:
        """The final card stands: state and stop signal in one script, at the first call only."""


class Owing(Protocol):
    """What is still to be taken back. Nobody forgets it by dying."""

    async def claim(self) -> InvestigationId | None:
        """An incident whose time has come; nobody else gets it for a while."""

    async def later(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """Its time comes after so long."""

    async def owed(self, investigation_id: InvestigationId) -> Owed:
        """What is owed of one; where it goes on, only the known messages."""

    async def forget(self, investigation_id: InvestigationId, owed: Owed) -> None:
        """That much is owed no longer."""


class Sink(Protocol):
    """Where messages are written. All raise Unavailable, Unanswered, Crowded or CardRefused.

    All replicas share Slack's limits, and the call of higher `urgency` goes first. One whose turn
    is not near is refused as Crowded: whoever made it lets go of what it holds, and comes again.
    A notice has an id too, `NOTICE` and its key's hash, which no incident can have.
    """

    @property
    def timeout_seconds(self) -> float:
        """How long one call takes at most."""

    async def post(
        self,
        card: Card,
        incident_id: str = "",
        *,
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place:
        """A new message in that channel, else the default; it can be found by the incident's id.

        Raises ChannelClosed, too.
        """

    async def edit(
        self, place: Place, card: Card, *, incident_id: str, urgency: Urgency = "progress"
    ) -> None:
        """The message at that place says so.

        Raises MessageGone, MessageLocked or ChannelClosed if it cannot.
        """

    async def remove(self, place: Place, *, urgency: Urgency = "details") -> bool:
        """Whether no message stands at that place any more; Slack may not let us delete it."""

    async def find(
        self,
        incident_id: str,
        since: datetime,
        *,
        but: Collection[str] = (),
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place | None:
        """Where in that channel its message stands, if posted after that time and not `but` there.

        Raises ChannelClosed, too.
        """

    async def others(self, incident_id: str, since: datetime, *, but: Place) -> list[Place]:
        """Where in that place's channel further messages of the incident stand."""

    async def introduce(self) -> None:
        """Look whether it can be written to at all; called every few seconds."""

    async def problem(self) -> str:
        """What keeps messages from being written, for `/readyz`; empty when nothing is known."""


class History(Protocol):
    """What is remembered about a problem, for 90 days."""

    async def remember(self, fingerprint: str, name: str, *, facts: dict[str, str]) -> None:
        """Keep the facts under that name; the same name again replaces them."""


@dataclass(frozen=True, kw_only=True)
class NoticeTurn:
    """The turn to post a notice."""

    owner: str
    channel: str
    """Decided when it was first tried."""
    since: datetime
    """When that was."""
    doubt: bool
    """An earlier post may stand: it is looked for first."""
    ends_at: float
    """When the turn is over, by the event loop's clock."""


class Notices(Protocol):
    """Whose turn it is to post a notice, and which were posted within the last hour."""

    async def claim(self, notice_id: str, *, channel: str) -> NoticeTurn | None:
        """The caller's turn; None where it stands. Raises Unavailable while another one posts."""

    async def posted(self, notice_id: str, turn: NoticeTurn) -> None:
        """It stands."""

    async def failed(self, notice_id: str, turn: NoticeTurn, *, known: bool) -> None:
        """It does not (`known`), or nobody knows; anybody may try again."""

    async def moved(self, notice_id: str, turn: NoticeTurn, *, channel: str) -> None:
        """It is posted in that channel. Raises Unavailable if the turn is over."""


class Feedback(Protocol):
    """What people said of diagnoses, for 90 days."""

    async def keep(self, facts: dict[str, str], *, order: str) -> Said:
        """The judgement is kept, unless that person's later one is; `order` is the entry's id."""


class Deadlines(Protocol):
    """The next due moment of each open investigation, by Redis time."""

    async def due(self, now: datetime) -> list[InvestigationId]:
        """Investigations whose moment has come."""

    async def postpone(self, investigation_id: InvestigationId, until: datetime) -> bool:
        """Move the moment of one that is still there; whether it was, and this call moved it."""

    async def forget(self, investigation_id: InvestigationId) -> None:
        """Take it out."""
