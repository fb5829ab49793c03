"""Slack's requests, whichever way they come, through Bolt to the desk; the write comes first."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bus.cleaning import clean
from bus.errors import Unavailable
from services.ingest import slack_answers
from services.ingest.adapters.slack_logging import quiet_logger
from services.ingest.intake import EVERYSEC_SECONDS
from services.ingest.ports import Answers
from services.ingest.slack_answers import Answer
from services.ingest.slack_desk import SlackDesk
from services.ingest.slack_reading import MENTION, Asked, Nothing, Pressed, read_slack

log = logging.getLogger(__name__)
WRITE_SECONDS = 1.5
"""So long a command or a press has to be written; Slack waits for three seconds."""
TELL_SECONDS = 1.0
"""So long a refusal has to reach the person before it is acknowledged."""
LATEST_SECONDS = 2.7
"""A mention is on disk by then, or it is not acknowledged."""
FINISH_SECONDS = 2.0
"""What was begun gets this time to be written, and told, when the service stops."""
T = TypeVar("T")


class SlackApp:
    """What is acknowledged is written, or the person was told that it is not.

    Slack sends a command and a press only once: where neither holds within Slack's time they are
    not acknowledged, and Slack itself says so to the person. Somebody who mentioned us cannot be
    answered: what is not on disk is not acknowledged, and Slack sends it again.
    """

    def __init__(self, desk: SlackDesk, answers: Answers, *, api_url: str) -> None:
        self._desk = desk
        self._answers = answers
        self._work: set[asyncio.Task[object]] = set()
        self._bolt = AsyncApp(
            name="nightshift",
            logger=quiet_logger(),
            client=AsyncWebClient(base_url=api_url, logger=quiet_logger()),
            authorize=_without_token,
            process_before_response=True,
            raise_error_for_unhandled_request=True,
            request_verification_enabled=False,  # the door has done it, over the raw bytes
            ssl_check_enabled=False,
            ignoring_self_events_enabled=False,  # it would need our bot's id, hence a token
            attaching_function_token_enabled=False,
        )
        self._bolt.command(re.compile("^/"))(self._on_request)
        self._bolt.event(MENTION)(self._on_request)
        self._bolt.action(re.compile("^nightshift_"))(self._on_request)
        self._bolt.error(self._on_error)

    async def dispatch(self, sent: dict[str, Any], headers: Mapping[str, str]) -> BoltResponse:
        """What Slack is answered; 200 acknowledges.

        What Bolt itself cannot take apart is 400: it raises then, even while it handles an
        error. Bolt's word for a request whose signature is no longer its business is
        `socket_mode`.
        """
        try:
            request = AsyncBoltRequest(body=sent, headers=dict(headers), mode="socket_mode")
            return await self._bolt.async_dispatch(request)
        except Exception as error:
            log.warning("a request from Slack cannot be read: %s", type(error).__name__)
            return BoltResponse(status=400, body="")

    async def keep(self) -> None:
        """Runs until cancelled; then what was begun is finished first."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.finish()

    async def finish(self) -> None:
        """Nothing is being worked on any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                while self._work:
                    await asyncio.wait(self._work)
        for task in list(self._work):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _on_request(self, ack: Callable[[], Awaitable[object]], body: dict[str, Any]) -> None:
        found = read_slack(body, clean=clean)
        if isinstance(found, Nothing):
            log.info("ignored: %s", found.reason)
        elif found.answer_url:
            await self._written_or_told(found)
        else:
            async with asyncio.timeout(LATEST_SECONDS):
                await self._on_disk(found)
        await ack()

    async def _on_disk(self, found: Asked | Pressed) -> None:
        answer = await self._handle(found)
        if not answer.durable:
            await asyncio.sleep(EVERYSEC_SECONDS)
            await self._desk.fingerprints.kept()

    async def _written_or_told(self, found: Asked | Pressed) -> None:
        """Raises Unavailable where neither is so in time; the work goes on, and is told later."""
        work, address = self._begin(self._answer(found)), found.answer_url
        await asyncio.wait([work], timeout=WRITE_SECONDS)
        if not work.done():
            self._begin(self._tell_later(address, work))
            await self._tell(address, slack_answers.NOT_YET)
        elif work.cancelled() or (answer := work.result()) is None:
            await self._tell(address, slack_answers.NOT_NOW)
        else:
            self._begin(self._answers.say(address, answer))

    async def _tell(self, address: str, sentence: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TELL_SECONDS):
                if await self._answers.say(address, slack_answers.refused(sentence)):
                    return
        raise Unavailable("nothing was written, and the person could not be told")

    async def _tell_later(self, address: str, work: asyncio.Task[Answer | None]) -> None:
        answer = await work or slack_answers.refused(slack_answers.NOT_NOW)
        await self._answers.say(address, answer)

    async def _answer(self, found: Asked | Pressed) -> Answer | None:
        """What it led to; nothing where it could not be written."""
        try:
            return await self._handle(found)
        except Unavailable as error:
            log.warning("a request from Slack could not be taken: %s", error)
        except Exception:
            log.exception("a request from Slack failed")
        return None

    async def _handle(self, found: Asked | Pressed) -> Answer:
        if isinstance(found, Asked):
            return await self._desk.on_asked(found)
        return await self._desk.on_pressed(found)

    def _begin(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _on_error(self, error: Exception) -> BoltResponse:
        if isinstance(error, BoltUnhandledRequestError):
            return BoltResponse(status=200, body="")
        if isinstance(error, Unavailable | TimeoutError):
            log.warning("not acknowledged to Slack: %s", error or type(error).__name__)
            return BoltResponse(status=503, body="")
        log.error("a request from Slack failed", exc_info=error)
        return BoltResponse(status=200, body="")


async def _without_token(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Whoever installed the app: ingest holds no bot token, so Bolt gets none."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)
