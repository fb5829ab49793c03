"""Where a request marks its prompt for the cache, in the order in which a prompt is read."""

from dataclasses import dataclass

from simulator.model.refusal import Refused
from simulator.model.shapes import (
    CacheControl,
    Prompt,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolResultBlock,
)

MOST = 4
SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True)
class Breakpoint:
    """A marker: after which part of the prompt it stands, counted from 0, and for how long it holds."""

    part: int
    place: str
    ttl: str


def breakpoints(prompt: Prompt) -> list[Breakpoint]:
    """The markers of the prompt; the one for the whole request stands at its last block."""
    marked: list[Breakpoint] = []
    part = 0
    for where, blocks in (("tools", prompt.tools), ("system", prompt.system)):
        for position, block in enumerate(blocks):
            _mark(marked, block.cache_control, f"{where}.{position}", part)
            part += 1
    for index, message in enumerate(prompt.messages):
        for position, block in enumerate(message.content):
            place = f"messages.{index}.content.{position}"
            if isinstance(block, ToolResultBlock):
                for inner, text in enumerate(block.content):
                    _mark(marked, text.cache_control, f"{place}.content.{inner}", part)
            if not isinstance(block, (ThinkingBlock, RedactedThinkingBlock)):
                _mark(marked, block.cache_control, place, part)
            part += 1
    if not marked or marked[-1].part != part - 1:
        _mark(marked, prompt.cache_control, "body", part - 1)
    return marked


def check_breakpoints(prompt: Prompt) -> None:
    """There are not too many, and those that hold longer come first. Raises Refused."""
    marked = breakpoints(prompt)
    if len(marked) > MOST:
        raise Refused(
            f"A maximum of {MOST} blocks with cache_control may be provided. Found {len(marked)}."
        )
    shorter = False
    for each in marked:
        if each.ttl == "1h" and shorter:
            raise Refused(
                f"{each.place}.cache_control.ttl: a ttl='1h' cache_control block must not come "
                "after a ttl='5m' cache_control block. Note that blocks are processed in the "
                "following order: `tools`, `system`, `messages`."
            )
        shorter = shorter or each.ttl == "5m"


def _mark(marked: list[Breakpoint], control: CacheControl | None, place: str, part: int) -> None:
    if control is not None:
        marked.append(Breakpoint(part, place, control.ttl))
