"""What the reasoner needs from the outside, and how the model's silence is told."""

from collections.abc import Callable, Mapping
from typing import Protocol

from bus.errors import InvestigationEnded, Unavailable
from bus.events import InvestigationId
from services.reasoner.budget import Reservation
from services.reasoner.transcript import Block, Reply
from services.reasoner.turn import Request


class CutOff(Unavailable):
    """The clock cut a model call off: no error, the turn is run again."""


class SaidNo(InvestigationEnded):
    """The model API refuses for good; the text is the reason, for a person."""


class TooLong(SaidNo):
    """The model refuses a prompt for its length: what is there has to do."""


class Model(Protocol):
    """Where turns are answered."""

    async def ask(self, request: Request, *, seconds: float, check: Callable[[], float]) -> Reply:
        """The reply, within `seconds`, own retries included; `check` is asked before each try.

        Raises CutOff at the end of the time, Unavailable when the model is down or `check` raises
        it, SaidNo when the model refuses the request for good, TooLong when for its length.
        """
        ...


class Catalogues(Protocol):
    """The tools that the toolrunner offers."""

    async def current(self) -> str:
        """The newest catalogue's hash; empty where there is none."""
        ...

    async def read(self, sha256: str) -> tuple[Block, ...] | None:
        """The tools of that catalogue in their order, as the Messages API takes them, or None."""
        ...


class Memory(Protocol):
    """What is remembered beyond one investigation."""

    async def earlier(self, fingerprint: str) -> Mapping[str, str]:
        """Facts about earlier investigations of that problem, as JSON, by name."""
        ...

    async def rollouts(self) -> Mapping[str, str]:
        """Recent roll-outs as the toolrunner last saw them: `text`, and `at`; empty: not known."""
        ...

    async def used_within_hour(self, prompt: str, investigation_id: InvestigationId) -> bool:
        """Whether another investigation began with that prompt in the hour before this one did."""
        ...


class NoMemory:
    """Nothing is remembered."""

    async def earlier(self, _fingerprint: str) -> Mapping[str, str]:
        """Nothing."""
        return {}

    async def rollouts(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    async def used_within_hour(self, _prompt: str, _investigation_id: InvestigationId) -> bool:
        """Nobody did."""
        return False


class DayBudget(Protocol):
    """The dollars of one UTC day, of all replicas together."""

    async def reserve(self, day: str, wanted: Reservation) -> str:
        """Nothing where it stands now, else the limit that forbids it: that of the day, or dollars.

        Dollars of the investigation's earlier calls that were never replaced count as spent. A turn
        that concludes is held to the day's limit alone, and gets its reservation even where nothing
        else can be stored any more.
        """
        ...

    async def settle(self, day: str, name: str, *, spent_usd: float) -> None:
        """The reservation is replaced by what was spent; nothing when it is replaced already."""
        ...
