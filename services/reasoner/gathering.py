"""What a request is built from, read from Redis anew for each turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bus.commits import Investigations
from bus.record import Record
from bus.results import Results
from services.reasoner import caching, turn
from services.reasoner.earlier import earlier_text
from services.reasoner.ports import Memory
from services.reasoner.rules import Rules
from services.reasoner.transcript import Block
from services.reasoner.turn import Request, Seen


@dataclass(frozen=True)
class Gathering:
    """Builds requests; it changes nothing but what is remembered of the first one."""

    investigations: Investigations
    results: Results
    memory: Memory
    rules: Rules

    async def request(self, record: Record, tools: Sequence[Block], *, now: datetime) -> Request:
        """The request of the due turn, and what the turn before says about the cache."""
        inv, rules = record.investigation_id, self.rules
        transcript = await self.investigations.transcript(inv)
        asked = [call.tool_call_id for call in record.calls_of(record.turn - 1)]
        kept = {} if transcript else await self.memory.earlier(record.incident.fingerprint)
        rollouts = {} if transcript else await self.memory.rollouts()
        seen = Seen(
            transcript=transcript,
            shown=await self.results.shown(inv, asked if transcript else None),
            tools=(*tools, rules.submit),
            services=rules.services,
            earlier=earlier_text(kept),
            rollouts=rollouts,
        )
        request = turn.build(record, seen, texts=rules.texts, limits=rules.limits)
        sent = len(request.history) + 1
        before = caching.before(record, prompt=request.prompt, messages=sent, now=now)
        return replace(request, before=before, hour=await self._hour(record, request))

    async def _hour(self, record: Record, request: Request) -> bool:
        """Whether tools and system are held for an hour; decided by the first turn for all."""
        noted = record.notes.get(caching.CACHE_HOUR)
        if noted or self.rules.cache_hour != "auto":
            return noted == "1h" if noted else self.rules.cache_hour == "on"
        return await self.memory.used_within_hour(request.prompt, record.investigation_id)
