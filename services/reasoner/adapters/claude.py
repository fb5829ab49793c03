"""Claude through Anthropic's SDK: one request, own retries within a time limit, one span.

A model that cannot answer now gives way to the fallback model, where there is one. The history
goes to either as it is: a model leaves the thinking that it cannot read aside (docs/models.md).
"""

import asyncio
import logging
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anthropic import APIStatusError, Timeout
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from bus import conventions as names
from bus import metrics
from bus.cleaning import clean
from bus.errors import Unavailable
from bus.tracing import Tracing
from services.reasoner import measures
from services.reasoner.adapters.answers import reply_in
from services.reasoner.adapters.capabilities import body_for
from services.reasoner.adapters.clients import MAY_SEND, SPOKEN, Client, answer_to, client_of
from services.reasoner.adapters.pace import Pace
from services.reasoner.adapters.reach import Reach
from services.reasoner.adapters.refusals import (
    asked_wait,
    is_overload,
    kind_of,
    reason_of,
    stop_at_refusal,
    told,
)
from services.reasoner.budget import BYTES_PER_TOKEN
from services.reasoner.caching import why_missed
from services.reasoner.ports import CutOff, SaidNo
from services.reasoner.prices import Prices
from services.reasoner.settings import Settings
from services.reasoner.transcript import Reply, ids_in
from services.reasoner.turn import Request

log = logging.getLogger(__name__)
MAX_TRIES = 4
MAIN_SHARE = 0.6
"""Of a call's time, for the model, when the fallback model is there to be asked after it."""
MOST_REMEMBERED = 1000
WHY = {
    "limit": "there is no place within this minute's limits",
    "paused": "the API asked to wait",
    "open": "it failed many times in a row and is left alone for a while",
}
_JITTER = secrets.SystemRandom()


