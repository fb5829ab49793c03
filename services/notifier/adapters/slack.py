"""Slack's Web API through slack_sdk: a few calls, no retries of the SDK's own, honest errors.

The SDK's retry handlers repeat a post whose connection dropped, which may stand already; so none is
used, and what an error means for the next try is said by its class.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bus import metrics
from bus.errors import Retryable, Unavailable
from bus.port import Bus
from bus.tracing import Tracing, current_traceparent
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.ports import (
    NOTICE,
    CardRefused,
    ChannelClosed,
    MessageGone,
    MessageLocked,
    NotAllowed,
    Unanswered,
)
from services.notifier.settings import Settings
from services.notifier.stop import Place
from services.notifier.thread_ports import NoFiles

log = logging.getLogger(__name__)

EVENT_TYPE = "nightshift_incident"
NOTICE_TYPE = "nightshift_notice"
CLOCK_SKEW_SECONDS = 300
"""Slack's clock and ours may differ by that much."""
PAGES = 20
AT_ONCE = 4
GONE = {"message_not_found"}
NO_THREAD = {"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"}
LOCKED = {
    "cant_update_message",
    "edit_window_closed",
    "cant_delete_message",
    "compliance_exports_prevent_deletion",
}
"""The message stands: another app's, or a setting of the workspace forbids what we want."""
MAY_STAND = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
REFUSED = {
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "invalid_metadata_format",
    "metadata_too_large",
}
NO_FILES = {"missing_scope", "file_uploads_disabled", "file_upload_size_restricted"}
FOR_A_PERSON = {
    "invalid_auth": "the token is not valid: set SLACK_BOT_TOKEN",
    "not_authed": "the token is missing: set SLACK_BOT_TOKEN",
    "account_inactive": "the token's app was removed: set SLACK_BOT_TOKEN",
    "token_revoked": "the token was revoked: set SLACK_BOT_TOKEN",
    "token_expired": "the token has expired: set SLACK_BOT_TOKEN",
    "missing_scope": "the token lacks a scope: it needs chat:write and channels:history",
    "channel_not_found": "the channel is not known: NIGHTSHIFT_SLACK_CHANNEL must be its id",
    "not_in_channel": "the bot is not in the channel: invite it",
    "is_archived": "the channel is archived: set NIGHTSHIFT_SLACK_CHANNEL to another",
    "is_inactive": "the channel is archived: messages in it can no longer be edited",
    "restricted_action": "an administrator forbids posting: allow it, or set another channel",
}
CLOSED = {"channel_not_found", "not_in_channel", "is_archived", "is_inactive", "restricted_action"}
SECONDS_FOR_A_PERSON = 15.0
SLACK_TIMEOUT_SECONDS = 10.0
LEASE_SHARE = 0.3
"""A turn holds up to three calls of Slack, so one may take no more than this share of the lease."""


