"""Calls of Slack's Web API through slack_sdk: each made once, in its turn, with honest errors.

The SDK's retry handlers repeat a post whose connection dropped, which may stand already; so none is
used, and what an error means for the next try is said by its class.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bus import conventions as names
from bus import metrics
from bus.errors import Unavailable
from bus.tracing import Tracing, current_traceparent
from services.notifier.adapters.redis_pace import RedisPace
from services.notifier.adapters.slack_words import (
    CLOSED,
    FOR_A_PERSON,
    MAY_STAND,
    NO_FILES,
    TOKEN,
    counted_as,
    refusal,
    retry_after,
    status_of,
    word_of,
)
from services.notifier.pace import Urgency
from services.notifier.ports import CardRefused, ChannelClosed, Crowded, NotAllowed, Unanswered
from services.notifier.thread_ports import NoFiles

log = logging.getLogger(__name__)

AT_ONCE = 4
WAITING_SHARE = 0.25
"""Of a call's time that may pass before it is sent."""
SECONDS_FOR_A_PERSON = 15.0
LONG_SECONDS = 30.0
"""A wait as long as this shows in readiness until the method works again."""


@dataclass
class SlackCalls:
    """Makes the calls of one process; `timeout_seconds` bounds each of them, its waiting too."""

    client: AsyncWebClient
    tracing: Tracing
    timeout_seconds: float
    pace: RedisPace
    channel: str = ""
    """The default one."""
    problems: dict[str, str] = field(default_factory=dict)
    """By API method, what a person has to put right; a success of that method takes it out."""
    unreachable: str = ""
    """Why Slack did not answer last; any answer takes it out."""
    _introduced: bool = False
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def problem(self) -> str:
        """What keeps messages from being written, for `/readyz`; empty when nothing is known."""
        known = {self.unreachable, *self.problems.values()} - {""}
        return "; ".join(sorted(known))

    async def introduce(self) -> None:
        """Ask Slack who we are: a wrong token shows before the first incident, and its end too."""
        if self._introduced and not self.unreachable and not self._token_problems():
            return
        self._introduced = True
        with suppress(Unavailable, CardRefused):
            await self.call("auth.test", urgency="final")

    async def call(
        self, method: str, *, urgency: Urgency, waiter: str = "", **arguments: object
    ) -> dict[str, Any]:
        """Slack's answer to that method, called once, when it was this call's turn.

        `waiter` says who waits, the same at each try, so that it keeps its place in the line.
        Raises Crowded where the turn comes too late to wait for it here: then nothing was sent.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self.timeout_seconds
        patience_until = loop.time() + WAITING_SHARE * self.timeout_seconds
        channel = str(arguments.get("channel") or "")
        while True:
            async with self._slot(method, urgency, until=patience_until):
                wait = await self.pace.ask(method, channel, urgency=urgency, waiter=waiter)
                if not wait:
                    return await self._send(method, arguments, ends_at=ends_at)
            if urgency == "progress" or loop.time() + wait > patience_until:
                metrics.SLACK_WRITES.add(1, {"method": method, "answer": "waits"})
                raise Crowded(f"others go first with {method}", retry_in_seconds=wait)
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def _slot(self, method: str, urgency: Urgency, *, until: float) -> AsyncIterator[None]:
        """One of the few calls that are made at once; progress does not wait for a slow Slack."""
        if urgency == "progress" and self._slots.locked():
            raise Crowded(f"Slack is busy; {method} waits", retry_in_seconds=1)
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise Crowded(f"Slack is slow; {method} waits", retry_in_seconds=2) from None
        try:
            yield
        finally:
            self._slots.release()

    async def _send(
        self, method: str, arguments: dict[str, object], *, ends_at: float
    ) -> dict[str, Any]:
        answered = "unanswered"
        with self._span(method) as span:
            try:
                async with asyncio.timeout_at(ends_at):
                    answer = await getattr(self.client, method.replace(".", "_"))(**arguments)
                    said = dict(answer.data)
                answered = "ok"
            except SlackApiError as error:
                answered = word_of(error)
                channel = str(arguments.get("channel") or "")
                raise await self._meaning(method, channel, error=error) from None
            except aiohttp.ClientConnectorError as error:
                raise Unavailable(self._away(f"Slack cannot be reached: {error}")) from None
            except Exception as error:
                reason = str(error) or type(error).__name__
                raise self.no_answer(f"Slack did not answer {method}: {reason}") from None
            finally:
                span.set_attribute(names.SLACK_ANSWER, answered)
                metrics.SLACK_WRITES.add(1, {"method": method, "answer": counted_as(answered)})
        self._well(method)
        return said

    def _span(self, method: str) -> AbstractContextManager[Span]:
        # Outside an entry there is no trace that a call belongs to, and it must not begin one.
        if not current_traceparent():
            return nullcontext(INVALID_SPAN)
        attributes = {names.SLACK_METHOD: method}
        return self.tracing.span(f"slack {method}", kind=SpanKind.CLIENT, attributes=attributes)

    async def _meaning(self, method: str, channel: str, *, error: SlackApiError) -> Exception:
        word, status = word_of(error), status_of(error)
        if status == 429 or word in ("ratelimited", "rate_limited"):
            self._back()
            asked = retry_after(error)
            wait = await self.pace.close(method, channel, seconds=asked)
            said = f"Slack asks to wait {asked or wait:g} s with {method}"
            if asked is not None and asked > wait:
                said += f", and is asked again after {wait:g} s"
            log.warning("%s: all replicas wait", said)
            if wait >= LONG_SECONDS:
                self.problems[method] = said
            return Unavailable(f"Slack asked to wait {wait:g} s", retry_in_seconds=wait + 0.1)
        said = f"Slack answers {word or status} to {method}"
        if status >= 500 or word in MAY_STAND or not word:
            return self.no_answer(said)
        self._back()
        if against := refusal(word):
            return against
        if method.startswith("files.") and word in NO_FILES:
            return NoFiles(said)
        return self._for_a_person(method, channel, word=word or str(status))

    def _for_a_person(self, method: str, channel: str, *, word: str) -> Exception:
        wrong = f"Slack answers {word} to {method}"
        if word in FOR_A_PERSON:
            wrong = f"Slack answers {word}: {FOR_A_PERSON[word]}"
        if word in CLOSED and channel not in ("", self.channel):
            # Its messages go to the default channel and say so, so nobody is kept from writing.
            wrong += f" (this one is {channel}, of NIGHTSHIFT_CATALOG)"
            log.error("%s (%s)", wrong, method)
            return ChannelClosed(wrong, retry_in_seconds=SECONDS_FOR_A_PERSON)
        if word in FOR_A_PERSON or method != "auth.test":  # a stand-in need not know that method
            if self.problems.get(method) != wrong:
                log.error("%s (%s); what is owed is written once that is put right", wrong, method)
            self.problems[method] = wrong
        kind = ChannelClosed if word in CLOSED else Unavailable
        kind = NotAllowed if word == "missing_scope" else kind
        return kind(wrong, retry_in_seconds=SECONDS_FOR_A_PERSON)

    def no_answer(self, sentence: str) -> Unanswered:
        """The error of a call whose outcome nobody knows; `problem` tells it."""
        return Unanswered(self._away(sentence))

    def _away(self, sentence: str) -> str:
        if not self.unreachable:
            hint = "look at SLACK_API_URL, the network and Slack's status page"
            log.warning("%s; what is owed is written once it answers: %s", sentence, hint)
        self.unreachable = sentence
        return sentence

    def _back(self) -> None:
        if self.unreachable:
            log.info("Slack answers again")
        self.unreachable = ""

    def _well(self, method: str) -> None:
        self._back()
        for solved in {method, *self._token_problems()} & set(self.problems):
            log.info("Slack takes %s again", solved)
            del self.problems[solved]

    def _token_problems(self) -> list[str]:
        words = tuple(f"Slack answers {word}:" for word in TOKEN)
        return [method for method, said in self.problems.items() if said.startswith(words)]
