"""What the model API answers with: a reply of ours, its content exactly as it came."""

import json
from typing import Any

from services.reasoner.transcript import Reply, Usage


def reply_in(body: bytes, *, asked: str) -> Reply:
    """The reply of the model that was asked. Raises ValueError when it is none."""
    text = body.decode("utf-8", "replace")
    message: Any = json.loads(text)
    if "\\ud" in text.lower():
        # A lone surrogate is legal in JSON, and neither Redis nor the API would take it.
        whole = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
        message = json.loads(whole)
    try:
        return Reply(
            content=tuple(block | {"type": str(block["type"])} for block in message["content"]),
            stop_reason=str(message.get("stop_reason") or ""),
            model=str(message["model"]),
            usage=_usage(message["usage"]),
            asked=asked,
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