@dataclass
class SlackChannel:
    """Slack, as `ports.Slack` says; `channel` is the default, the timeout that of one call."""

    client: AsyncWebClient
    channel: str
    tracing: Tracing
    timeout_seconds: float
    problems: dict[str, str] = field(default_factory=dict)
    """By API method, what a person has to put right; a success of that method takes it out."""
    unreachable: str = ""
    """Why Slack did not answer last; any answer takes it out."""
    _introduced: bool = False
    _paused: dict[str, float] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def post(self, card: Card, incident_id: str = "", *, channel: str = "") -> Place:
        """A new message; with an id it can be found by that."""
        arguments = content(card) | {"unfurl_links": False, "unfurl_media": False}
        if incident_id:
            arguments["metadata"] = _metadata(incident_id)
        at = channel or self.channel
        answer = await self.call("chat.postMessage", channel=at, **arguments)
        return Place(channel=str(answer["channel"]), ts=str(answer["ts"]))

    async def edit(self, place: Place, card: Card, *, incident_id: str) -> None:
        """The message says what the card says and nothing of what it said before."""
        arguments = content(card) | {"metadata": _metadata(incident_id)}
        await self.call("chat.update", channel=place.channel, ts=place.ts, **arguments)

    async def remove(self, place: Place) -> bool:
        """Whether nothing stands there any more; what Slack does not let us delete stays."""
        try:
            await self.call("chat.delete", channel=place.channel, ts=place.ts)
        except MessageGone:
            return True
        except MessageLocked as error:
            log.warning("Slack answers %s to the deletion of %s", error, place.ts)
            return False
        return True

    async def find(
        self, incident_id: str, since: datetime, *, but: Collection[str] = (), channel: str = ""
    ) -> Place | None:
        """Where in that channel its message stands, if posted after that time and not `but` there.

        A token that may not read the channel finds nothing: a second message is better than none.
        """
        try:
            at = channel or self.channel
            found = await self._search(incident_id, since, channel=at, most=1 + len(but))
        except NotAllowed:
            return None
        return next((place for place in found if place.ts not in but), None)

    async def others(self, incident_id: str, since: datetime, *, but: Place) -> list[Place]:
        """Where the incident's messages stand that are not the one at that place."""
        found = await self._search(incident_id, since, channel=but.channel, most=PAGES)
        return [place for place in found if place.ts != but.ts]

    async def _search(
        self, incident_id: str, since: datetime, *, channel: str, most: int
    ) -> list[Place]:
        oldest = f"{since.timestamp() - CLOCK_SKEW_SECONDS:.6f}"
        cursor, found = "", list[Place]()
        for _ in range(PAGES):
            answer = await self.call(
                "conversations.history",
                channel=channel,
                oldest=oldest,
                include_all_metadata=True,
                limit=200,
                cursor=cursor or None,
            )
            for message in answer.get("messages") or []:
                if _is_of(message, incident_id):
                    found.append(Place(channel=channel, ts=str(message["ts"])))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor or len(found) >= most:
                break
        return found

    async def problem(self) -> str:
        """What keeps messages from being written, for `/readyz`; empty when nothing is known."""
        known = {self.unreachable, *self.problems.values()} - {""}
        return "; ".join(sorted(known))

    async def introduce(self) -> None:
        """Ask Slack who we are: a wrong token shows before the first incident, and its end too."""
        if self._introduced and not self.unreachable and "auth.test" not in self.problems:
            return
        self._introduced = True
        with suppress(Unavailable, CardRefused):
            await self.call("auth.test")

    async def call(
        self, method: str, *, urgency: Urgency = "progress", **arguments: object
    ) -> dict[str, Any]:
        """What Slack answers to that method. Raises as `ports.Slack` says."""
        if (left := self._paused.get(method, 0.0) - time.monotonic()) > 0:
            raise Unavailable(f"Slack asked to wait with {method}", retry_in_seconds=left + 0.1)
        calls: dict[str, Callable[..., Awaitable[Any]]] = {
            "chat.postMessage": self.client.chat_postMessage,
            "chat.update": self.client.chat_update,
            "chat.delete": self.client.chat_delete,
            "conversations.history": self.client.conversations_history,
            "conversations.replies": self.client.conversations_replies,
            "files.getUploadURLExternal": self.client.files_getUploadURLExternal,
            "files.completeUploadExternal": self.client.files_completeUploadExternal,
            "auth.test": self.client.auth_test,
        }
        answered = "unanswered"
        with self._span(method) as span:
            span.set_attribute("slack.urgency", urgency)
            try:
                async with asyncio.timeout(self.timeout_seconds), self._slots:
                    answer = await calls[method](**arguments)
                    said = dict(answer.data)
                answered = "ok"
            except SlackApiError as error:
                answered = _word(error)
                elsewhere = str(arguments.get("channel") or self.channel)
                raise self._meaning(method, error, channel=elsewhere) from None
            except aiohttp.ClientConnectorError as error:
                self.unreachable = f"Slack cannot be reached: {error}"
                raise Unavailable(self.unreachable) from None
            except Exception as error:
                reason = str(error) or type(error).__name__
                self.unreachable = f"Slack did not answer {method}: {reason}"
                raise Unanswered(self.unreachable) from None
            finally:
                span.set_attribute("slack.answer", answered)
                metrics.SLACK_WRITES.add(1, {"method": method, "answer": answered})
        self.problems.pop(method, None)
        self.unreachable = ""
        return said

    def _span(self, method: str) -> AbstractContextManager[Span]:
        # Outside an entry there is no trace that a call belongs to, and it must not begin one.
        if not current_traceparent():
            return nullcontext(INVALID_SPAN)
        return self.tracing.span(f"slack {method}", kind=SpanKind.CLIENT)

    def _meaning(self, method: str, error: SlackApiError, *, channel: str) -> Exception:
        status, word = int(getattr(error.response, "status_code", 0) or 0), _word(error)
        self.unreachable = ""
        if status == 429 or word in ("ratelimited", "rate_limited"):
            wait = _retry_after(error)
            self._paused[method] = time.monotonic() + wait
            return Unavailable(f"Slack asked to wait {wait:g} s", retry_in_seconds=wait + 0.1)
        if refusal := _refusal(word):
            return refusal
        if method.startswith("files.") and word in NO_FILES:
            return NoFiles(f"Slack answers {word} to {method}")
        if word in FOR_A_PERSON:
            return self._for_a_person(method, word, channel=channel)
        said = f"Slack answers {word or status} to {method}"
        if status >= 500 or word in MAY_STAND or not word:
            self.unreachable = said
            return Unanswered(said)
        if method != "auth.test":  # a stand-in need not know the method that nothing depends on
            self.problems[method] = said
        return Unavailable(said, retry_in_seconds=SECONDS_FOR_A_PERSON)

    def _for_a_person(self, method: str, word: str, *, channel: str) -> Exception:
        if method not in self.problems:
            log.error("Slack answers %s to %s: %s", word, method, FOR_A_PERSON[word])
        self.problems[method] = f"Slack answers {word}: {FOR_A_PERSON[word]}"
        if channel != self.channel:
            self.problems[method] += f" (this one is {channel}, of NIGHTSHIFT_CATALOG)"
        kind = ChannelClosed if word in CLOSED else Unavailable
        kind = NotAllowed if word == "missing_scope" else kind
        return kind(self.problems[method], retry_in_seconds=SECONDS_FOR_A_PERSON)


