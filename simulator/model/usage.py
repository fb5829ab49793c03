"""What a request costs: the tokens it holds, and which of them the prompt cache already had.

The formula. A prompt is a row of parts in the order tools, system, messages; a part is one tool,
one system block or one content block with its role, as canonical JSON without cache markers. The
tokens of the first n parts are ceil(characters / 3.5), counted over all n together, so that sums
agree. Output tokens are ceil(characters / 3.5) of the reply's blocks, thinking included.

The cache. An entry stands for the exact bytes of a prefix that a breakpoint closed, for one model;
from the first message on, also for the tool choice and the way of thinking. A breakpoint finds the
nearest entry at its own part or one of the 19 before it; the longest find of all breakpoints is
read, what lies between it and the last breakpoint is written. Prefixes below 1,024 tokens are not
cached. An entry holds for 5 minutes or an hour after its last use.
"""

import hashlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator.model.breakpoints import SECONDS, Breakpoint, breakpoints
from simulator.model.shapes import Prompt
from simulator.model.speeches import parts

CHARACTERS_PER_TOKEN = 3.5
LEAST_TOKENS = 1024
LOOK_BACK = 20


@dataclass(frozen=True)
class Usage:
    """How many tokens of a request were new, read from the cache, or written to it."""

    input_tokens: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def total(self) -> int:
        """All tokens of the prompt."""
        return self.input_tokens + self.read + self.written_5m + self.written_1h

    def described(self, output_tokens: int, thinking_tokens: int) -> dict[str, object]:
        """The `usage` of a reply."""
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
            "output_tokens": output_tokens,
            "output_tokens_details": {"thinking_tokens": thinking_tokens},
            "service_tier": "standard",
        }


def tokens(characters: int) -> int:
    """The tokens of so many characters."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def prompt_tokens(prompt: Prompt) -> int:
    """All tokens of the prompt."""
    return tokens(sum(len(part) for part in parts(prompt)))


class PromptCache:
    """Remembers prefixes; `clock` tells monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, float]] = {}

    def account(self, prompt: Prompt) -> Usage:
        """What the prompt costs now; the cache holds afterwards what its breakpoints closed."""
        told = parts(prompt)
        counted = [tokens(count) for count in itertools.accumulate(len(part) for part in told)]
        keys = _keys(prompt, told)
        marked = [each for each in breakpoints(prompt) if counted[each.part] >= LEAST_TOKENS]
        now = self._clock()
        found = max((self._nearest(keys, each, now=now) for each in marked), default=-1)
        read = counted[found] if found >= 0 else 0
        if found >= 0:
            self._use(keys[found], self._entries[keys[found]][1], now=now)
        written = {"1h": 0, "5m": 0}
        upto = read
        for each in marked:
            self._use(keys[each.part], SECONDS[each.ttl], now=now)
            written[each.ttl] += max(0, counted[each.part] - upto)
            upto = max(upto, counted[each.part])
        return Usage(counted[-1] - upto, read, written["5m"], written["1h"])

    def _nearest(self, keys: list[str], each: Breakpoint, *, now: float) -> int:
        for part in range(each.part, max(-1, each.part - LOOK_BACK), -1):
            if self._entries.get(keys[part], (0.0, 0.0))[0] > now:
                return part
        return -1

    def _use(self, key: str, seconds: float, *, now: float) -> None:
        held_for = max(seconds, self._entries.get(key, (0.0, 0.0))[1])
        if self._entries.get(key, (0.0, 0.0))[0] <= now:
            held_for = seconds
        self._entries[key] = (now + held_for, held_for)


def _keys(prompt: Prompt, told: list[str]) -> list[str]:
    """The name of the prefix that ends with each part."""
    before_messages = len(prompt.tools) + len(prompt.system)
    running = hashlib.sha256(prompt.model.encode())
    keys = []
    for position, part in enumerate(told):
        if position == before_messages:
            running.update(f"\0{prompt.tool_choice!r}\0{prompt.thinking!r}".encode())
        running.update(b"\0" + part.encode())
        keys.append(running.hexdigest())
    return keys
