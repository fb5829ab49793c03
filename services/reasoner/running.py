"""A due turn, run: prepare, check the limits, reserve, ask the model, commit."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bus import metrics
from bus.commits import Investigations
from bus.envelope import Entry
from bus.errors import Rejected, Unavailable
from bus.events import Outcome, TurnDue
from bus.record import Commit, Record
from bus.results import Results
from services.reasoner import budget, diagnosis, investigation, turn
from services.reasoner.budget import Estimate, Limits, Prices
from services.reasoner.diagnosis import Source
from services.reasoner.investigation import Answer
from services.reasoner.ports import Catalogues, CutOff, DayBudget, Model, SaidNo, TooLong
from services.reasoner.transcript import Block, Reply
from services.reasoner.turn import Request, Seen, Texts

log = logging.getLogger(__name__)
NO_TOOLS = "no tool could be used: the toolrunner offered none"
LOST_TOOLS = "no tool could be used at the end: the list of tools was lost"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What all turns of this process have in common."""

    model: str
    fallback_model: str = ""
    limits: Limits
    prices: Prices
    texts: Texts
    submit: Block
    model_seconds: float = 90.0

    def estimate(self, prompt_bytes: int) -> Estimate:
        """The worst case of a call: of the model or of its fallback, whichever is dearer."""
        return budget.dearest(
            [
                budget.estimate(self.prices, model, prompt_bytes=prompt_bytes, limits=self.limits)
                for model in (self.model, self.fallback_model or self.model)
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A turn that may be asked: its request, its worst case, and what our side could not offer."""

    record: Record
    request: Request
    estimate: Estimate
    now: datetime
    gap: str = ""


@dataclass(kw_only=True)
class Turns:
    """Runs due turns. Every step reads the record anew, so a turn may be run again at any time."""

    investigations: Investigations
    results: Results
    model: Model
    catalogues: Catalogues
    day_budget: DayBudget
    rules: Rules

    async def run(self, due: TurnDue, entry: Entry) -> None:
        """The turn is committed, or had no effect any more; its entry is acknowledged.

        Raises Unavailable when it has to wait. A call that the clock cut off is made again.
        """
        while not entry.acknowledged:
            record = await self.investigations.read(due.investigation_id)
            if record is None:
                raise Rejected("there is no record of this investigation")
            if not investigation.is_due(record, due.turn):
                await self.investigations.apply(due.investigation_id, lambda _: None, entry=entry)
                return
            prepared = await self._prepare(record)
            if prepared is not None:
                await self._ask(prepared, entry)

    async def _prepare(self, record: Record) -> Prepared | None:
        """The turn as it is to be asked; None when the record was changed first."""
        inv, number = record.investigation_id, record.turn
        now = await self.investigations.now()
        if not record.concluding and now >= record.conclude_at:
            await self._change(
                record, lambda r: investigation.concluding(r, number, why="deadline")
            )
            return None
        if not record.catalogue and (newest := await self.catalogues.current()):
            await self._change(record, lambda r: investigation.pinned(r, number, catalogue=newest))
            return None
        tools = await self.catalogues.read(record.catalogue) if record.catalogue else None
        if tools is None and not record.concluding:
            wait = (record.conclude_at - now).total_seconds()
            raise Unavailable("no tools are offered yet", retry_in_seconds=min(1.0, wait))
        rules = self.rules
        seen = Seen(
            transcript=await self.investigations.transcript(inv),
            shown=await self.results.shown(inv),
            tools=(*(tools or ()), rules.submit),
        )
        request = turn.build(record, seen, texts=rules.texts, limits=rules.limits)
        estimate = rules.estimate(request.prompt_bytes)
        limit = (
            "" if record.concluding else budget.limit_reached(record, estimate, limits=rules.limits)
        )
        if limit:
            await self._change(record, lambda r: investigation.concluding(r, number, why=limit))
            return None
        gap = "" if tools is not None else LOST_TOOLS if record.catalogue else NO_TOOLS
        return Prepared(record=record, request=request, estimate=estimate, now=now, gap=gap)

    async def _ask(self, prepared: Prepared, entry: Entry) -> None:
        """Reserve, call, commit. Money for a call that may have been billed stays reserved."""
        record, request = prepared.record, prepared.request
        seconds = self._seconds(prepared)
        day = f"{prepared.now:%Y-%m-%d}"
        name = f"{record.investigation_id}:{record.turn}:{uuid.uuid4().hex[:8]}"
        keep = 0.0 if request.concludes else prepared.estimate.held_back_usd
        usd = prepared.estimate.call_usd
        reserved = await self.day_budget.reserve(
            day, name, usd=usd, keep_usd=keep, concludes=request.concludes
        )
        if not reserved:
            await self._without_money(record, entry)
            return
        stands = await self.investigations.read(record.investigation_id)
        if stands is None or not investigation.is_due(stands, record.turn):
            # Waiting for the reservation took so long that the turn is somebody else's by now.
            await self.day_budget.settle(day, name, spent_usd=0.0)
            return
        try:
            reply = await self.model.ask(request, seconds=seconds, check=entry.check_held)
        except CutOff:
            log.info("turn %d of %s was cut off", record.turn, record.investigation_id)
            return
        except Unavailable:
            await self.day_budget.settle(day, name, spent_usd=0.0)
            raise
        except SaidNo as error:
            await self.day_budget.settle(day, name, spent_usd=0.0)
            await self._after_no(record, entry, error=error)
            return
        answer = await self._answer(prepared, reply, day=day, reservation=name)
        if not await self._commit(answer, entry):
            await self.day_budget.settle(day, name, spent_usd=answer.cost_usd or 0.0)

    async def _answer(
        self, prepared: Prepared, reply: Reply, *, day: str, reservation: str
    ) -> Answer:
        inv = prepared.record.investigation_id
        sources = {}
        for use in reply.tool_uses:
            given = diagnosis.submission(use.arguments) if use.name == diagnosis.SUBMIT else ""
            for call_id in () if isinstance(given, str) else given.named:
                found = await self.results.read(inv, call_id)
                if found is not None:
                    sources[call_id] = Source(whole=found.whole, tool=found.tool)
        return Answer(
            request=prepared.request,
            reply=reply,
            cost_usd=self.rules.prices.cost_usd(reply.asked or self.rules.model, reply.usage),
            at=await self.investigations.now(),
            max_tool_calls=self.rules.limits.tool_calls,
            sources=sources,
            gap=prepared.gap,
            spend_day=day,
            reservation=reservation,
        )

    async def _commit(self, answer: Answer, entry: Entry) -> bool:
        """Whether the reply was committed; otherwise the turn was no longer due."""
        taken = False

        def decide(stands: Record) -> Commit | None:
            nonlocal taken
            commit = investigation.after_reply(stands, answer)
            taken = commit is not None
            return commit

        await self.investigations.apply(answer.request.investigation_id, decide, entry=entry)
        if taken:
            _count(answer, self.rules.model)
        return taken

    async def _after_no(self, record: Record, entry: Entry, *, error: SaidNo) -> None:
        """A prompt that is too long concludes with what fits; any other no is the end."""
        number, full = record.turn, investigation.CONTEXT_WINDOW
        too_long = isinstance(error, TooLong)
        if too_long and not record.concluding:
            await self._change(record, lambda r: investigation.concluding(r, number, why=full))
            return
        inconclusive = too_long or record.concluding == full
        outcome: Outcome = "inconclusive" if inconclusive else "failed"
        await self._give_up(record, entry, outcome=outcome, reason=str(error))

    async def _without_money(self, record: Record, entry: Entry) -> None:
        """The day's money is spent: conclude while that can be paid, else end."""
        if record.concluding:
            reason = "limit reached: day budget"
            await self._give_up(record, entry, outcome="out_of_budget", reason=reason)
            return
        number = record.turn
        await self._change(record, lambda r: investigation.concluding(r, number, why="day budget"))

    async def _give_up(
        self, record: Record, entry: Entry, *, outcome: Outcome, reason: str
    ) -> None:
        at, number = await self.investigations.now(), record.turn

        def decide(stands: Record) -> Commit | None:
            return investigation.given_up(stands, number, outcome=outcome, reason=reason, at=at)

        await self.investigations.apply(record.investigation_id, decide, entry=entry)

    async def _change(self, record: Record, decide: Callable[[Record], Commit | None]) -> None:
        await self.investigations.apply(record.investigation_id, decide)

    def _seconds(self, prepared: Prepared) -> float:
        """How long the call may take. Raises Unavailable when there is no time left."""
        record, now = prepared.record, prepared.now
        if not prepared.request.concludes:
            left = (record.conclude_at - now).total_seconds()
            return min(self.rules.model_seconds, left)
        margin = (record.deadline_at - record.conclude_at) / 20
        left = (record.deadline_at - margin - now).total_seconds()
        if left <= 0:
            raise Unavailable("the deadline is here", retry_in_seconds=margin.total_seconds())
        return left


def _count(answer: Answer, model: str) -> None:
    usage, labels = answer.reply.usage, {"model": answer.reply.asked or model}
    metrics.TURNS.add(1, labels)
    if answer.cost_usd is None:
        metrics.UNPRICED.add(1, labels)
    else:
        metrics.COST_USD.add(answer.cost_usd, labels)
    for kind, tokens in (
        ("input", usage.input_tokens),
        ("cache read", usage.cache_read_tokens),
        ("cache write", usage.cache_write_tokens),
        ("output", usage.output_tokens),
    ):
        metrics.TOKENS.add(tokens, {**labels, "kind": kind})
