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
from services.notifier.ports import MessageGone, MessageLocked, NotAllowed
from services.notifier.settings import Settings
from services.notifier.stop import Place

log = logging.getLogger(__name__)

EVENT_TYPE = "nightshift_incident"
CLOCK_SKEW_SECONDS = 300
"""Slack's clock and ours may differ by that much."""
PAGES = 20
SLACK_TIMEOUT_SECONDS = 10.0
LEASE_SHARE = 0.3
"""A turn holds up to three calls of Slack, so one may take no more than this share of the lease."""


@dataclass
class SlackChannel:
    """One channel, as `ports.Slack` says."""

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
        self, card: Card, incident_id: str = "", *, urgency: Urgency = "placeholder"
    ) -> Place:
        """A new message; with an incident's id it can be found by that."""
        arguments = _content(card) | {"unfurl_links": False, "unfurl_media": False}
        if incident_id:
            arguments["metadata"] = _metadata(incident_id)
        waiter = incident_id or _short(card.text)
        answer = await self.calls.call(
            "chat.postMessage", urgency=urgency, waiter=waiter, channel=self.channel, **arguments
        )
        channel, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(channel, str) and channel and isinstance(ts, str) and ts):
            raise self.calls.no_answer(
                "Slack's answer to chat.postMessage does not say where it stands"
            )
        return Place(channel=channel, ts=ts)

    async def edit(
        self, place: Place, card: Card, *, incident_id: str, urgency: Urgency = "progress"
    ) -> None:
        """The message says what the card says and nothing of what it said before."""
        arguments = _content(card) | {"metadata": _metadata(incident_id)}
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
        urgency: Urgency = "placeholder",
    ) -> Place | None:
        """Where the incident's message stands, if posted after that time and not `but` there.

        A token that may not read the channel finds nothing: a second message is better than none.
        """
        try:
            found = await self._search(incident_id, since, most=1 + len(but), urgency=urgency)
        except NotAllowed:
            return None
        return next((place for place in found if place.ts not in but), None)

    async def others(self, incident_id: str, since: datetime, *, but: Place) -> list[Place]:
        """Where the incident's messages stand that are not the one at that place."""
        found = await self._search(incident_id, since, most=PAGES, urgency="details")
        return [place for place in found if place.ts != but.ts]

    async def _search(
        self, incident_id: str, since: datetime, *, most: int, urgency: Urgency
    ) -> list[Place]:
        oldest = f"{since.timestamp() - CLOCK_SKEW_SECONDS:.6f}"
        cursor, found = "", list[Place]()
        for _ in range(PAGES):
            answer = await self.calls.call(
                "conversations.history",
                urgency=urgency,
                waiter=incident_id,
                channel=self.channel,
                oldest=oldest,
                include_all_metadata=True,
                limit=200,
                **({"cursor": cursor} if cursor else {}),
            )
            messages = answer.get("messages")
            if not isinstance(messages, list):
                raise self.calls.no_answer(
                    "Slack's answer to conversations.history holds no messages"
                )
            stamps = (str(said["ts"]) for said in messages if _is_of(said, incident_id))
            found += [Place(channel=self.channel, ts=ts) for ts in stamps]
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
    calls = SlackCalls(client, bus.tracing, timeout_seconds, pace)
    return SlackChannel(calls, settings.slack_channel)


def _content(card: Card) -> dict[str, Any]:
    return {"text": card.text, "blocks": list(card.blocks), "link_names": False, "parse": "none"}


def _metadata(incident_id: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"incident_id": incident_id}}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_of(message: object, incident_id: str) -> bool:
    metadata = message.get("metadata") if isinstance(message, dict) and "ts" in message else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return False
    told = metadata.get("event_payload")
    return isinstance(told, dict) and told.get("incident_id") == incident_id
