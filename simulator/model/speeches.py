"""Messages as the API reads them: neighbours of one role are one speech."""

from dataclasses import dataclass, field
from typing import Literal, TypeVar

from simulator.model.shapes import (
    Block,
    Message,
    Prompt,
    TextBlock,
    Tool,
    ToolResultBlock,
    ToolUseBlock,
)

_Block = TypeVar("_Block", TextBlock, ToolUseBlock, ToolResultBlock)


@dataclass
class Speech:
    """All that one side said before the other side spoke again."""

    role: Literal["user", "assistant"]
    index: int
    blocks: list[tuple[str, Block]] = field(default_factory=list)

    def of(self, kind: type[_Block]) -> list[tuple[str, _Block]]:
        """The blocks of one kind, each with its place such as `messages.2.content.0`."""
        return [(place, block) for place, block in self.blocks if isinstance(block, kind)]


def speeches(messages: list[Message]) -> list[Speech]:
    """The messages with neighbours of one role joined; `index` is that of the first one."""
    joined: list[Speech] = []
    for index, message in enumerate(messages):
        if not joined or joined[-1].role != message.role:
            joined.append(Speech(message.role, index))
        for position, block in enumerate(message.content):
            joined[-1].blocks.append((f"messages.{index}.content.{position}", block))
    return joined


def canonical(part: Tool | Block) -> str:
    """A block or a tool as JSON, the same for the same meaning, without its cache marker."""
    if isinstance(part, ToolResultBlock):
        return part.model_dump_json(
            exclude={"cache_control": True, "content": {"__all__": {"cache_control"}}},
            exclude_none=True,
        )
    return part.model_dump_json(exclude={"cache_control"}, exclude_none=True)


def parts(prompt: Prompt) -> list[str]:
    """The prompt as it is read: tools, system, then every block with its role."""
    told = [canonical(tool) for tool in prompt.tools]
    told += [canonical(block) for block in prompt.system]
    for message in prompt.messages:
        told += [f'"{message.role}":{canonical(block)}' for block in message.content]
    return told
