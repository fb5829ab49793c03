"""What the model API answers with: a reply of ours, its content as it came.

A server that is not Anthropic's may write what no API takes back. What is no message is refused
here; a call or a text in it that is malformed is mended, so that the model can be told of it.
"""

import json
from collections.abc import Collection
from itertools import count
from typing import Any

from services.reasoner.transcript import Reply, Usage

MOST_TOKENS = 100_000_000
"""More than any model reads or writes: one wrong count must not spend everybody's day budget."""
MOST_OF_ID = 200
"""Characters of a call's id."""


def reply_in(body: bytes, *, asked: str, taken: Collection[str] = ()) -> Reply:
    """The reply of the model that was asked, its calls by ids that are not `taken`.

    Raises ValueError when it is none.
    """
    message: Any = json.loads(body.decode("utf-8", "replace"))
    try:
        content = _mended(message["content"], taken)
        # A lone surrogate is legal in JSON, and neither Redis nor the API would take it; nor would
        # they take NaN, which is not, and which Python reads all the same.
        whole = json.dumps(content, ensure_ascii=False, allow_nan=False)
        return Reply(
            content=tuple(json.loads(whole.encode("utf-8", "replace"))),
            stop_reason=_plain(message.get("stop_reason") or ""),
            model=_plain(message["model"]),
            usage=_usage(message["usage"]),
            asked=asked,
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"this is no message: {error!r}") from None


def _mended(content: Any, taken: Collection[str]) -> list[dict[str, Any]]:
    """The blocks, each with its type; a call with an id of its own, a text with a text."""
    ids = set(taken)
    blocks = []
    for number, given in enumerate(content, start=1):
        block = given | {"type": str(given["type"])}
        if block["type"] == "text" and not isinstance(block.get("text"), str):
            block["text"] = ""
        if block["type"] == "tool_use":
            block["id"] = _own_id(block.get("id"), ids, number=number)
            block["name"] = str(block.get("name") or "")
            block["input"] = block.get("input") if _is_json(block.get("input")) else None
            ids.add(block["id"])
        blocks.append(block)
    return blocks


def _own_id(given: Any, ids: Collection[str], *, number: int) -> str:
    if isinstance(given, str) and given and len(given) <= MOST_OF_ID and given not in ids:
        return given
    names = (f"call_{len(ids) + more}_{number}" for more in count())
    return next(name for name in names if name not in ids)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _plain(text: Any) -> str:
    return str(text).encode("utf-8", "replace").decode()


def _usage(usage: dict[str, Any]) -> Usage:
    written = usage.get("cache_creation") or {}
    hour = _count(written, "ephemeral_1h_input_tokens")
    total = _count(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_5m_tokens=max(total - hour, _count(written, "ephemeral_5m_input_tokens")),
        cache_write_1h_tokens=hour,
        output_tokens=_count(usage, "output_tokens"),
    )


def _count(of: dict[str, Any], name: str) -> int:
    """A number of tokens, never a negative one. Raises OverflowError for more than can be."""
    count = max(0, int(of.get(name) or 0))
    if count > MOST_TOKENS:
        raise OverflowError(f"{name} is {count}")
    return count
