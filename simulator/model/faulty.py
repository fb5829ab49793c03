"""What the scripted model does wrong on request: errors, and replies that are not as they ought.

Every one of them is an answer that the real API may give; what it never gives is not among them.
"""

from collections.abc import Callable
from dataclasses import replace

from simulator.faults import Fault
from simulator.model.conversation import Conversation
from simulator.model.diagnosis import LABEL
from simulator.model.quoting import SUBMIT
from simulator.model.refusal import Refused
from simulator.model.reply import ContentBlock, Written, thinking_block
from simulator.model.script import Call, Reply
from simulator.model.shapes import Adaptive, Enabled, MessagesRequest
from simulator.model.signing import Signer

PARALLEL_CALLS = 20
HUGE_CHARACTERS = 20_000
"""As many as fit into an ordinary reply; more would be cut off at `max_tokens`."""
FULL = "model_context_window_exceeded"
_ARGUMENTS: dict[str, object] = {"namespace": "boutique"}


def refuse(fault: Fault) -> None:
    """Raises Refused when the fault is an error of the API."""
    if fault.fault == "rate_limited":
        seconds = 1 if fault.seconds is None else round(fault.seconds)
        raise Refused(
            "This request would exceed your organization's rate limit",
            "rate_limit_error",
            headers={"retry-after": str(seconds)},
        )
    if fault.fault == "spend_limit":
        details = {"error_code": "enforced_spend_limit_reached"}
        raise Refused("The monthly spend limit is reached", "rate_limit_error", details=details)
    if fault.fault == "overloaded":
        raise Refused("Overloaded", "overloaded_error")
    if fault.fault == "api_error":
        raise Refused("Internal server error", "api_error")
    if fault.fault == "prompt_too_long":
        raise Refused("prompt is too long: 1000001 tokens > 1000000 maximum")
    if fault.fault == "timeout":
        raise Refused("Request timed out", "timeout_error")


def spoilt_reply(fault: Fault, reply: Reply, *, conversation: Conversation) -> Reply:
    """The reply with other calls than the script has; unchanged by any other fault."""

    def broken() -> tuple[Call, ...]:
        return tuple(_broken(call, fault, conversation=conversation) for call in reply.calls)

    some = _some_call(reply, conversation)
    calls: dict[str, Callable[[], tuple[Call, ...]]] = {
        "no_call": lambda: (),
        "endless_calls": lambda: (some,),
        "parallel_calls": lambda: (some,) * (fault.amount or PARALLEL_CALLS),
        "unknown_tool": lambda: (Call("kubernetes__delete_namespace", _ARGUMENTS),),
        "invented_quotes": lambda: (Call(SUBMIT, _invented(conversation)),),
        "wrong_types": broken,
        "missing_field": broken,
        "huge_arguments": broken,
    }
    made = calls.get(fault.fault)
    return replace(reply, calls=made()) if made is not None else reply


def spoilt_content(
    fault: Fault, written: Written, *, request: MessagesRequest, signer: Signer
) -> Written:
    """The content as the fault leaves it, with the stop reason that goes with it."""
    name = fault.fault
    if name == "refusal":
        details: dict[str, object] = {"type": "refusal", "category": "cyber"}
        details["explanation"] = "This request was declined."
        text: ContentBlock = {"type": "text", "text": f"{LABEL} I"}
        return replace(written, content=(text,), stop_reason="refusal", stop_details=details)
    if name == "context_window":
        return replace(written, content=_cut_off(written, in_call=False), stop_reason=FULL)
    if name in ("silence", "blank"):
        return _wordless(written, blank=name == "blank")
    if name in ("max_tokens_in_text", "max_tokens_in_call"):
        cut = _cut_off(written, in_call=name == "max_tokens_in_call")
        spent = request.max_tokens
        return replace(written, content=cut, stop_reason="max_tokens", output_tokens=spent)
    if name in ("thinking", "redacted_thinking") and _thinks(request):
        return replace(written, content=_thoughtful(fault, written, request=request, signer=signer))
    return written


