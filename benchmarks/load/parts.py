"""What the prompts of an investigation are made of, and what each part cost over all its calls."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, JsonValue

from services.reasoner.prices import MILLION, Price
from simulator.model.usage import CHARACTERS_PER_TOKEN


class _Message(BaseModel):
    role: str
    content: list[dict[str, JsonValue]]


@dataclass(frozen=True)
class Part:
    """One part of the prompts: written to the cache by one call, read by so many later ones."""

    name: str
    tokens: float
    reads: int

    def usd(self, price: Price) -> float:
        """Dollars of it over all calls."""
        return self.tokens * (price.cache_write_5m + self.reads * price.cache_read) / MILLION


def parts_of(transcript: Sequence[str], *, prefix_tokens: int) -> list[Part]:
    """Each part with its tokens, as characters / 3.5, not rounded; `prefix_tokens` are given."""
    messages = [_Message.model_validate_json(message) for message in transcript]
    calls = len(messages) // 2
    parts = [Part("tools, system prompt, service catalogue", prefix_tokens, calls - 1)]
    names: dict[str, str] = {}
    for at, message in enumerate(messages[:-1]):
        # A reply is part of the next call's prompt, as is the message that answers it.
        reads = calls - 1 - (at + 1) // 2
        for block in message.content:
            if block["type"] == "tool_use":
                names[str(block["id"])] = str(block["name"])
            parts.append(Part(_name(block, message.role, names=names), _tokens(block), reads))
    return _joined(parts)


def _name(block: dict[str, JsonValue], role: str, *, names: dict[str, str]) -> str:
    if block["type"] == "tool_result":
        return f"result of {names.get(str(block['tool_use_id']), 'a call')}"
    return "its replies, read again" if role == "assistant" else "the incident, and what we say"


def _tokens(block: dict[str, JsonValue]) -> float:
    text = json.dumps(block, ensure_ascii=False, separators=(",", ":"))
    return len(text) / CHARACTERS_PER_TOKEN


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Parts of one name that were read as often, as one."""
    tokens: dict[tuple[str, int], float] = {}
    for part in parts:
        key = (part.name, part.reads)
        tokens[key] = tokens.get(key, 0.0) + part.tokens
    return [Part(name, found, reads) for (name, reads), found in tokens.items()]
