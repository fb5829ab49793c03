"""What the toolrunner does with the one event it reads."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from opentelemetry.trace import Span, Status, StatusCode

from bus import metrics
from bus.cleaning import clean
from bus.commits import Investigations
from bus.envelope import Entry
from bus.errors import ToolFailed
from bus.events import ToolCallRequested
from bus.record import Record
from bus.results import NoRoom, Result, Results
from bus.tracing import Tracing
from services.toolrunner.audit import AuditChain
from services.toolrunner.catalogue import Catalogue
from services.toolrunner.policy import Gate
from services.toolrunner.ports import SchemaCheck, ToolServers
from services.toolrunner.result_pages import READ_RESULT
from services.toolrunner.settings import Settings
from services.toolrunner.showing import Showing
from services.toolrunner.tool_call import Answer, Judged, failed, finished, judge, why_not


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
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool,
                "gen_ai.tool.call.id": call.tool_call_id,
                "nightshift.incident.id": call.investigation_id,
            },
        ) as span:
            await self._run(call, entry, span=span)

    async def _run(self, call: ToolCallRequested, entry: Entry, *, span: Span) -> None:
        inv, call_id = call.investigation_id, call.tool_call_id
        record = await self.investigations.read(inv)
        if record is None:
            return
        offer = await self.pinned(record.catalogue)
        judged = judge(call, offer, gate=self.gate, check=self.check)
        _tell_decision(judged, span)
        start = await self.results.start(inv, call_id, by=self.settings.consumer)
        span.set_attribute("nightshift.call", start)
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
        _tell_outcome(judged, answer, span=span)

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
                check=entry.check_held,
                read_only=judged.read_only,
            )
            return await self.showing.answer(judged.tool, text, repeated=repeated)
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


def _tell_decision(judged: Judged, span: Span) -> None:
    span.set_attribute("nightshift.policy.decision", judged.decision.verdict)
    span.set_attribute("nightshift.policy.reason", judged.decision.reason[:500])


def _tell_outcome(judged: Judged, answer: Answer, *, span: Span) -> None:
    span.set_attribute("nightshift.outcome", answer.outcome)
    if not answer.ok:
        span.set_attribute("error.type", f"tool_{answer.outcome}")
        span.set_status(Status(StatusCode.ERROR, answer.outcome))
    # A name that the model made up is no label: it would make a new series each time.
    tool = judged.tool if judged.offered else "unknown"
    metrics.DECISIONS.add(1, {"verdict": judged.decision.verdict, "tool": tool})
    metrics.TOOL_CALLS.add(1, {"tool": tool, "outcome": answer.outcome})