@dataclass
class Claude:
    """Asks the model of the settings; `reach` says for readiness why it cannot."""

    settings: Settings
    tracing: Tracing
    prices: Prices
    pace: Pace
    reach: Reach = field(init=False)
    back_off_seconds: float = 0.5
    client: Client = field(init=False)
    _silent: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)
    """Turns whose call the model let run out; they are the fallback's."""

    def __post_init__(self) -> None:
        self.client = client_of(self.settings)
        self.reach = Reach(str(self.client.base_url).rstrip("/"))

    async def keep(self) -> None:
        """Connections are kept until this is cancelled, then closed."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.client.close()

    async def ask(self, request: Request, *, seconds: float, check: Callable[[], float]) -> Reply:
        """The reply, within `seconds`, own retries included; see `ports.Model`."""
        may_send = MAY_SEND.set(check)
        try:
            reply = await self._ask(request, time.monotonic() + seconds)
        finally:
            MAY_SEND.reset(may_send)
        self.reach.worked()
        return reply

    async def _ask(self, request: Request, until: float) -> Reply:
        main = self.settings.model
        if not self.settings.fallback_model:
            return await self._ask_one(main, request, until=until)
        turn = (request.investigation_id, request.turn)
        if turn in self._silent:
            away = Unavailable(f"{main} was silent", retry_in_seconds=self._back_off(1))
            return await self._ask_fallback(request, until=until, away=away)
        share = MAIN_SHARE * (until - time.monotonic())
        try:
            return await self._ask_one(main, request, until=time.monotonic() + share)
        except CutOff:
            # Its reservation stays, for it may have been billed; the turn comes again at once.
            self._silent[turn] = None
            while len(self._silent) > MOST_REMEMBERED:
                self._silent.popitem(last=False)
            raise
        except Unavailable as error:
            away = error
        MAY_SEND.get()()
        return await self._ask_fallback(request, until=until, away=away)

    async def _ask_fallback(self, request: Request, *, until: float, away: Unavailable) -> Reply:
        """The fallback's reply. What it refuses is no reason to give up: the model comes back."""
        main, fallback = self.settings.model, self.settings.fallback_model
        log.warning("%s is asked instead of %s", fallback, main)
        try:
            return await self._ask_one(fallback, request, until=until, instead_of=main)
        except CutOff:
            raise
        except (Unavailable, SaidNo) as error:
            wait = away.retry_in_seconds
            if isinstance(error, Unavailable):
                wait = min(wait, error.retry_in_seconds)
            raise Unavailable(f"{away}; {error}", retry_in_seconds=wait) from None

    async def _ask_one(
        self, model: str, request: Request, *, until: float, instead_of: str = ""
    ) -> Reply:
        with self.tracing.span(
            f"chat {model}",
            kind=SpanKind.CLIENT,
            attributes=self._attributes(model, request, instead_of=instead_of),
        ) as span:
            started = time.monotonic()
            try:
                async with asyncio.timeout(until - started):
                    reply = await self._try(model, request, span=span, until=until)
            except TimeoutError:
                span.set_attribute(names.CUT_OFF, True)
                reply = None
            metrics.MODEL_SECONDS.record(time.monotonic() - started, {"model": model})
            if reply is not None:
                self._describe(span, reply)
                if reply.stop_reason == "refusal":
                    measures.MODEL_ERRORS.add(1, {"model": model, "kind": "declined"})
                model = reply.model
                if missed := why_missed(reply.usage, request.before, model=model):
                    span.set_attribute(names.CACHE_MISS, missed)
        if reply is None:
            measures.MODEL_ERRORS.add(1, {"model": model, "kind": "cut off"})
            await self.pace.failed(model, by=request.investigation_id)
            raise CutOff(f"{model} did not answer within {until - started:.0f} s")
        return reply

    async def _try(self, model: str, request: Request, *, span: Span, until: float) -> Reply:
        refusals: Counter[str] = Counter()
        for number in range(1, MAX_TRIES + 1):
            await self._leave(model, request, until=until)
            MAY_SEND.get()()
            try:
                reply = await self._call(model, request, seconds=until - time.monotonic())
            except APIStatusError as error:
                reason = reason_of(error)
                measures.MODEL_ERRORS.add(1, {"model": model, "kind": kind_of(error)})
                refusals[reason] += 1
                self._stop_at_refusal(error, times=refusals[reason])
                wait = await self._after(error, model, request=request, number=number)
            except Exception as error:
                # Connections that break, answers that are none, credentials that are not there.
                MAY_SEND.get()()
                reason = f"no usable answer from {self.reach.shown}: {told(error)}"
                measures.MODEL_ERRORS.add(1, {"model": model, "kind": "no answer"})
                await self.pace.failed(model, by=request.investigation_id)
                wait = self._back_off(number)
            else:
                await self._worked(request, reply)
                return reply
            left = until - time.monotonic()
            if number == MAX_TRIES or wait >= left:
                break
            span.set_attribute(names.RESENDS, number)
            measures.MODEL_RETRIES.add(1, {"model": model})
            await asyncio.sleep(wait)
        raise self._unavailable(f"{model}: {reason}", wait, until=until)

    async def _leave(self, model: str, request: Request, *, until: float) -> None:
        """Waits for this call's place. Raises Unavailable where that would take too long."""
        tokens = self._tokens(request)
        while True:
            left = until - time.monotonic()
            leave = await self.pace.enter(model, tokens=tokens, patience=left / 2)
            wait = leave.wait_seconds
            if leave.word == "go":
                await asyncio.sleep(wait)
                return
            spread = wait * _JITTER.uniform(1.0, 1.1)
            if leave.word != "paused" or spread >= left:
                raise self._unavailable(f"{model}: {WHY[leave.word]}", spread, until=until)
            await asyncio.sleep(spread)

    async def _call(self, model: str, request: Request, *, seconds: float) -> Reply:
        settings = self.settings
        body: dict[str, Any] = body_for(request, settings)
        body |= {"model": model, "max_tokens": settings.max_reply_tokens}
        limits = Timeout(max(seconds, 0.1) + 5, connect=5.0)
        answer = await answer_to(body, self.client, limits=limits)
        return reply_in(answer, asked=model, taken=ids_in(request.history))

    async def _worked(self, request: Request, reply: Reply) -> None:
        counted = self._tokens(request)
        used = reply.usage.prompt_tokens - reply.usage.cache_read_tokens
        await self.pace.worked(reply.asked, over=counted - used if counted else 0)

    def _tokens(self, request: Request) -> int:
        """What the request may count against a limit of tokens; 0 where there is none."""
        limited = self.settings.model_tokens_per_minute
        return int(request.prompt_bytes / BYTES_PER_TOKEN) if limited else 0

    async def _after(
        self, error: APIStatusError, model: str, *, request: Request, number: int
    ) -> float:
        """Seconds until the next try, after all replicas were told what this one heard."""
        asked, limited = asked_wait(error), error.status_code == 429
        if is_overload(error) or (limited and asked is None):
            await self.pace.failed(model, by=request.investigation_id)
        if limited and asked is not None:
            await self.pace.pause(model, asked)
        return max(asked or 0.0, self._back_off(number))

    def _back_off(self, number: int) -> float:
        most = self.back_off_seconds * 2.0**number
        return _JITTER.uniform(most / 2, most)

    def _stop_at_refusal(self, error: APIStatusError, *, times: int) -> None:
        try:
            stop_at_refusal(error, times=times)
        except SaidNo as refusal:
            self.reach.failed(str(refusal))
            raise

    def _unavailable(self, reason: str, wait: float, *, until: float) -> Unavailable:
        reason = clean(reason)[:500]
        self.reach.failed(reason)
        log.warning("the model is not available: %s", reason)
        left = until - time.monotonic()
        return Unavailable(reason, retry_in_seconds=max(0.0, min(wait, left)))

    def _attributes(
        self, model: str, request: Request, *, instead_of: str
    ) -> dict[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {
            names.OPERATION: "chat",
            names.PROVIDER: SPOKEN[self.settings.provider],
            names.REQUEST_MODEL: model,
            names.MAX_TOKENS: self.settings.max_reply_tokens,
            names.CONVERSATION: request.investigation_id,
            names.INCIDENT: request.investigation_id,
            names.TURN: request.turn,
            names.CONCLUDES: request.concludes,
            names.PROMPT_VERSION: request.version,
            names.PROMPT_SHA256: request.prompt,
            names.TEXTS_SHA256: request.texts,
        }
        return attributes | ({names.INSTEAD_OF: instead_of} if instead_of else {})

    def _describe(self, span: Span, reply: Reply) -> None:
        usage = reply.usage
        span.set_attributes(
            {
                names.RESPONSE_MODEL: reply.model,
                names.FINISH: [reply.stop_reason],
                names.INPUT_TOKENS: usage.prompt_tokens,
                names.OUTPUT_TOKENS: usage.output_tokens,
                names.CACHE_READ_TOKENS: usage.cache_read_tokens,
                names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
            }
        )
        cost_usd = self.prices.cost_usd(reply.asked, usage)
        if cost_usd is not None:
            span.set_attribute(names.COST_USD, cost_usd)
