"""From the queue and back: receive, hand on, delete once what was written is durable."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from bus.errors import Unavailable
from services.ingest.handlers import Triggers
from services.ingest.ports import Queue, QueueMessage

log = logging.getLogger(__name__)
EVERYSEC_SECONDS = 2.0
"""After this an append-only file that is synced every second holds what was appended."""
DELETE_AT_ONCE = 10
LONGEST_BACK_OFF_SECONDS = 5.0


@dataclass
class Intake:
    """The two loops of ingest. Neither ends by itself, whatever SQS and Redis do."""

    queue: Queue
    triggers: Triggers
    keep_every_seconds: float = 20.0
    """How often a message that is still being handled is kept hidden."""
    trouble: str = ""
    """What keeps alarms from coming in, in a sentence; empty while they do."""
    was_empty: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the queue had nothing more to give."""
    _back_off_seconds: float = 0.0
    _handled: asyncio.PriorityQueue[tuple[float, str]] = field(
        default_factory=asyncio.PriorityQueue
    )

    async def receive_forever(self) -> None:
        """Messages are taken from the queue as they come, until cancelled."""
        while True:
            try:
                # A message received while Redis is away only comes nearer to the redrive limit.
                await self.triggers.fingerprints.ready()
                messages = await self.queue.receive()
            except Unavailable as error:
                await self._wait_after(error)
                continue
            self._note_recovery()
            if not messages:
                self.was_empty.set()
            failures = await asyncio.gather(*map(self._take_in_order, _groups(messages)))
            for failure in failures:
                if failure is not None:
                    await self._wait_after(failure)
                    break

    async def delete_forever(self) -> None:
        """What was handled is deleted, no sooner than it is durable, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due, receipt = await self._handled.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            batch = [receipt, *self._also_due(loop.time())]
            try:
                # Redis may have come back without what was written: then the queue has the rest.
                await self.triggers.fingerprints.kept()
                await self.queue.delete(batch)
            except Unavailable as error:
                log.warning("%d handled messages could not be deleted yet: %s", len(batch), error)
                self._delete_later(batch, error.retry_in_seconds)

    async def check(self) -> str:
        """For readiness: what is wrong, in a sentence, or nothing."""
        return self.trouble

    async def _take_in_order(self, messages: Sequence[QueueMessage]) -> Unavailable | None:
        """Messages of one group, one after another; behind one that failed none is taken.

        What is not handled when the service stops is handed back at once.
        """
        for at, message in enumerate(messages):
            try:
                await self._take(message)
            except Unavailable as error:
                await self._release(messages[at:])
                return error
            except asyncio.CancelledError:
                await self._release(messages[at:], at_once=True)
                raise
        return None

    async def _take(self, message: QueueMessage) -> None:
        keeping = asyncio.create_task(self._keep_hidden(message))
        try:
            decisions = await self.triggers.on_body(message.body)
        finally:
            keeping.cancel()
        durable = all(decision.durable for decision in decisions)
        self._delete_later([message.receipt], 0.0 if durable else EVERYSEC_SECONDS)

    async def _keep_hidden(self, message: QueueMessage) -> None:
        """While a message is handled for long, no other replica gets it."""
        while True:
            await asyncio.sleep(self.keep_every_seconds)
            try:
                await self.queue.keep(message.receipt)
            except Unavailable as error:
                log.info("a message may show again while it is handled: %s", error)

    async def _release(self, messages: Sequence[QueueMessage], *, at_once: bool = False) -> None:
        for message in messages:
            try:
                await self.queue.release(message.receipt, at_once=at_once)
            except Unavailable as error:
                log.info("a message shows again only after its time: %s", error)

    def _delete_later(self, receipts: Sequence[str], seconds: float) -> None:
        due = asyncio.get_running_loop().time() + seconds
        for receipt in receipts:
            self._handled.put_nowait((due, receipt))

    def _also_due(self, now: float) -> list[str]:
        found: list[str] = []
        while len(found) < DELETE_AT_ONCE - 1 and not self._handled.empty():
            due, receipt = self._handled.get_nowait()
            if due > now:
                self._handled.put_nowait((due, receipt))
                break
            found.append(receipt)
        return found

    async def _wait_after(self, error: Unavailable) -> None:
        if not self.trouble:
            log.warning("no alarms come in: %s", error)
        self.trouble = str(error)
        doubled = max(error.retry_in_seconds, 2 * self._back_off_seconds)
        self._back_off_seconds = min(LONGEST_BACK_OFF_SECONDS, doubled)
        await asyncio.sleep(self._back_off_seconds)

    def _note_recovery(self) -> None:
        if self.trouble:
            log.info("alarms come in again")
        self.trouble, self._back_off_seconds = "", 0.0


def _groups(messages: Sequence[QueueMessage]) -> list[list[QueueMessage]]:
    """The messages, those of one group together and in their order."""
    found: dict[str, list[QueueMessage]] = {}
    for message in messages:
        found.setdefault(message.group or message.receipt, []).append(message)
    return list(found.values())
