"""What the notifier remembers of each investigation until its final card stands."""

from typing import Protocol

from bus.events import InvestigationId


class OwedCards(Protocol):
    """Which final cards are owed, so that none is forgotten with the entry that asks for it."""

    async def owe(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """Its final card is late from then on, until it is `paid`; the first time counts."""

    async def paid(self, investigation_id: InvestigationId) -> None:
        """The final card stands, or there is nothing to write it from any more."""

    async def late(self) -> list[InvestigationId]:
        """Whose final card is late while nobody works on any: its `DiagnosisReached` is gone."""
