"""Notices: one sentence for a person, outside any incident's message, once for its key.

As with an incident's message, whoever comes after a writer that died, or got no answer, looks for
the notice before it posts one. What arrives later than that look-up is not taken back.
"""

import asyncio
import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass

from bus.commits import Investigations
from bus.errors import NightshiftError, Retryable, Unavailable
from bus.events import InvestigationId
from services.notifier.blocks import Card
from services.notifier.message import cleaned_text
from services.notifier.ports import (
    NOTICE,
    CardRefused,
    ChannelClosed,
    Notices,
    NoticeTurn,
    Sink,
    Unanswered,
)
from services.notifier.report import notice_card
from services.notifier.routing import Routes, moved, named_in

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoticeBoard:
    """Posts notices: where the key names an incident or a service, in its channel."""

    investigations: Investigations
    slack: Sink
    notices: Notices
    routes: Routes

    async def tell(self, text: str, key: str) -> None:
        """The sentence stands in its channel; the same key within an hour stands there once."""
        notice_id = id_of(key)
        turn = await self.notices.claim(notice_id, channel=await self._channel(key))
        if turn is None:
            return
        card = notice_card(cleaned_text(text))
        try:
            await self._post(notice_id, card, turn=turn)
        except (Unanswered, asyncio.CancelledError):
            await self.notices.failed(notice_id, turn, known=False)
            raise
        except Retryable:
            await self.notices.failed(notice_id, turn, known=True)
            raise
        await self.notices.posted(notice_id, turn)

    async def _post(self, notice_id: str, card: Card, *, turn: NoticeTurn) -> None:
        try:
            if await self._stands(notice_id, turn):
                return
            self._check(turn)
            await self._send(card, notice_id, turn=turn, channel=turn.channel)
        except ChannelClosed as error:
            if turn.channel == self.routes.default:
                raise
            log.error("a notice goes to the default channel: %s", error)
            await self.notices.moved(notice_id, turn, channel=self.routes.default)
            self._check(turn)
            card = moved(card, turn.channel)
            await self._send(card, notice_id, turn=turn, channel=self.routes.default)

    async def _send(self, card: Card, notice_id: str, *, turn: NoticeTurn, channel: str) -> None:
        try:
            await self.slack.post(card, notice_id, channel=channel)
        except CardRefused as error:
            if card.plainer is None:
                raise
            log.error("a notice goes out as plain text: %s", error)
            self._check(turn)
            await self._send(card.plainer, notice_id, turn=turn, channel=channel)

    async def _stands(self, notice_id: str, turn: NoticeTurn) -> bool:
        if not turn.doubt:
            return False
        self._check(turn)
        found = await self.slack.find(notice_id, turn.since, channel=turn.channel)
        return found is not None

    async def _channel(self, key: str) -> str:
        kind, name = named_in(key)
        if kind == "service":
            return self.routes.channel_of_service(name)
        if kind == "incident":
            # One that cannot be read, which may be what the notice is about, has no channel.
            with suppress(NightshiftError, ValueError):
                record = await self.investigations.read(InvestigationId(name))
                return self.routes.channel_of(record) if record else self.routes.default
        return self.routes.default

    def _check(self, turn: NoticeTurn) -> None:
        left = turn.ends_at - asyncio.get_running_loop().time()
        if left < self.slack.timeout_seconds:
            raise Unavailable("the turn to post is nearly over", retry_in_seconds=1)


def id_of(key: str) -> str:
    """The id by which a notice's message is found."""
    return NOTICE + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
