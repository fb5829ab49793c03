"""The shape of a request: which fields and blocks there are, and no others.

Of the real API's blocks those are known that an agent with text tools sends: text, thinking,
redacted_thinking, tool_use and tool_result. Any other one is refused as unknown.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)

from simulator.model.refusal import Refused

ToolUseId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class Shape(BaseModel):
    """A JSON object that takes the fields it names and no more; nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _as_blocks(content: object) -> object:
    """A plain string is short for one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class CacheControl(Shape):
    """A breakpoint of the prompt cache."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class TextBlock(Shape):
    """Plain text."""

    type: Literal["text"]
    text: str
    citations: list[object] | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Shape):
    """Thinking as this API wrote it, with its signature."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(Shape):
    """Thinking that nobody may read."""

    type: Literal["redacted_thinking"]
    encrypted: str = Field(alias="data")


class ToolUseBlock(Shape):
    """A call that the model asked for."""

    type: Literal["tool_use"]
    id: ToolUseId
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    input: dict[str, object]
    caller: dict[str, object] | None = None
    toolset_name: str | None = None
    cache_control: CacheControl | None = None


class ToolResultBlock(Shape):
    """The answer to one call."""

    type: Literal["tool_result"]
    tool_use_id: ToolUseId
    content: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = Field(default_factory=list)
    is_error: bool = False
    toolset_name: str | None = None
    cache_control: CacheControl | None = None

    @property
    def text(self) -> str:
        """All that the result says."""
        return "\n".join(block.text for block in self.content)


Block = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock | ToolResultBlock


class Message(Shape):
    """What one side said."""

    role: Literal["user", "assistant"]
    content: Annotated[
        list[Annotated[Block, Field(discriminator="type")]], BeforeValidator(_as_blocks)
    ]


class InputSchema(BaseModel):
    """A JSON schema of an object."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    type: Literal["object"]
    properties: dict[str, object] | None = None
    required: list[str] | None = None


class Tool(Shape):
    """A tool that the caller runs."""

    name: ToolName
    input_schema: InputSchema
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    input_examples: list[dict[str, object]] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    cache_control: CacheControl | None = None


def _kind_of_tool(tool: object) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind if isinstance(kind, str) else "custom"


class Automatic(Shape):
    """The model decides whether it calls a tool."""

    type: Literal["auto"]
    disable_parallel_tool_use: bool = False


class Forced(Shape):
    """Some tool has to be called."""

    type: Literal["any"]
    disable_parallel_tool_use: bool = False


class ForcedByName(Shape):
    """One certain tool has to be called."""

    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: bool = False


class NoTool(Shape):
    """No tool may be called."""

    type: Literal["none"]


class Adaptive(Shape):
    """The model thinks as it sees fit."""

    type: Literal["adaptive"]
    display: Literal["summarized", "omitted"] | None = None


class Enabled(Shape):
    """The model thinks within a budget; older models only."""

    type: Literal["enabled"]
    budget_tokens: int = Field(ge=1024)
    display: Literal["summarized", "omitted"] | None = None


class Disabled(Shape):
    """The model does not think."""

    type: Literal["disabled"]


class BetweenTools(Shape):
    """The model thinks between tool calls only."""

    type: Literal["between_tools"]


class OutputConfig(Shape):
    """How much effort a reply is worth."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class Metadata(Shape):
    """Who asked."""

    user_id: Annotated[str, StringConstraints(max_length=256)] | None = None


class Diagnostics(Shape):
    """Which reply came before this one."""

    previous_message_id: str | None = None


class Prompt(Shape):
    """What the model reads: the body of count_tokens, and most of that of messages."""

    model: str
    messages: list[Message]
    system: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = Field(default_factory=list)
    tools: list[Annotated[Annotated[Tool, Tag("custom")], Discriminator(_kind_of_tool)]] = Field(
        default_factory=list
    )
    tool_choice: (
        Annotated[Automatic | Forced | ForcedByName | NoTool, Field(discriminator="type")] | None
    ) = None
    thinking: (
        Annotated[Adaptive | Enabled | Disabled | BetweenTools, Field(discriminator="type")] | None
    ) = None
    output_config: OutputConfig = OutputConfig()
    cache_control: CacheControl | None = None


class MessagesRequest(Prompt):
    """The body of `POST /v1/messages`; since version 2026-10-21 without sampling parameters."""

    max_tokens: int = Field(ge=0)
    stream: bool = False
    stop_sequences: list[str] = Field(default_factory=list)
    metadata: Metadata | None = None
    diagnostics: Diagnostics | None = None
    service_tier: Literal["auto", "standard_only"] = "auto"
    inference_geo: str | None = None


AnyPrompt = TypeVar("AnyPrompt", bound=Prompt)


def parse(body: bytes, shape: type[AnyPrompt]) -> AnyPrompt:
    """The request, known to have the right shape. Raises Refused naming the first wrong place."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
    if first["type"] == "json_invalid":
        raise Refused(f"The request body is not valid JSON: {first['msg']}")
    place = ".".join(str(part) for part in first["loc"]) or "body"
    raise Refused(f"{place}: {first['msg']}")