def slack_channel(settings: Settings, bus: Bus) -> SlackChannel:
    """The channel that the settings name, with the SDK's own retries switched off."""
    timeout_seconds = min(SLACK_TIMEOUT_SECONDS, LEASE_SHARE * settings.lease_seconds)
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=math.ceil(timeout_seconds),
        retry_handlers=[],
    )
    return SlackChannel(client, settings.slack_channel, bus.tracing, timeout_seconds)


def _refusal(word: str) -> Retryable | None:
    """What Slack has against this message or card, where that is what it says."""
    if word in GONE | NO_THREAD:
        return MessageGone(word)
    if word in LOCKED:
        return MessageLocked(word)
    return CardRefused(f"Slack refuses the card: {word}") if word in REFUSED else None


def content(card: Card) -> dict[str, Any]:
    """The card as arguments of a call: nothing in it is parsed, linked or mentioned."""
    return {"text": card.text, "blocks": list(card.blocks), "link_names": False, "parse": "none"}


def _metadata(incident_id: str) -> dict[str, Any]:
    if incident_id.startswith(NOTICE):
        return {"event_type": NOTICE_TYPE, "event_payload": {"notice_id": incident_id}}
    return {"event_type": EVENT_TYPE, "event_payload": {"incident_id": incident_id}}


def _is_of(message: dict[str, Any], incident_id: str) -> bool:
    metadata, wanted = message.get("metadata") or {}, _metadata(incident_id)
    return {name: metadata.get(name) for name in wanted} == wanted


def _word(error: SlackApiError) -> str:
    answer = getattr(error.response, "data", None)
    return str(answer.get("error") or "") if isinstance(answer, dict) else ""


def _retry_after(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    given = next((str(v) for k, v in headers.items() if k.lower() == "retry-after"), "1")
    try:
        return min(max(float(given), 0.5), 120.0)
    except ValueError:
        return 1.0
