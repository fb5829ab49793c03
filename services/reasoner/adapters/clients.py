"""The SDK's client of the provider that is set: one connection pool, no retries of its own.

No redirect is followed, because the prompt would go to whoever is named there. No answer is read
past a size, packed ones not at all, because a few packed bytes may be gigabytes.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any

import httpx2
from anthropic import (
    AsyncAnthropic,
    AsyncAnthropicBedrock,
    AsyncAnthropicBedrockMantle,
    AsyncAnthropicVertex,
)

from bus.errors import NotConfigured
from services.reasoner.adapters.connections import http_client
from services.reasoner.settings import Settings

Client = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicBedrockMantle | AsyncAnthropicVertex
MOST_BYTES = 8 * 1024 * 1024
"""Of one answer; a reply of the most tokens that can be asked for is below 200 KB."""
MAY_SEND: ContextVar[Callable[[], float]] = ContextVar("may_send")
"""The check of the call under way, for where its request leaves."""
SPOKEN = {
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "bedrock-runtime": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
}
"""The providers by the names that GenAI conventions give them."""
_NEEDED = {
    "bedrock": ("boto3", "bedrock"),
    "bedrock-runtime": ("boto3", "bedrock"),
    "vertex": ("google.auth", "vertex"),
}


class AnswerRefused(ValueError):
    """An answer that is not read: packed, or larger than any reply can be."""


def client_of(settings: Settings) -> Client:
    """The provider's client. Raises NotConfigured with what it lacks.

    Where the others take region, project, address and credentials from, their SDK says: the
    provider's usual variables.
    """
    provider = settings.provider
    if provider in _NEEDED:
        module, extra = _NEEDED[provider]
        require(module, extra, provider=provider)
    options: dict[str, Any] = {
        "max_retries": 0,
        "open_telemetry": False,
        "default_headers": {"accept-encoding": "identity"},
        "http_client": http_client(
            follow_redirects=False,
            event_hooks={"request": [_last_look], "response": [_bound]},
        ),
    }
    try:
        if provider == "bedrock":
            return AsyncAnthropicBedrockMantle(**options)
        if provider == "bedrock-runtime":
            return AsyncAnthropicBedrock(**options)
        if provider == "vertex":
            return AsyncAnthropicVertex(**options)
    except Exception as error:
        raise NotConfigured(f"NIGHTSHIFT_PROVIDER={provider}: {error}") from None
    return _anthropic(settings, options)


async def answer_to(body: dict[str, Any], client: Client, *, limits: httpx2.Timeout) -> bytes:
    """The answer's body as it came; errors are the SDK's.

    To Anthropic's API the bytes are ours: the SDK would first copy and look through every part.
    The clouds' clients move parts of the body elsewhere.
    """
    if isinstance(client, AsyncAnthropic):
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        raw = await client.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            content=content,
            options={"timeout": limits, "headers": {"content-type": "application/json"}},
        )
        return raw.content
    answer: Any = await client.messages.with_raw_response.create(**body, timeout=limits)
    whole: bytes = answer.http_response.content
    return whole


def require(module: str, extra: str, *, provider: str) -> None:
    """The module is there. Raises NotConfigured with the extra that brings it."""
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise NotConfigured(
            f"NIGHTSHIFT_PROVIDER={provider} needs {module}, which is not installed: "
            f"install nightshift[{extra}]"
        )


def _anthropic(settings: Settings, options: dict[str, Any]) -> AsyncAnthropic:
    key = settings.anthropic_api_key.get_secret_value()
    token = settings.anthropic_auth_token.get_secret_value()
    if not key and not token:
        raise NotConfigured("ANTHROPIC_API_KEY is missing: the reasoner needs it to ask the model")
    return AsyncAnthropic(
        api_key=key or None,
        auth_token=None if key else token,
        base_url=settings.anthropic_base_url,
        **options,
    )


async def _last_look(_: object) -> None:
    """Hook: the SDK needs milliseconds to prepare a request, so the lease is checked once more."""
    MAY_SEND.get()()


async def _bound(response: httpx2.Response) -> None:
    """Hook: from here on the answer is read up to its limit."""
    packed = response.headers.get("content-encoding", "identity")
    if packed != "identity":
        raise AnswerRefused(f"the answer is packed ({packed[:40]}), which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A stream that ends with an error at the limit."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts."""
        left = MOST_BYTES
        async for part in self._stream:
            left -= len(part)
            if left < 0:
                raise AnswerRefused(f"the answer has more than {MOST_BYTES:,} bytes")
            yield part

    async def aclose(self) -> None:
        """The connection is given up."""
        await self._stream.aclose()
