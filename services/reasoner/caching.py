"""The prompt cache: where a request is marked for it, for how long, and why it was missed.

A mark closes a prefix. At most four: the tools, the system, the incident, and the moving end. A
mark finds what an earlier one closed if that is no more than 19 blocks before it; a turn with more
blocks than that marks the end of the turn before in place of the incident, which lies within it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from bus.events import Value
from bus.record import Record
from services.reasoner.budget import COST_OF_TURN, TurnCost
from services.reasoner.folding import PROMPT, fold_of, size_of
from services.reasoner.offering import compact
from services.reasoner.transcript import Block, Message, Usage, text_block

LOOK_BACK = 20
NEARLY = 0.98
"""A provider may count a little otherwise from one request to the next."""
SHORT_SECONDS, HOUR_SECONDS = 300, 3600
CACHE_HOUR = "cache_hour"
"""Note in the record: whether tools and system are held for an hour."""
_SHORT: Block = {"cache_control": {"type": "ephemeral"}}
_HOUR: Block = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


class Before(Value):
    """What the turn before says about how much of this request the cache should have."""

    tokens: int
    """Of its prompt, all of which is a prefix of this one."""
    cached: bool
    """Whether anything of it was read from the cache or written to it."""
    seconds: float
    """Since its reply."""
    model: str
    changed: str = ""
    """What of the prefix is different now."""


@dataclass(frozen=True, eq=False)
class Prefix:
    """Tools and system of a request: the same for many, so measured once."""

    tools: tuple[Block, ...]
    texts: tuple[str, ...]

    def __hash__(self) -> int:
        """By identity: a catalogue is read once and never changed."""
        return hash((self.texts, *map(id, self.tools)))

    def __eq__(self, other: object) -> bool:
        """Whether it is of the very same tools, and of the same texts."""
        if not isinstance(other, Prefix) or len(self.tools) != len(other.tools):
            return False
        same = all(one is its for one, its in zip(self.tools, other.tools, strict=True))
        return same and self.texts == other.texts

    @property
    def system(self) -> tuple[Block, ...]:
        """What is sent as system: how to work, and the service catalogue."""
        return tuple(text_block(text) for text in self.texts if text)

    @cached_property
    def hashes(self) -> str:
        """Of tools and system."""
        return f"{hash_of(self.tools)} {hash_of(self.system)}"

    @cached_property
    def size(self) -> int:
        """Bytes of both."""
        return size_of((self.system, self.tools))


@lru_cache(maxsize=16)
def known(prefix: Prefix) -> Prefix:
    """The first one that was equal, with whatever it has measured."""
    return prefix


def hash_of(value: object) -> str:
    """A short hash of what is sent."""
    return hashlib.sha256(compact(value).encode()).hexdigest()[:16]


def with_marks(
    tools: Sequence[Block],
    system: Sequence[Block],
    *,
    messages: Sequence[Message],
    opening: int,
    hour: bool,
) -> dict[str, object]:
    """The request's three parts, marked; `opening`: blocks of the first message that stay."""
    held = _HOUR if hour else _SHORT
    counts = [len(_content(message)) for message in messages]
    end = (len(messages) - 1, counts[-1] - 1)
    first = (0, min(opening, counts[0]) - 1)
    if len(messages) > 2 and sum(counts[-2:]) >= LOOK_BACK:
        first = (len(messages) - 3, counts[-3] - 1)
    return {
        "tools": [*tools[:-1], {**tools[-1], **held}],
        "system": [*system[:-1], {**system[-1], **held}],
        "messages": [
            _marked(message, [block for index, block in {first, end} if index == at])
            for at, message in enumerate(messages)
        ],
    }


def before(record: Record, *, prompt: str, messages: int, now: datetime) -> Before | None:
    """What the turn before tells; None at the first one. `messages`: how many there are."""
    noted = record.notes.get(f"{COST_OF_TURN}{record.turn - 1}")
    if noted is None:
        return None
    cost, fold = TurnCost.model_validate_json(noted), fold_of(record)
    changed = _changed(record.notes.get(PROMPT, prompt), prompt)
    if not changed and fold is not None and fold.messages == messages:
        changed = "old results were cleared"
    return Before(
        tokens=cost.usage.prompt_tokens,
        cached=bool(cost.usage.cache_read_tokens or cost.usage.cache_write_tokens),
        seconds=(now - cost.at).total_seconds(),
        model=cost.model,
        changed=changed,
    )


def why_missed(usage: Usage, was: Before | None, *, model: str) -> str:
    """Why less was read from the cache than the turn before had put there; empty when none is."""
    read = usage.cache_read_tokens
    if was is None:
        return "" if read else "first call: nothing was cached, or longer ago than it is held"
    if read >= NEARLY * was.tokens:
        return ""
    reasons = {
        was.changed: bool(was.changed),
        f"another model: {was.model} before": model != was.model,
        "the provider caches nothing, or the prompt is too short": not was.cached,
        "the turn before is older than an hour": was.seconds > HOUR_SECONDS,
        "the turn before is older than 5 minutes": was.seconds > SHORT_SECONDS,
    }
    holding = (reason for reason, holds in reasons.items() if holds)
    return next(holding, f"unknown: {read} of {was.tokens} tokens were there")


def _changed(noted: str, prompt: str) -> str:
    was, now = noted.split(), prompt.split()
    if was[:1] != now[:1]:
        return f"tools changed: {was[0]} before, {now[0]} now"
    if was[1:] != now[1:]:
        return f"system prompt changed: {was[-1]} before, {now[-1]} now"
    return ""


def _content(message: Message) -> list[Block]:
    content = message["content"]
    return content if isinstance(content, list) else [{}]


def _marked(message: Message, places: Sequence[int]) -> Message:
    content = message["content"]
    if not places or not isinstance(content, list):
        return message
    blocks = [{**block, **_SHORT} if at in places else block for at, block in enumerate(content)]
    return {**message, "content": blocks}
