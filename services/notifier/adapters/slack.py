"""The incidents' channel in Slack: what is posted there, edited, deleted and looked up."""

import hashlib
import logging
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bus.port import Bus
from services.notifier.adapters.redis_pace import RedisPace
from services.notifier.adapters.slack_calls import SlackCalls
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.ports import NOTICE, MessageGone, MessageLocked, NotAllowed
from services.notifier.settings import Settings
from services.notifier.stop import Place

log = logging.getLogger(__name__)

EVENT_TYPE = "nightshift_incident"
NOTICE_TYPE = "nightshift_notice"
CLOCK_SKEW_SECONDS = 300
"""Slack's clock and ours may differ by that much."""
PAGES = 20
SLACK_TIMEOUT_SECONDS = 10.0
LEASE_SHARE = 0.3
"""A turn holds up to three calls of Slack, so one may take no more than this share of the lease."""


@dataclass
class SlackChannel:
    """Slack, as `ports.Sink` says; `channel` is the default one."""

    calls: SlackCalls
    channel: str

    @property
    def timeout_seconds(self) -> float:
        """How long one call takes at most."""
        return self.calls.timeout_seconds

    async def problem(self) -> str:
        """What keeps messages from being written, for `/readyz`; empty when nothing is known."""
        return self.calls.problem()

    async def introduce(self) -> None:
        """A wrong token shows before the first incident, and its end too."""
        await self.calls.introduce()

    async def post(
        self,
        card: Card,
        incident_id: str = "",
        *,
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place:
        """A new message; with an id it can be found by that."""
        arguments = content(card) | {"unfurl_links": False, "unfurl_media": False}
        if incident_id:
            arguments["metadata"] = _metadata(incident_id)
        waiter = incident_id or _short(card.text)
        arguments["channel"] = channel or self.channel
        answer = await self.calls.call(
            "chat.postMessage", urgency=urgency, waiter=waiter, **arguments
        )
        at, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(at, str) and at and isinstance(ts, str) and ts):
            raise self.calls.no_answer(
                "Slack's answer to chat.postMessage does not say where it stands"
            )
        return Place(channel=at, ts=ts)

    async def edit(
        self, place: Place, card: Card, *, incident_id: str, urgency: Urgency = "progress"
    ) -> None:
        """The message says what the card says and nothing of what it said before."""
        arguments = content(card) | {"metadata": _metadata(incident_id)}
        spot = {"channel": place.channel, "ts": place.ts}
        await self.calls.call(
            "chat.update", urgency=urgency, waiter=incident_id, **spot, **arguments
        )

    async def remove(self, place: Place, *, urgency: Urgency = "details") -> bool:
        """Whether nothing stands there any more; what Slack does not let us delete stays."""
        spot = {"channel": place.channel, "ts": place.ts}
        try:
            await self.calls.call("chat.delete", urgency=urgency, waiter=place.ts, **spot)
        except MessageGone:
            return True
        except MessageLocked as error:
            log.warning("Slack answers %s to the deletion of %s", error, place.ts)
            return False
        return True

    async def find(
        self,
        incident_id: str,
        since: datetime,
        *,
        but: Collection[str] = (),
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place | None:
        """Where in that channel its message stands, if posted after that time and not `but` there.

        A token that may not read the channel finds nothing: a second message is better than none.
        """
        try:
            at, most = channel or self.channel, 1 + len(but)
            found = await self._search(incident_id, since, channel=at, most=most, urgency=urgency)
        except NotAllowed:
            return None
        return next((place for place in found if place.ts not in but), None)

    async def others(self, incident_id: str, since: datetime, *, but: Place) -> list[Place]:
        """Where the incident's messages stand that are not the one at that place."""
        found = await self._search(
            incident_id, since, channel=but.channel, most=PAGES, urgency="details"
        )
        return [place for place in found if place.ts != but.ts]

    async def _search(
        self, incident_id: str, since: datetime, *, channel: str, most: int, urgency: Urgency
    ) -> list[Place]:
        oldest = f"{since.timestamp() - CLOCK_SKEW_SECONDS:.6f}"
        cursor, found = "", list[Place]()
        for _ in range(PAGES):
            answer = await self.calls.call(
                "conversations.history",
                urgency=urgency,
                waiter=incident_id,
                channel=channel,
                oldest=oldest,
                include_all_metadata=True,
                limit=200,
                cursor=cursor or None,
            )
            messages = answer.get("messages")
            if not isinstance(messages, list):
                raise self.calls.no_answer(
                    "Slack's answer to conversations.history holds no messages"
                )
            stamps = (str(said["ts"]) for said in messages if _is_of(said, incident_id))
            found += [Place(channel=channel, ts=ts) for ts in stamps]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor or len(found) >= most:
                break
        return found


def slack_channel(settings: Settings, bus: Bus) -> SlackChannel:
    """The channel that the settings name, with the SDK's own retries switched off."""
    timeout_seconds = min(SLACK_TIMEOUT_SECONDS, LEASE_SHARE * settings.lease_seconds)
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=math.ceil(timeout_seconds),
        retry_handlers=[],
    )
    pace = RedisPace(bus.redis, bus.keys, settings.slack_pace)
    calls = SlackCalls(client, bus.tracing, timeout_seconds, pace, settings.slack_channel)
    return SlackChannel(calls, settings.slack_channel)


def content(card: Card) -> dict[str, Any]:
    """The card as arguments of a call: nothing in it is parsed, linked or mentioned."""
    return {"text": card.text, "blocks": list(card.blocks), "link_names": False, "parse": "none"}


def _metadata(incident_id: str) -> dict[str, Any]:
    if incident_id.startswith(NOTICE):
        return {"event_type": NOTICE_TYPE, "event_payload": {"notice_id": incident_id}}
    return {"event_type": EVENT_TYPE, "event_payload": {"incident_id": incident_id}}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_of(message: object, incident_id: str) -> bool:
    metadata = message.get("metadata") if isinstance(message, dict) and "ts" in message else None
    wanted = _metadata(incident_id)
    return isinstance(metadata, dict) and wanted == {name: metadata.get(name) for name in wanted}
