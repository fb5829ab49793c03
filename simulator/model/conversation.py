"""What the scripted model was told and shown so far, read from the messages alone."""

import re
from dataclasses import dataclass, field

from simulator.model.shapes import (
    Automatic,
    NoTool,
    Prompt,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from simulator.model.speeches import Speech, speeches

_RESULT = re.compile(r"<result (\S+) (\S+)>\n(.*?)\n?</result \1 \2>", re.DOTALL)
_NUMBERED = re.compile(r"^ *(\d+)\| ?(.*)$")
_ROLLOUTS = re.compile(r"<(data rollouts [0-9a-f]+)>.*?</\1>", re.DOTALL)
_QUOTED = re.compile(r"<(\S+ \S+ \S+)>\n.*?</\1>", re.DOTALL)
_CONCLUDE = re.compile(r"\bconclude\b", re.IGNORECASE)


@dataclass(frozen=True)
class ShownLine:
    """One numbered line of a result: what may be quoted."""

    number: int
    text: str


@dataclass(frozen=True)
class Shown:
    """One result as it was shown; `call_id` is empty where it carries none, as errors may."""

    tool: str
    call_id: str
    arguments: dict[str, object]
    text: str
    lines: tuple[ShownLine, ...]
    is_error: bool


@dataclass(frozen=True)
class Conversation:
    """The whole of it, as far as a script needs it."""

    opening: str
    replies_with_calls: int
    shown: tuple[Shown, ...]
    told_to_conclude: bool
    tools: dict[str, dict[str, object]]
    one_call_at_a_time: bool
    descriptions: dict[str, str] = field(default_factory=dict)
    """What each offered tool says of itself."""

    def of(self, tool: str) -> list[Shown]:
        """The results of one tool, in the order in which they were shown."""
        return [shown for shown in self.shown if shown.tool == tool]


def read_conversation(prompt: Prompt) -> Conversation:
    """The conversation of a prompt that may be answered.

    What stands between markers is told by others: no word in it is an order to conclude.
    """
    said = speeches(prompt.messages)
    replies = [speech for speech in said if speech.role == "assistant"]
    choice = prompt.tool_choice
    offered = () if isinstance(choice, NoTool) else prompt.tools
    return Conversation(
        opening=_without_rollouts(_text_of(said[0])),
        replies_with_calls=sum(1 for speech in replies if speech.of(ToolUseBlock)),
        shown=_shown(said),
        told_to_conclude=bool(_CONCLUDE.search(_QUOTED.sub("", _text_of(said[-1])))),
        tools={tool.name: tool.input_schema.model_dump(exclude_none=True) for tool in offered},
        one_call_at_a_time=isinstance(choice, Automatic) and choice.disable_parallel_tool_use,
        descriptions={tool.name: tool.description or "" for tool in offered},
    )


def opening_of(prompt: Prompt) -> str:
    """The text with which the conversation opens; a prompt that will be refused has one too."""
    first = prompt.messages[0].content if prompt.messages else []
    return _without_rollouts("\n".join(b.text for b in first if isinstance(b, TextBlock)))


def _without_rollouts(opening: str) -> str:
    """They name every service, so nobody must take them for the one that the alarm is about."""
    return _ROLLOUTS.sub("", opening)


def _text_of(speech: Speech) -> str:
    return "\n".join(block.text for _, block in speech.of(TextBlock))


def _shown(said: list[Speech]) -> tuple[Shown, ...]:
    calls = {
        block.id: block
        for speech in said
        if speech.role == "assistant"
        for _, block in speech.of(ToolUseBlock)
    }
    return tuple(
        _read_result(calls[result.tool_use_id], result)
        for speech in said
        for _, result in speech.of(ToolResultBlock)
    )


def _read_result(call: ToolUseBlock, result: ToolResultBlock) -> Shown:
    marked = _RESULT.search(result.text)
    lines = []
    for line in marked[3].split("\n") if marked else []:
        numbered = _NUMBERED.match(line)
        if numbered:
            lines.append(ShownLine(int(numbered[1]), numbered[2]))
    return Shown(
        tool=call.name,
        call_id=marked[1] if marked else "",
        arguments=call.input,
        text=result.text,
        lines=tuple(lines),
        is_error=result.is_error,
    )
