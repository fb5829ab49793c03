"""The thread of a message, in Slack: replies that are found by metadata, files that are by id.

A file is announced and sent before anybody sees it; only sharing it, once, shows it. So the first
two steps may be done again, and the third is looked for first.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import aiohttp

from bus.errors import Unavailable
from services.notifier.adapters.slack import PAGES, SlackChannel, content
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.ports import MessageGone, Unanswered
from services.notifier.stop import Place
from services.notifier.thread_ports import NoFiles, Reply

log = logging.getLogger(__name__)
EVENT_TYPE = "nightshift_detail"


@dataclass
class SlackThread:
    """Threads of one channel, as `thread_ports.ThreadSlack` says."""

    channel: SlackChannel
    _told: bool = False

    @property
    def timeout_seconds(self) -> float:
        """How long one call takes at most."""
        return self.channel.timeout_seconds

    async def reply(
        self, place: Place, card: Card, *, key: str, incident_id: str, urgency: Urgency
    ) -> str:
        """The `ts` of a new message in the thread.

        Slack may put a reply into the channel whose message was deleted meanwhile: taken back.
        """
        answer = await self.channel.calls.call(
            "chat.postMessage",
            urgency=urgency,
            waiter=f"{incident_id}:{key}",
            channel=place.channel,
            thread_ts=place.ts,
            metadata=_metadata(incident_id, key),
            unfurl_links=False,
            unfurl_media=False,
            **content(card),
        )
        ts = str(answer["ts"])
        if (stood := answer.get("message")) and stood.get("thread_ts") != place.ts:
            await self.remove(Place(channel=place.channel, ts=ts))
            raise MessageGone("the reply stood in no thread")
        return ts

    async def send_file(self, name: str, text: str, *, urgency: Urgency) -> str:
        """The id of a file that Slack has and nobody sees; doing it again does no harm."""
        body = text.encode("utf-8", "replace")
        try:
            announced = await self.channel.calls.call(
                "files.getUploadURLExternal",
                urgency=urgency,
                waiter=name,
                filename=name,
                length=len(body),
            )
        except NoFiles as error:
            if not self._told:
                log.warning("details that are too long are shortened, %s: see files:write", error)
            self._told = True
            raise
        except Unanswered as error:
            raise Unavailable(str(error), retry_in_seconds=error.retry_in_seconds) from None
        await self._send(str(announced["upload_url"]), body)
        return str(announced["file_id"])

    async def share(self, place: Place, file_id: str, *, title: str, urgency: Urgency) -> None:
        """The file stands in the thread, as a message without words."""
        await self.channel.calls.call(
            "files.completeUploadExternal",
            urgency=urgency,
            waiter=file_id,
            files=[{"id": file_id, "title": title}],
            channel_id=place.channel,
            thread_ts=place.ts,
        )

    async def replies(self, place: Place) -> list[Reply]:
        """The details and files in the thread, oldest first."""
        cursor, found = "", list[Reply]()
        for _ in range(PAGES):
            answer = await self.channel.calls.call(
                "conversations.replies",
                urgency="details",
                waiter=place.ts,
                channel=place.channel,
                ts=place.ts,
                include_all_metadata=True,
                limit=200,
                cursor=cursor or None,
            )
            found += [_reply(said) for said in answer.get("messages") or []]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return [reply for reply in found if reply.ts != place.ts and (reply.key or reply.files)]

    async def remove(self, place: Place) -> bool:
        """Whether no message stands at that place any more."""
        return await self.channel.remove(place)

    async def _send(self, url: str, body: bytes) -> None:
        try:
            async with (
                asyncio.timeout(self.timeout_seconds),
                aiohttp.ClientSession() as session,
                session.post(url, data=body, proxy=self.channel.calls.client.proxy) as answer,
            ):
                if answer.status != 200:
                    raise Unavailable(f"Slack answers {answer.status} to the bytes of a file")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"the bytes of a file were not sent: {reason}") from None


def _metadata(incident_id: str, key: str) -> dict[str, Any]:
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"incident_id": incident_id, "detail": key},
    }


def _reply(said: dict[str, Any]) -> Reply:
    metadata = said.get("metadata") or {}
    mine = metadata.get("event_type") == EVENT_TYPE
    key = (metadata.get("event_payload") or {}).get("detail") if mine else ""
    files = tuple(str(file.get("id")) for file in said.get("files") or [])
    return Reply(ts=str(said["ts"]), key=str(key or ""), files=files)
