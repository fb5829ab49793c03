"""A due turn, run: prepare, check the limits, reserve, ask the model, commit."""

import logging
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from bus import metrics
from bus.commits import Decide, Investigations
from bus.envelope import Entry, lease_clock
from bus.errors import Rejected, Unavailable
from bus.events import Outcome, TurnDue
from bus.record import Commit, Record
from bus.results import Results
from services.reasoner import budget, investigation, loops, measures
from services.reasoner.budget import Estimate
from services.reasoner.checking import Checking
from services.reasoner.gathering import Gathering
from services.reasoner.investigation import Answer
from services.reasoner.looking import Beside, SecondLooks
from services.reasoner.ports import (
    Catalogues,
    CutOff,
    DayBudget,
    Memory,
    Model,
    NoMemory,
    SaidNo,
    TooLong,
)
from services.reasoner.rules import Rules
from services.reasoner.second_look import Look
from services.reasoner.transcript import Reply
from services.reasoner.turn import Request

log = logging.getLogger(__name__)
NO_TOOLS = "no tool could be used: the toolrunner offered none"
LOST_TOOLS = "no tool could be used at the end: the list of tools was lost"
STALE_SECONDS = 1.0
"""After so long a record is read again before the model is asked."""


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
    memory: Memory = field(default_factory=NoMemory)
    second: SecondLooks | None = None
    """Who looks at an accepted diagnosis again; nobody where that is off."""

    async def run(self, due: TurnDue, entry: Entry) -> None:
        """The turn is committed, or had no effect any more; its entry is acknowledged.

        Raises Unavailable when it has to wait. A call that the clock cut off is made again.
        """
        while not entry.acknowledged:
            looked_at = lease_clock()
            record = await self.investigations.read(due.investigation_id)
            if record is None:
                raise Rejected("there is no record of this investigation")
            if not investigation.is_due(record, due.turn):
                await self.investigations.apply(due.investigation_id, lambda _: None, entry=entry)
                return
            prepared = await self._prepare(record)
            if prepared is not None:
                await self._ask(prepared, entry, looked_at=looked_at)

    async def _prepare(self, record: Record) -> Prepared | None:
        """The turn as it is to be asked; None when the record was changed first."""
        number = record.turn
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
        gathering = Gathering(self.investigations, self.results, self.memory, rules)
        request = await gathering.request(record, tools or (), now=now)
        if fold := request.due_fold(rules.limits.context_tokens):
            await self._change(record, partial(investigation.folded, turn=number, fold=fold))
            return None
        size = request.size(budget.bytes_per_token(record))
        estimate = rules.estimate(size)
        if not record.concluding:
            if change := self._held_up(record, request, estimate=estimate):
                await self._change(record, change)
                return None
            request = request.saying(budget.money_warnings(record, estimate, limits=rules.limits))
        gap = "" if tools is not None else LOST_TOOLS if record.catalogue else NO_TOOLS
        return Prepared(record=record, request=request, estimate=estimate, now=now, gap=gap)

    def _held_up(self, record: Record, request: Request, *, estimate: Estimate) -> Decide | None:
        """What has to change before an ordinary turn may be asked: the one check before each call.

        At a limit the turn becomes the conclude turn. A model that goes in circles is told so, and
        concludes where it goes on.
        """
        number = record.turn
        if limit := budget.limit_reached(record, estimate, limits=self.rules.limits):
            return lambda stands: investigation.concluding(stands, number, why=limit)
        what = loops.circle_in(record, request.kept)
        if what and loops.nudged_in(record)[0] != number:
            return lambda stands: investigation.circling(stands, number, what=what)
        return None

    async def _ask(self, prepared: Prepared, entry: Entry, *, looked_at: float) -> None:
        """Reserve, call, commit. Money for a call that may have been billed stays reserved."""
        record, request = prepared.record, prepared.request
        seconds = self._seconds(prepared)
        day = f"{prepared.now:%Y-%m-%d}"
        wanted = budget.reservation(
            record, prepared.estimate, limits=self.rules.limits, attempt=uuid.uuid4().hex[:8]
        )
        name = wanted.name
        if limit := await self.day_budget.reserve(day, wanted):
            await self._without_money(record, entry, limit=limit)
            return
        slow = lease_clock() - looked_at > STALE_SECONDS
        if (slow or request.is_torn) and not await self._is_due(record):
            # Waiting took so long that the turn is, or may be, somebody else's by now.
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
            await self._after_no(prepared, entry, error=error)
            return
        held = name if reply.usage.counted else ""  # else the worst case stands as spent
        answer = await self._answer(prepared, reply, day=day, reservation=held)
        answer = replace(answer, look=await self._second_look(answer, prepared, entry=entry))
        if not await self._commit(answer, entry, known=record):
            await self.day_budget.settle(day, held, spent_usd=answer.cost_usd or 0.0)

    async def _answer(
        self, prepared: Prepared, reply: Reply, *, day: str, reservation: str
    ) -> Answer:
        at = await self.investigations.now()
        checking = Checking(self.results, self.rules.service_names)
        past = prepared.request.history
        found = await checking.findings(prepared.record, reply, transcript=past)
        return Answer(
            request=prepared.request,
            reply=reply,
            cost_usd=self.rules.prices.cost_usd(reply.asked or self.rules.model, reply.usage),
            at=at,
            max_tool_calls=self.rules.limits.tool_calls,
            max_parallel_calls=self.rules.limits.parallel_calls,
            prompt_bytes=prepared.estimate.prompt_bytes,
            findings=found,
            gap=prepared.gap,
            spend_day=day,
            reservation=reservation,
        )

    async def _is_due(self, record: Record) -> bool:
        """Whether the turn still is; one read more, so only where it may not be."""
        stands = await self.investigations.read(record.investigation_id)
        return stands is not None and investigation.is_due(stands, record.turn)

    async def _second_look(
        self, answer: Answer, prepared: Prepared, *, entry: Entry
    ) -> Look | None:
        """What a second call says of the diagnosis that this reply ends with, if there is one.

        It is made before the commit, within the turn's time: a crash costs both calls.
        """
        ends = investigation.ends_with(prepared.record, answer) if self.second else None
        if self.second is None or ends is None:
            return None
        held_usd = prepared.estimate.call_usd
        return await self.second.look(
            investigation.with_reply(prepared.record, answer),
            ends,
            beside=Beside(answer.spend_day, answer.reservation, usd=held_usd),
            seconds=_left(prepared, answer.at),
            check=entry.check_held,
        )

    async def _commit(self, answer: Answer, entry: Entry, *, known: Record) -> bool:
        """Whether the reply was committed; otherwise the turn was no longer due."""
        taken = False

        def decide(stands: Record) -> Commit | None:
            nonlocal taken
            commit = investigation.after_reply(stands, answer)
            taken = commit is not None
            return commit

        inv = answer.request.investigation_id
        stands = await self.investigations.apply(inv, decide, entry=entry, known=known)
        taken = taken and stands is not None
        if taken:
            _count(answer, self.rules.model, record=known)
        return taken

    async def _after_no(self, prepared: Prepared, entry: Entry, *, error: SaidNo) -> None:
        """A prompt that is too long concludes with what fits; any other no is the end."""
        record = prepared.record
        number, full = record.turn, investigation.CONTEXT_WINDOW
        too_long = isinstance(error, TooLong)
        if too_long and not record.concluding:
            await self._change(record, lambda r: investigation.concluding(r, number, why=full))
            return
        if too_long and (fold := prepared.request.smaller_fold()):
            await self._change(record, partial(investigation.folded, turn=number, fold=fold))
            return
        inconclusive = too_long or record.concluding == full
        outcome: Outcome = "inconclusive" if inconclusive else "failed"
        await self._give_up(record, entry, outcome=outcome, reason=str(error))

    async def _without_money(self, record: Record, entry: Entry, *, limit: str) -> None:
        """The money is spent: conclude while that can be paid, else end."""
        if record.concluding:
            reason = f"limit reached: {limit}"
            await self._give_up(record, entry, outcome="out_of_budget", reason=reason)
            return
        number = record.turn
        await self._change(record, lambda r: investigation.concluding(r, number, why=limit))

    async def _give_up(
        self, record: Record, entry: Entry, *, outcome: Outcome, reason: str
    ) -> None:
        at, number = await self.investigations.now(), record.turn

        def decide(stands: Record) -> Commit | None:
            return investigation.given_up(stands, number, outcome=outcome, reason=reason, at=at)

        await self.investigations.apply(record.investigation_id, decide, entry=entry)

    async def _change(self, record: Record, decide: Decide) -> None:
        await self.investigations.apply(record.investigation_id, decide)

    def _seconds(self, prepared: Prepared) -> float:
        """How long the call may take. Raises Unavailable when there is no time left."""
        record, left = prepared.record, _left(prepared, prepared.now)
        if not prepared.request.concludes:
            return min(self.rules.model_seconds, left)
        if left <= 0:
            margin = (record.deadline_at - record.conclude_at) / 20
            raise Unavailable("the deadline is here", retry_in_seconds=margin.total_seconds())
        return left


def _left(prepared: Prepared, now: datetime) -> float:
    """Seconds until the conclude point, of a conclude turn until shortly before the deadline."""
    record = prepared.record
    margin = (record.deadline_at - record.conclude_at) / 20
    until = record.deadline_at - margin if prepared.request.concludes else record.conclude_at
    return (until - now).total_seconds()


def _count(answer: Answer, model: str, *, record: Record) -> None:
    labels = {"model": answer.reply.asked or model}
    metrics.TURNS.add(1, labels)
    if record.turn == 1:
        first = (answer.at - record.opened_at).total_seconds()
        measures.FIRST_LOOK_SECONDS.record(first)
    if answer.look:
        metrics.COST_USD.add(answer.look.cost_usd or 0.0, labels)
    if answer.cost_usd is None:
        metrics.UNPRICED.add(1, labels)
    else:
        metrics.COST_USD.add(answer.cost_usd, labels)
    for kind, tokens in answer.reply.usage.by_kind.items():
        metrics.TOKENS.add(tokens, {**labels, "kind": kind})
