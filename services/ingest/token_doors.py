"""`POST /triggers/alertmanager` and `POST /triggers/logs`: whoever has the token is let in.

A sender is told 503 as long as anything of what it sent is not written, and sends all of it again;
what was written already is a duplicate then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import ValidationError

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest import alertmanager, firehose, log_batch
from services.ingest.access import bearer, is_known
from services.ingest.handlers import Triggers
from services.ingest.posting import Answer, Headers, Limits, Posted, one, plain_refusal, taken
from services.ingest.progress import Step
from services.ingest.set_aside import MOST_AN_HOUR, tell_lost
from services.ingest.strict_json import document
from services.ingest.trigger import Decision, Found, Unreadable

MEBIBYTE = 1024 * 1024
AT_ONCE = 16
ALERTS = Limits(4 * MEBIBYTE, ("application/json",), 24 * MEBIBYTE)
LOGS = Limits(16 * MEBIBYTE, ("application/json",), 48 * MEBIBYTE, gzip=True)
ALERTS_DOOR, LOGS_DOOR = "Alertmanager's door", "the log door"
PACKED = MEBIBYTE
"""So long a packed record counts as, to be read in a thread: what is inside may be longer."""
_GZIP, _ZLIB = b"\x1f\x8b", b"\x78"


@dataclass(frozen=True)
class AlertmanagerDoor:
    """Alertmanager's webhook, version 4. It gives up on a 4xx, so what is unreadable is kept."""

    triggers: Triggers
    tokens: Sequence[str]
    path: str = "/triggers/alertmanager"
    limits: Limits = ALERTS

    def turned_away(self, headers: Headers) -> str:
        """Whoever has no token."""
        given = bearer(headers.get("authorization", ()))
        return "" if is_known(given, self.tokens) else "the bearer token is missing or unknown"

    async def lost(self, reason: str) -> None:
        """A person knows: Alertmanager gives up on it. Raises Unavailable."""
        said = f"{reason}: send smaller groups (`max_alerts`, docs/triggers.md)"
        await _lost(self.triggers, said, door=ALERTS_DOOR)

    def refusal(self, status: int, reason: str, *, headers: Headers) -> Answer:
        """A refusal with its reason."""
        return plain_refusal(status, reason)

    async def take(self, posted: Posted) -> Answer:
        """Every alert has had its effect, once; those that cannot be read are set aside.

        Raises Rejected when none can be read, and Unavailable.
        """
        await self.triggers.fingerprints.ready()
        try:
            parts = await self.triggers.readings.read(
                partial(_alerts, posted.body), size=len(posted.body), asking=posted.asking
            )
        except (Rejected, ValidationError) as error:
            parts = [Unreadable(_in_short(error))]
        reasons = [part.reason for part in parts if isinstance(part, Unreadable)]
        found = [part for part in parts if not isinstance(part, Unreadable)]
        is_durable = await self._set_aside(posted.body, reasons)
        if not found:
            raise Rejected(reasons[0])
        decisions = await _take_all(self.triggers, found, posted=posted)
        answer = taken(decisions, unreadable=reasons, alerts=len(found))
        return replace(answer, durable=answer.durable and is_durable)

    async def _set_aside(self, body: bytes, reasons: Sequence[str]) -> bool:
        text, reason = body.decode("utf-8", "replace"), "; ".join(reasons)[:200]
        return not reason or await _aside(self.triggers, text, reason=reason, door=ALERTS_DOOR)


@dataclass(frozen=True)
class LogsDoor:
    """Log subscriptions through Amazon Data Firehose, which keeps what is not taken."""

    triggers: Triggers
    tokens: Sequence[str]
    path: str = "/triggers/logs"
    limits: Limits = LOGS

    def turned_away(self, headers: Headers) -> str:
        """Whoever has no access key."""
        given = one(headers, "x-amz-firehose-access-key")
        return "" if is_known(given, self.tokens) else "the access key is missing or unknown"

    async def lost(self, reason: str) -> None:
        """A person knows: Firehose only keeps it. Raises Unavailable."""
        await _lost(self.triggers, f"{reason}: let Firehose buffer less", door=LOGS_DOOR)

    def refusal(self, status: int, reason: str, *, headers: Headers) -> Answer:
        """A refusal that Firehose shows in its own error log."""
        request_id = firehose.known_id(one(headers, "x-amz-firehose-request-id"))
        return Answer(status, {"requestId": request_id, "timestamp": 0, "errorMessage": reason})

    async def take(self, posted: Posted) -> Answer:
        """Every record has had its effect, once; one that cannot be read is set aside alone."""
        await self.triggers.fingerprints.ready()
        request_id = one(posted.headers, "x-amz-firehose-request-id")
        delivery = await self.triggers.readings.read(
            lambda _: firehose.read(posted.body, request_id=request_id),
            size=len(posted.body),
            asking=posted.asking,
        )
        durable = [await self._on_record(record, posted) for record in delivery.records]
        now = await self.triggers.fingerprints.now()
        fields = {"requestId": delivery.request_id, "timestamp": int(now.timestamp() * 1000)}
        return Answer(200, fields, durable=all(durable))

    async def _on_record(self, record: bytes, posted: Posted) -> bool:
        posted.asking.on_progress()
        try:
            found = await self.triggers.readings.read(
                partial(_logs, record), size=PACKED, asking=posted.asking
            )
        except (Rejected, ValidationError) as error:
            reason = _in_short(error)
            return await _aside(self.triggers, _shown(record), reason=reason, door=LOGS_DOOR)
        decisions = await _take_all(self.triggers, found, posted=posted)
        return all(decision.durable for decision in decisions)


def _alerts(body: bytes, step: Step) -> Sequence[Found | Unreadable]:
    found = document(body)
    step()
    return alertmanager.read(found, clean=clean, step=step)


def _logs(record: bytes, step: Step) -> Sequence[Found]:
    return log_batch.read(record, clean=clean, step=step)


async def _aside(triggers: Triggers, body: str, *, reason: str, door: str) -> bool:
    """It was set aside; whether that is on disk already. Raises Unavailable."""
    what = f"What came to {door} could not be read"
    return (await triggers.set_aside(body, reason, what=what, most=MOST_AN_HOUR)).durable


async def _lost(triggers: Triggers, reason: str, *, door: str) -> None:
    what = f"What came to {door} was refused, and nothing of it was read"
    await tell_lost(triggers.fingerprints, reason=reason, what=what)


async def _take_all(
    triggers: Triggers, found: Sequence[Found], *, posted: Posted
) -> Sequence[Decision]:
    """All of it has had its effect; raises Unavailable if not."""
    room = asyncio.Semaphore(AT_ONCE)

    async def take(each: Found) -> Decision:
        async with room:
            decision = await triggers.take(each)
            posted.asking.on_progress()
            return decision

    done = await asyncio.gather(*map(take, found), return_exceptions=True)
    for failure in done:
        if isinstance(failure, BaseException):
            raise failure
    return [each for each in done if isinstance(each, Decision)]


def _in_short(error: Exception) -> str:
    """What is wrong, without what was sent."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    return str(error)[:200]


def _shown(record: bytes) -> str:
    """The record as text; packed bytes cannot be cleaned, so they are only counted."""
    if record.startswith((_GZIP, _ZLIB)):
        return f"({len(record)} packed bytes, left out)"
    return record.decode("utf-8", "replace")
