"""What the model said and what it is told: replies, calls, results, as the Messages API takes them.

A transcript holds messages exactly as they were sent and received; cache marks are no part of it.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from pydantic import JsonValue

from bus.events import Value

Block = dict[str, object]
Message = dict[str, object]
NOTHING_SAID = "(no answer)"
_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
MARK = "<result "
"""How the answer to a call begins that is a stored result, shown between markers."""


class Usage(Value):
    """Tokens of one reply, as billed; `input_tokens` are the uncached ones."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def cache_write_tokens(self) -> int:
        """Tokens written to the cache, for whichever time."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        """Everything that the model read."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def by_kind(self) -> dict[str, int]:
        """The tokens by what they were, as they are counted for people."""
        return {
            "input": self.input_tokens,
            "cache read": self.cache_read_tokens,
            "cache write": self.cache_write_tokens,
            "output": self.output_tokens,
        }

    @property
    def counted(self) -> bool:
        """Whether whoever answered counted anything; no reply is without tokens."""
        return self.prompt_tokens + self.output_tokens > 0


class ToolUse(Value):
    """One call in a reply. `arguments` is None when the model gave something that is no object."""

    tool_use_id: str
    name: str
    arguments: dict[str, JsonValue] | None


class Reply(Value):
    """One reply of the model, its content unchanged."""

    content: tuple[dict[str, JsonValue], ...]
    stop_reason: str
    model: str
    """Who answered, as the API names it."""
    usage: Usage
    asked: str = ""
    """Who was asked, as the price list names it."""

    @property
    def text(self) -> str:
        """What it says in plain text, thinking left out."""
        said = (str(block.get("text", "")) for block in self.content if block["type"] == "text")
        return "\n".join(text for text in said if text.strip()).strip()

    @property
    def tool_uses(self) -> tuple[ToolUse, ...]:
        """The calls it asks for, in order."""
        return tuple(_tool_use(block) for block in self.content if block["type"] == "tool_use")

    def message(self) -> Message:
        """The reply as the transcript keeps it.

        Blocks stay as they are. Only what the API does not take back is changed: empty texts are
        left out, a reply without text or call gets a word, and a call that has no object of
        arguments, or no name that a tool could have, gets them.
        """
        kept: list[Block] = [_sent(block) for block in self.content if not _empty(block)]
        if not any(block["type"] in ("text", "tool_use") for block in kept):
            kept.append(text_block(NOTHING_SAID))
        return {"role": "assistant", "content": kept}


def user_message(blocks: Sequence[Block]) -> Message:
    """A message to the model."""
    return {"role": "user", "content": list(blocks)}


def text_block(text: str) -> Block:
    """Plain text."""
    return {"type": "text", "text": text}


def result_block(tool_use_id: str, text: str, *, is_error: bool) -> Block:
    """The answer to one call."""
    block: Block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": text}
    return block | {"is_error": True} if is_error else block


def marked(text: str, name: str, *, nonce: str, kind: str = "result") -> str:
    """Untrusted text between markers that only we can write: a secret of the record seals them."""
    seal = hmac.new(nonce.encode(), name.encode(), hashlib.sha256).hexdigest()[:12]
    label = f"{kind} {name} {seal}"
    return f"<{label}>\n{text}\n</{label}>"


def ids_in(messages: Sequence[Message]) -> frozenset[str]:
    """Ids of the calls in messages: a new call needs another one."""
    said = (message["content"] for message in messages)
    blocks = (block for content in said if isinstance(content, list) for block in content)
    return frozenset(str(block["id"]) for block in blocks if block["type"] == "tool_use")


def _tool_use(block: dict[str, JsonValue]) -> ToolUse:
    arguments = block.get("input")
    return ToolUse(
        tool_use_id=str(block.get("id", "")),
        name=str(block.get("name", "")),
        arguments=arguments if isinstance(arguments, dict) else None,
    )


def _sent(block: dict[str, JsonValue]) -> Block:
    if block["type"] != "tool_use":
        return dict(block)
    use = _tool_use(block)
    name = _NO_NAME.sub("_", use.name)[:64] or "_"
    return {**block, "name": name, "input": {} if use.arguments is None else use.arguments}


def _empty(block: dict[str, JsonValue]) -> bool:
    return block["type"] == "text" and not str(block.get("text", "")).strip()
