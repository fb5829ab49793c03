"""Claude through Anthropic's SDK: one request, own retries within a time limit, one span."""

import asyncio
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from anthropic import (
    APIConnectionError,
    APIStatusError,
    AsyncAnthropic,
    Timeout,
)
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from bus import metrics
from bus.cleaning import clean
from bus.errors import NotConfigured, Unavailable
from bus.tracing import Tracing
from services.reasoner.adapters.connections import http_client
from services.reasoner.adapters.reach import Reach
from services.reasoner.budget import Prices
from services.reasoner.caching import why_missed
from services.reasoner.diagnosis import SUBMIT
from services.reasoner.ports import CutOff, SaidNo
from services.reasoner.settings import Settings
from services.reasoner.transcript import Reply, Usage
from services.reasoner.turn import Request

log = logging.getLogger(__name__)
MAX_TRIES = 4
REFUSED_FOR_GOOD = (401, 403, 404)
PASSING = (408, 409, 429)
SPENT = "enforced_spend_limit_reached"
"""A 429 with this code passes when the month is over, and not before."""
SAME_REFUSAL = 3
_JITTER = secrets.SystemRandom()
_MAY_SEND: ContextVar[Callable[[], float]] = ContextVar("may_send")
"""The check of the call under way, for where its request leaves."""


