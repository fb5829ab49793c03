"""A second look, made: within the turn's time and the investigation's money, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass

from bus.errors import Unavailable
from bus.events import Diagnosis
from bus.record import Record
from services.reasoner import budget, second_look
from services.reasoner.budget import Limits, Reservation
from services.reasoner.ports import CutOff, DayBudget, Model, SaidNo
from services.reasoner.prices import Prices
from services.reasoner.second_look import Look
from services.reasoner.transcript import Block
from services.reasoner.turn import Texts

LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class Beside:
    """The reservation of the turn's own call, which still stands; the record has its cost."""

    day: str
    reservation: str
    usd: float


@dataclass(frozen=True, kw_only=True)
class SecondLooks:
    """Looks at accepted diagnoses with a model of its own; its money is reserved and counted."""

    model: Model
    name: str
    prices: Prices
    limits: Limits
    day_budget: DayBudget
    texts: Texts
    judge: Block
    most_seconds: float = 20.0

    async def look(
        self,
        record: Record,
        diagnosis: Diagnosis,
        *,
        beside: Beside,
        seconds: float,
        check: Callable[[], float],
    ) -> Look:
        """What it says. A call that may have been billed keeps its reservation."""
        request = second_look.request(record, diagnosis, words=self.texts, judge=self.judge)
        size = request.size(budget.bytes_per_token(record))
        call = budget.estimate(self.prices, self.name, size=size, limits=self.limits)
        day, name = beside.day, f"{beside.reservation}:look"
        if seconds < LEAST_SECONDS:
            return Look(note="none: no time was left")
        left_usd = max(0.0, self.limits.cost_usd - budget.known_usd(record))
        own_usd = left_usd + beside.usd
        wanted = Reservation(
            name=name, usd=call.call_usd, keep_usd=0.0, own_usd=own_usd, concludes=False
        )
        if call.call_usd > left_usd or await self.day_budget.reserve(day, wanted):
            return Look(note="none: no money was left")
        most = min(self.most_seconds, seconds)
        try:
            reply = await self.model.ask(request, seconds=most, check=check)
        except CutOff as error:
            # It may have been billed.
            return Look(note=f"none: {error}", cost_usd=call.call_usd)
        except (Unavailable, SaidNo) as error:
            await self.day_budget.settle(day, name, spent_usd=0.0)
            return Look(note=f"none: {error}")
        cost_usd = self.prices.cost_usd(self.name, reply.usage)
        await self.day_budget.settle(day, name, spent_usd=cost_usd or 0.0)
        return second_look.judged(reply, cost_usd=cost_usd)
