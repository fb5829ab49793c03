"""What the toolrunner does with the one event it reads."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from opentelemetry.trace import Span

from bus import conventions as names
from bus import metrics
from bus.cleaning import clean
from bus.commits import Investigations
from bus.envelope import Entry
from bus.errors import ToolFailed, Unavailable
from bus.events import ToolCallRequested
from bus.record import Record
from bus.results import NoRoom, Result, Results
from bus.tracing import Tracing
from services.toolrunner.audit import AuditChain
from services.toolrunner.call_budget import facts_about
from services.toolrunner.catalogue import Catalogue
from services.toolrunner.judging import Judged, judge
from services.toolrunner.policy import Facts, Gate
from services.toolrunner.ports import SchemaCheck, ToolServers
from services.toolrunner.result_pages import READ_RESULT
from services.toolrunner.settings import Settings
from services.toolrunner.showing import Showing
from services.toolrunner.telling import attributes_of, span_id_of, tell_decision, tell_outcome
from services.toolrunner.tool_call import Answer, failed, finished, why_not


@dataclass
class Handlers:
    """Runs tool calls; `pinned` gives a published catalogue by its hash."""

    settings: Settings
    investigations: Investigations
    results: Results
    tracing: Tracing
    gate: Gate
    check: SchemaCheck
    servers: ToolServers
    pinned: Callable[[str], Awaitable[Catalogue]]
    audit: AuditChain
    showing: Showing

    async def on_tool_call_requested(self, call: ToolCallRequested, entry: Entry) -> None:
        """The call has its result, told and audited; or it had, or may not be made any more."""
        tool = clean(call.tool)[:64]
        with self.tracing.span(
            f"execute_tool {tool}",
            span_id=span_id_of(call),
            attributes=attributes_of(call, tool),
        ) as span:
            await self._run(call, entry, span=span)

    async def _run(self, call: ToolCallRequested, entry: Entry, *, span: Span) -> None:
        inv, call_id = call.investigation_id, call.tool_call_id
        record = await self.investigations.read(inv)
        if record is None:
            return
        offer = await self.pinned(record.catalogue)
        facts = await self._facts(record, call_id)
        judged = judge(call, offer, gate=self.gate, check=self.check, facts=facts)
        tell_decision(judged, span)
        start = await self.results.start(inv, call_id, by=self.settings.consumer)
        span.set_attribute(names.CALL, start)
        if start in ("ended", "closed"):
            return
        stored = await self.results.read(inv, call_id) if start == "stored" else None
        if stored is not None:
            outcome: Literal["executed", "failed"] = "executed" if stored.ok else "failed"
            answer = Answer(outcome, stored.shown, stored.whole, stored.redactions)
            await self.results.store(finished(call, answer), stored, audited=None, entry=entry)
            return
        repeated = start != "first"
        withheld = why_not(judged, offer, repeated=repeated)
        answer = withheld or await self._answer(record, judged, entry=entry, repeated=repeated)
        await self._store(call, judged, answer=answer, entry=entry)
        tell_outcome(answer, span)
        verdict = {"verdict": judged.decision.verdict, "tool": judged.label}
        metrics.DECISIONS.add(1, verdict)
        metrics.TOOL_CALLS.add(1, {"tool": judged.label, "outcome": answer.outcome})

    async def _facts(self, record: Record, call_id: str) -> Facts:
        return facts_about(
            record,
            call_id,
            started=await self.results.started(record.investigation_id),
            allowed=self.settings.max_tool_calls,
            now=await self.investigations.now(),
        )

    def _may_leave(self, entry: Entry) -> float:
        """Asked right before a request leaves: a call may have waited since it was judged."""
        if why := self.gate.stopped():
            raise Unavailable(why, retry_in_seconds=0)
        return entry.check_held()

    async def _answer(
        self, record: Record, judged: Judged, *, entry: Entry, repeated: bool
    ) -> Answer:
        started = time.monotonic()
        try:
            if judged.tool == READ_RESULT:
                inv = record.investigation_id
                return await self.showing.page(inv, judged, repeated=repeated)
            left = (record.deadline_at - await self.investigations.now()).total_seconds()
            if left <= 0:
                raise ToolFailed("no time is left before the deadline; nothing was read")
            seconds = min(self.settings.tool_seconds, left)
            text = await self.servers.call(
                judged.tool,
                judged.arguments,
                seconds=seconds,
                check=lambda: self._may_leave(entry),
                read_only=judged.read_only,
            )
            until = started + seconds
            return await self.showing.answer(judged.tool, text, repeated=repeated, until=until)
        except ToolFailed as error:
            return failed(error)
        finally:
            metrics.TOOL_SECONDS.record(time.monotonic() - started, {"tool": judged.tool})

    async def _store(
        self, call: ToolCallRequested, judged: Judged, *, answer: Answer, entry: Entry
    ) -> None:
        facts = {"ok": answer.ok, "tool": call.tool, "redactions": answer.redactions}
        result = Result.model_validate({"whole": answer.whole, "shown": answer.shown, **facts})
        try:
            async with self.audit.entry(call, judged, answer=answer) as audited:
                told = finished(call, answer)
                await self.results.store(told, result, audited=audited, entry=entry)
        except NoRoom as error:
            # Calls at the same time share what room is left, so there may be less again.
            less = await self.showing.smaller(answer, judged.tool, room=int(error.args[0]))
            await self._store(call, judged, answer=less, entry=entry)