@dataclass
class Claude:
    """Asks the model of the settings; `reach` says for readiness why it cannot."""

    settings: Settings
    tracing: Tracing
    prices: Prices
    reach: Reach = field(init=False)
    back_off_seconds: float = 0.5
    client: AsyncAnthropic = field(init=False)

    def __post_init__(self) -> None:
        key = self.settings.anthropic_api_key.get_secret_value()
        token = self.settings.anthropic_auth_token.get_secret_value()
        if not key and not token:
            raise NotConfigured(
                "ANTHROPIC_API_KEY is missing: the reasoner needs it to ask the model"
            )
        self.reach = Reach(self.settings.anthropic_base_url)
        self.client = AsyncAnthropic(
            api_key=key or None,
            auth_token=None if key else token,
            base_url=self.settings.anthropic_base_url,
            max_retries=0,
            open_telemetry=False,
            http_client=http_client(event_hooks={"request": [_last_look]}),
        )

    async def keep(self) -> None:
        """Connections are kept until this is cancelled, then closed."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.client.close()

    async def ask(self, request: Request, *, seconds: float, check: Callable[[], float]) -> Reply:
        """The reply, within `seconds`, own retries included; see `ports.Model`."""
        may_send = _MAY_SEND.set(check)
        try:
            return await self._ask(request, seconds)
        finally:
            _MAY_SEND.reset(may_send)

    async def _ask(self, request: Request, seconds: float) -> Reply:
        model = self.settings.model
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": self.settings.max_reply_tokens,
            "gen_ai.conversation.id": request.investigation_id,
            "nightshift.turn": request.turn,
            "nightshift.concludes": request.concludes,
            "nightshift.prompt_version": request.version,
            "nightshift.prompt_sha256": request.prompt,
        }
        with self.tracing.span(
            f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            started = time.monotonic()
            try:
                async with asyncio.timeout(seconds):
                    reply = await self._try(request, span, until=started + seconds)
            except TimeoutError:
                span.set_attribute("nightshift.cut_off", True)
                reply = None
            metrics.MODEL_SECONDS.record(time.monotonic() - started, {"model": model})
            if reply is not None:
                self._describe(span, reply)
                model = reply.model
                if missed := why_missed(reply.usage, request.before, model=model):
                    span.set_attribute("nightshift.cache_miss", missed)
        if reply is None:
            raise CutOff(f"the model did not answer within {seconds:.0f} s")
        self.reach.worked()
        return reply

    async def _try(self, request: Request, span: Span, *, until: float) -> Reply:
        refusals: Counter[str] = Counter()
        for number in range(1, MAX_TRIES + 1):
            _MAY_SEND.get()()
            try:
                return await self._call(request, until - time.monotonic())
            except APIStatusError as error:
                reason = _reason(error)
                wait = self._wait(error, number)
                refusals[reason] += 1
                self._stop_at_refusal(error, times=refusals[reason])
            except (APIConnectionError, ValueError) as error:
                _MAY_SEND.get()()
                cause = error.__cause__ or error
                reason = f"no usable answer from {self.settings.anthropic_base_url}: {cause}"
                wait = self._wait(None, number)
            left = until - time.monotonic()
            if number == MAX_TRIES or wait >= left:
                break
            span.set_attribute("http.request.resend_count", number)
            await asyncio.sleep(wait)
        reason = clean(reason)[:500]
        self.reach.failed(reason)
        log.warning("the model is not available: %s", reason)
        raise Unavailable(reason, retry_in_seconds=max(0.0, min(wait, left)))

    async def _call(self, request: Request, seconds: float) -> Reply:
        settings = self.settings
        forced = settings.force_conclusion and request.concludes
        body: dict[str, Any] = dict(request.body())
        if settings.thinking and not forced:
            body["thinking"] = {"type": "adaptive"}
        body["tool_choice"] = {"type": "tool", "name": SUBMIT} if forced else {"type": "auto"}
        response = await self.client.messages.with_raw_response.create(
            model=settings.model,
            max_tokens=settings.max_reply_tokens,
            timeout=Timeout(max(seconds, 0.1) + 5, connect=5.0),
            **body,
        )
        return _reply(response.http_response.content)

    def _wait(self, error: APIStatusError | None, number: int) -> float:
        """Seconds until the next try: what the server asks for, else a jittered back-off."""
        asked = error.response.headers.get("retry-after", "") if error is not None else ""
        try:
            return max(0.0, float(asked))
        except ValueError:
            most = self.back_off_seconds * 2.0**number
            return _JITTER.uniform(most / 2, most)

    def _stop_at_refusal(self, error: APIStatusError, times: int) -> None:
        """Raises SaidNo when the API refuses for good: at once, or with the same refusal again."""
        spent = _code(error) == SPENT
        if error.status_code >= 500 or (error.status_code in PASSING and not spent):
            return
        if spent or error.status_code in REFUSED_FOR_GOOD or times >= SAME_REFUSAL:
            reason = _reason(error)
            self.reach.failed(reason)
            raise SaidNo(f"the model API refused: {reason}")

    def _describe(self, span: Span, reply: Reply) -> None:
        usage = reply.usage
        span.set_attributes(
            {
                "gen_ai.response.model": reply.model,
                "gen_ai.response.finish_reasons": [reply.stop_reason],
                "gen_ai.usage.input_tokens": usage.prompt_tokens,
                "gen_ai.usage.output_tokens": usage.output_tokens,
                "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
                "gen_ai.usage.cache_write.input_tokens": usage.cache_write_tokens,
            }
        )
        cost_usd = self.prices.cost_usd(self.settings.model, usage)
        if cost_usd is not None:
            span.set_attribute("nightshift.cost_usd", cost_usd)


async def _last_look(_: object) -> None:
    """Hook: the SDK needs milliseconds to prepare a request, so the lease is checked once more."""
    _MAY_SEND.get()()


def _code(error: APIStatusError) -> str:
    """What the answer's `details` say it is about; empty where there are none."""
    body: Any = error.body
    for name in ("error", "details", "error_code"):
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def _reason(error: APIStatusError) -> str:
    said = error.api_message or error.message
    return clean(f"{error.status_code} {error.type or ''}: {said}".replace(" :", ":"))[:500]


def _reply(body: bytes) -> Reply:
    """The reply, its content exactly as it came. Raises ValueError when it is none."""
    message: Any = json.loads(body.decode("utf-8", "replace"))
    # A lone surrogate is legal in JSON, and neither Redis nor the API would take it.
    whole = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    message = json.loads(whole)
    try:
        return Reply(
            content=tuple(block | {"type": str(block["type"])} for block in message["content"]),
            stop_reason=str(message.get("stop_reason") or ""),
            model=str(message["model"]),
            usage=_usage(message["usage"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no message: {error!r}") from None


def _usage(usage: dict[str, Any]) -> Usage:
    written = usage.get("cache_creation") or {}
    hour = int(written.get("ephemeral_1h_input_tokens") or 0)
    total = int(usage.get("cache_creation_input_tokens") or 0)
    return Usage(
        input_tokens=int(usage.get("input_tokens") or 0),
        cache_read_tokens=int(usage.get("cache_read_input_tokens") or 0),
        cache_write_5m_tokens=max(total - hour, int(written.get("ephemeral_5m_input_tokens") or 0)),
        cache_write_1h_tokens=hour,
        output_tokens=int(usage.get("output_tokens") or 0),
    )