def _wordless(written: Written, *, blank: bool) -> Written:
    if not blank:
        return replace(written, content=(), stop_reason="end_turn", output_tokens=3)
    empty: ContentBlock = {"type": "text", "text": "\n\n"}
    return replace(written, content=(*_thoughts(written), empty), stop_reason="end_turn")


def _thinks(request: MessagesRequest) -> bool:
    return isinstance(request.thinking, (Adaptive, Enabled))


def _some_call(reply: Reply, conversation: Conversation) -> Call:
    """The first tool call of the reply, else one of the first tool that is offered."""
    asked = [call for call in reply.calls if call.tool != SUBMIT]
    offered = [tool for tool in conversation.tools if tool != SUBMIT]
    return asked[0] if asked else Call(offered[0] if offered else "unknown", _ARGUMENTS)


def _invented(conversation: Conversation) -> dict[str, object]:
    known = [shown.call_id for shown in conversation.shown if shown.call_id]
    quotes = [f"panic: the moon is made of cheese, line {number}" for number in range(3)]
    named = [*known[:2], "9-9"]
    return {
        "verdict": "fault",
        "summary": f"{LABEL} The moon did it.",
        "root_cause": f"{LABEL} The moon is made of cheese.",
        "component": "moonservice",
        "evidence": [
            {"call_id": call_id, "quote": quote}
            for call_id, quote in zip(named, quotes, strict=False)
        ],
        "ruled_out": [],
        "gaps": [],
        "confidence": "high",
    }


def _broken(call: Call, fault: Fault, *, conversation: Conversation) -> Call:
    schema = conversation.tools.get(call.tool, {})
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    if fault.fault == "missing_field":
        kept = {key: value for key, value in call.arguments.items() if key not in needed}
        return replace(call, arguments=kept if needed else {})
    if fault.fault == "wrong_types":
        wrong = {key: _of_other_type(value) for key, value in call.arguments.items()}
        return replace(call, arguments=wrong)
    first = next(iter(call.arguments), "namespace")
    return replace(
        call, arguments=call.arguments | {first: "x" * (fault.amount or HUGE_CHARACTERS)}
    )


def _of_other_type(value: object) -> object:
    return [value] if isinstance(value, (str, int, float, dict)) else "all of them"


def _thoughts(written: Written) -> tuple[ContentBlock, ...]:
    return tuple(block for block in written.content if "thinking" in str(block["type"]))


def _cut_off(written: Written, *, in_call: bool) -> tuple[ContentBlock, ...]:
    """What was written when there was no room left: half a text, or half the last call's input."""
    calls = [block for block in written.content if block["type"] == "tool_use"]
    if in_call and calls:
        given = calls[-1]["input"]
        fields = list(given.items()) if isinstance(given, dict) else []
        half = calls[-1] | {"input": dict(fields[: len(fields) // 2])}
        return (*(block for block in written.content if block is not calls[-1]), half)
    said = " ".join(str(block["text"]) for block in written.content if block["type"] == "text")
    return (*_thoughts(written), {"type": "text", "text": said[: max(1, len(said) // 2)].rstrip()})


def _thoughtful(
    fault: Fault, written: Written, *, request: MessagesRequest, signer: Signer
) -> tuple[ContentBlock, ...]:
    if fault.fault == "redacted_thinking":
        first: ContentBlock = {"type": "redacted_thinking", "data": signer.redact(request)}
        return (first, *(block for block in written.content if block not in _thoughts(written)))
    more, _ = thinking_block(f"{LABEL} And one more thought.", request, signer=signer)
    calls = tuple(block for block in written.content if block["type"] == "tool_use")
    before = tuple(block for block in written.content if block["type"] != "tool_use")
    return (*before, more, *calls)
