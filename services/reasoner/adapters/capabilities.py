"""The body of a request for what the model and its server can do, by the settings."""

from collections.abc import Mapping
from typing import Any

from services.reasoner.diagnosis import SUBMIT
from services.reasoner.settings import Settings
from services.reasoner.turn import Request

MARK = "cache_control"


def body_for(request: Request, settings: Settings) -> dict[str, Any]:
    """Tools, system, messages, thinking and tool choice, as far as the settings allow them."""
    forced = settings.force_conclusion and request.concludes
    body: dict[str, Any] = dict(request.body())
    if not settings.caching:
        body = unmarked(body)
    if settings.thinking and not forced:
        body["thinking"] = {"type": "adaptive"}
    body["tool_choice"] = {"type": "tool", "name": SUBMIT} if forced else {"type": "auto"}
    return body


def unmarked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without marks for the cache; what tools were called with is left alone."""
    return {
        **{name: part for name, part in body.items() if name != MARK},
        "tools": _plain(body["tools"]),
        "system": _plain(body["system"]),
        "messages": [
            {**message, "content": _plain(message["content"])} for message in body["messages"]
        ],
    }


def _plain(blocks: Any) -> Any:
    if not isinstance(blocks, list):
        return blocks
    return [{name: part for name, part in block.items() if name != MARK} for block in blocks]
