"""What a request of the right shape must hold besides: roles, calls and answers, tools, thinking.

The sentences follow those of the real API, so that what a caller learns here is true there.
"""

from collections.abc import Iterable

from simulator.model.breakpoints import check_breakpoints
from simulator.model.known_models import KnownModel
from simulator.model.refusal import Refused
from simulator.model.schemas import check_schemas
from simulator.model.shapes import (
    BetweenTools,
    Block,
    Enabled,
    Forced,
    ForcedByName,
    MessagesRequest,
    Prompt,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from simulator.model.signing import Signer
from simulator.model.speeches import Speech, speeches

MOST_MESSAGES = 100_000
_ONLY_IN = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
}
_ANSWER_EACH = (
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)
_ASK_FIRST = (
    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
)
_THINK_FIRST = (
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block "
    "(preceding the lastmost set of `tool_use` and `tool_result` blocks)."
)


def check(prompt: Prompt, model: KnownModel, *, signer: Signer) -> None:
    """The prompt may be answered. Raises Refused with the first rule that it breaks."""
    if len(prompt.messages) > MOST_MESSAGES:
        raise Refused(f"messages: at most {MOST_MESSAGES} messages may be sent in one request")
    _check_roles(prompt)
    _check_text(prompt)
    said = speeches(prompt.messages)
    _check_calls(said)
    _check_tools(prompt)
    check_schemas(prompt)
    check_breakpoints(prompt)
    _check_thinking_mode(prompt, model)
    _check_thinking_first(prompt, said)
    signer.check(prompt)


def check_limits(request: MessagesRequest, model: KnownModel, *, input_tokens: int) -> None:
    """The reply and the prompt fit the model. Raises Refused."""
    if request.max_tokens > model.max_output_tokens:
        raise Refused(
            f"max_tokens: {request.max_tokens} > {model.max_output_tokens}, which is the maximum "
            f"allowed number of output tokens for {model.id}"
        )
    if any(not sequence.strip() for sequence in request.stop_sequences):
        raise Refused("stop_sequences: each stop sequence must contain non-whitespace")
    thinking = request.thinking
    if isinstance(thinking, Enabled) and 0 < request.max_tokens <= thinking.budget_tokens:
        raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if input_tokens > model.max_input_tokens:
        raise Refused(
            f"prompt is too long: {input_tokens} tokens > {model.max_input_tokens} maximum"
        )


def _check_roles(prompt: Prompt) -> None:
    if not prompt.messages:
        raise Refused("messages: at least one message is required")
    if prompt.messages[0].role != "user":
        raise Refused('messages: first message must use the "user" role')
    if prompt.messages[-1].role != "user":
        raise Refused(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    for index, message in enumerate(prompt.messages):
        if not message.content:
            raise Refused(f"messages.{index}: all messages must have non-empty content")
        for position, block in enumerate(message.content):
            only = _ONLY_IN.get(block.type, message.role)
            if only != message.role:
                raise Refused(
                    f"messages.{index}.content.{position}: `{block.type}` blocks can only be "
                    f"in `{only}` messages"
                )


def _check_text(prompt: Prompt) -> None:
    _check_text_blocks("system", prompt.system)
    for index, message in enumerate(prompt.messages):
        _check_text_blocks("messages", message.content)
        for position, block in enumerate(message.content):
            if isinstance(block, ToolResultBlock):
                _check_text_blocks("messages", block.content)
            if isinstance(block, TextBlock) and block.citations and message.role == "user":
                raise Refused(
                    f"messages.{index}.content.{position}.text.citations: "
                    "citations are not permitted in user messages"
                )


def _check_text_blocks(where: str, blocks: Iterable[Block]) -> None:
    for position, block in enumerate(blocks):
        if not isinstance(block, TextBlock) or block.text.strip():
            continue
        if block.cache_control:
            raise Refused(f"{where}.{position}: cache_control cannot be set for empty text blocks")
        if block.text:
            raise Refused(f"{where}: text content blocks must contain non-whitespace text")
        raise Refused(f"{where}: text content blocks must be non-empty")


def _check_calls(said: list[Speech]) -> None:
    seen: set[str] = set()
    asked: list[str] = []
    for position, speech in enumerate(said):
        _check_answers(speech, set(asked))
        asked = []
        for place, call in speech.of(ToolUseBlock):
            if call.id in seen:
                raise Refused(f"{place}: `tool_use` ids must be unique")
            seen.add(call.id)
            asked.append(call.id)
        answered = _answered(said[position + 1 :])
        missing = [call_id for call_id in asked if call_id not in answered]
        if missing:
            raise Refused(
                f"messages.{speech.index}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. {_ANSWER_EACH}"
            )


def _answered(following: list[Speech]) -> set[str]:
    """The calls that the next speech answers before it says anything else."""
    answered: set[str] = set()
    for _, block in following[0].blocks if following else []:
        if not isinstance(block, ToolResultBlock):
            break
        answered.add(block.tool_use_id)
    return answered


def _check_answers(speech: Speech, asked: set[str]) -> None:
    answered: set[str] = set()
    for place, result in speech.of(ToolResultBlock):
        if result.tool_use_id not in asked:
            raise Refused(
                f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{result.tool_use_id}. {_ASK_FIRST}"
            )
        if result.tool_use_id in answered:
            raise Refused(
                f"{place}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {result.tool_use_id}"
            )
        answered.add(result.tool_use_id)


def _check_tools(prompt: Prompt) -> None:
    names = [tool.name for tool in prompt.tools]
    if len(set(names)) != len(names):
        raise Refused("tools: Tool names must be unique.")
    if isinstance(prompt.tool_choice, (Forced, ForcedByName)):
        raise Refused('tool_choice: type "tool" and "any" are not supported for this model.')
    if prompt.tool_choice is not None and not names:
        raise Refused("tool_choice: may only be specified while providing `tools`.")


def _check_thinking_mode(prompt: Prompt, model: KnownModel) -> None:
    if prompt.thinking is None:
        return
    kind = prompt.thinking.type
    if kind not in model.thinking:
        instead = "adaptive" if "adaptive" in model.thinking else "enabled"
        if kind == "disabled" and "between_tools" in model.thinking:
            instead = "between_tools"
        hint = f'"thinking.type.{instead}"'
        if kind == "enabled":
            hint += ' and "output_config.effort" to control thinking behavior'
        raise Refused(f'"thinking.type.{kind}" is not supported for this model. Use {hint}.')
    if isinstance(prompt.thinking, BetweenTools) and prompt.output_config.effort in (
        "xhigh",
        "max",
    ):
        raise Refused(
            f'"thinking.type.between_tools" is not supported at effort '
            f'"{prompt.output_config.effort}".'
        )


def _check_thinking_first(prompt: Prompt, said: list[Speech]) -> None:
    """Thinking that led to the calls now answered must be there, ahead of them."""
    if prompt.thinking is None or prompt.thinking.type not in ("adaptive", "enabled"):
        return
    replies = [speech for speech in said if speech.role == "assistant"]
    if not replies or not replies[-1].of(ToolUseBlock):
        return
    place, first = replies[-1].blocks[0]
    if not isinstance(first, (ThinkingBlock, RedactedThinkingBlock)):
        raise Refused(
            f"{place}.type: Expected `thinking` or `redacted_thinking`, but found `{first.type}`. "
            f"{_THINK_FIRST}"
        )
