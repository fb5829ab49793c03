"""Recent roll-outs in Redis, for the first message of an investigation: looked up all the time.

A call like any other, by policy and with an audit entry, but for no investigation: an alarm must
not wait for it. One replica makes it for all.
"""

import asyncio
import json
import logging
import math
from dataclasses import dataclass

from redis.exceptions import RedisError

from bus.errors import ToolFailed, Unavailable
from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.adapters.redis_catalogue import PublishedCatalogue
from services.toolrunner.audit import AuditChain
from services.toolrunner.judging import Judged, judge
from services.toolrunner.policy import Facts
from services.toolrunner.rollouts import TOOL, recent
from services.toolrunner.settings import Settings
from services.toolrunner.tool_call import Answer, answered, failed

log = logging.getLogger(__name__)
NOBODYS = InvestigationId("rollouts")
"""Stands in the audit entries of these calls, which belong to no investigation."""
KEPT_SECONDS = 600
SHOWN_CHARACTERS = 2_000


@dataclass
class RecentRollouts:
    """Keeps `rollouts` in Redis up to date, as JSON with `at` and `text`."""

    catalogue: PublishedCatalogue
    audit: AuditChain
    settings: Settings
    _calls: int = 0

    async def keep(self) -> None:
        """Look again and again; what goes wrong is logged, and leaves incidents alone."""
        every = self.settings.rollouts_seconds
        while every and self.settings.scope.namespaces:
            try:
                await self.look()
            except (RedisError, OSError, Unavailable) as error:
                log.info("recent roll-outs are not known: %s", error)
            await asyncio.sleep(every if self.catalogue.current else 1.0)

    async def look(self) -> None:
        """What was rolled out lately stands in Redis, unless another replica has just looked."""
        offered = self.catalogue.current
        if offered is None or TOOL not in offered.schemas:
            return
        bus = self.catalogue.bus
        prefix, redis = bus.keys.prefix, bus.redis
        apart = round(900 * self.settings.rollouts_seconds)
        if not await redis.set(f"{prefix}rollouts:turn", "", px=max(apart, 1), nx=True):
            return
        at = await bus.investigations.now()
        told = [await self._told(namespace) for namespace in self.settings.scope.namespaces]
        text = "\n".join(part for part in told if part)
        value = json.dumps({"at": at.isoformat(timespec="seconds"), "text": text})
        await redis.set(f"{prefix}rollouts", value, ex=KEPT_SECONDS)

    async def _told(self, namespace: str) -> str:
        self._calls += 1
        call = ToolCallRequested(
            investigation_id=NOBODYS,
            tool_call_id=ToolCallId(f"0-{self._calls}"),
            turn=0,
            tool=TOOL,
            arguments={"namespace": namespace},
        )
        facts = Facts(calls_allowed=1, seconds_left=math.ceil(self.settings.tool_seconds))
        kept = self.catalogue
        judged = judge(call, await kept.pinned(""), gate=kept.gate, check=kept.check, facts=facts)
        if judged.decision.refuses:
            log.info("roll-outs of %s are not told: %s", namespace, judged.decision.reason)
            return ""
        answer = await self._answer(judged)
        async with self.audit.entry(call, judged, answer=answer) as audited:
            await kept.bus.publish(audited)
        return recent(namespace, answer.whole) if answer.ok else ""

    async def _answer(self, judged: Judged) -> Answer:
        try:
            text = await self.catalogue.servers.call(
                judged.tool,
                judged.arguments,
                seconds=self.settings.tool_seconds,
                check=self._may_leave,
                read_only=judged.read_only,
            )
        except ToolFailed as error:
            return failed(error)
        shown = SHOWN_CHARACTERS
        return await asyncio.to_thread(
            answered, judged.tool, text, shown_characters=shown, repeated=False
        )

    def _may_leave(self) -> float:
        if why := self.catalogue.gate.stopped():
            raise Unavailable(why, retry_in_seconds=0)
        return math.inf
