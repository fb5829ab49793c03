"""Where a request marks its prompt for the cache, in the order in which a prompt is read."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.model.refusal import Refused
from simulator.model.shapes import (
    Block,
    CacheControl,
    Prompt,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolResultBlock,
)

MOST = 4
_Placed = tuple[str, CacheControl | None]
SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True)
class Breakpoint:
    """A marker: the part of the prompt that it closes, counted from 0, and how long it holds."""

    part: int
    place: str
    ttl: str


def breakpoints(prompt: Prompt) -> list[Breakpoint]:
    """The markers of the prompt; the one for the whole request stands at its last block."""
    controls = list(_controls(prompt))
    marked = [
        Breakpoint(part, place, control.ttl)
        for part, places in enumerate(controls)
        for place, control in places
        if control is not None
    ]
    last = len(controls) - 1
    if prompt.cache_control and not (marked and marked[-1].part == last):
        marked.append(Breakpoint(last, "body", prompt.cache_control.ttl))
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


def _controls(prompt: Prompt) -> Iterator[list[_Placed]]:
    """For each part of the prompt the places where a marker may stand."""
    for position, tool in enumerate(prompt.tools):
        yield [(f"tools.{position}", tool.cache_control)]
    for position, text in enumerate(prompt.system):
        yield [(f"system.{position}", text.cache_control)]
    for index, message in enumerate(prompt.messages):
        for position, block in enumerate(message.content):
            yield _of_block(block, f"messages.{index}.content.{position}")


def _of_block(block: Block, place: str) -> list[_Placed]:
    if isinstance(block, (ThinkingBlock, RedactedThinkingBlock)):
        return []
    nested: list[_Placed] = []
    if isinstance(block, ToolResultBlock):
        for position, text in enumerate(block.content):
            nested.append((f"{place}.content.{position}", text.cache_control))
    return [*nested, (place, block.cache_control)]
