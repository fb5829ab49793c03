"""A scripted reply as the API sends it, as one message or as a stream of events."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.model.known_models import known_model
from simulator.model.script import Call, Reply
from simulator.model.shapes import Adaptive, Enabled, MessagesRequest
from simulator.model.signing import Signer
from simulator.model.usage import Usage, tokens

ContentBlock = dict[str, object]


@dataclass(frozen=True)
class Written:
    """The content of a reply within `max_tokens`, with its tokens."""

    content: tuple[ContentBlock, ...]
    stop_reason: str
    output_tokens: int
    thinking_tokens: int
    stop_details: dict[str, object] | None = None

    def message(self, model: str, usage: Usage) -> dict[str, object]:
        """The body of the answer; the model's name says that it is scripted."""
        return {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": "message",
            "role": "assistant",
            "model": f"scripted:{model}",
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details,
            "usage": usage.described(self.output_tokens, self.thinking_tokens),
        }


def write(reply: Reply, request: MessagesRequest, *, signer: Signer) -> Written:
    """The reply as blocks; those that do not fit into `max_tokens` are left out."""
    blocks: list[tuple[ContentBlock, int]] = []
    thinking = request.thinking
    thinking_tokens = 0
    if isinstance(thinking, (Adaptive, Enabled)):
        blocks.append(thinking_block(reply.thinking, request, signer=signer))
        thinking_tokens = tokens(blocks[0][1])
    blocks.append(({"type": "text", "text": reply.text}, len(reply.text)))
    blocks += [
        (_tool_use(call), len(_compact(call.arguments)) + len(call.tool)) for call in reply.calls
    ]
    content: list[ContentBlock] = []
    characters = 0
    for block, length in blocks:
        if tokens(characters + length) > request.max_tokens:
            spent = min(thinking_tokens, request.max_tokens)
            return Written(tuple(content), "max_tokens", request.max_tokens, spent)
        content.append(block)
        characters += length
    stop_reason = "tool_use" if reply.calls else "end_turn"
    return Written(tuple(content), stop_reason, tokens(characters), thinking_tokens)


def as_events(message: dict[str, object]) -> Iterator[bytes]:
    """The reply as server-sent events, each block in one delta."""
    content, usage = message["content"], message["usage"]
    stop = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    start = message | {"content": [], "stop_reason": None, "stop_details": None}
    yield _event("message_start", message=start)
    for index, block in enumerate(content if isinstance(content, list) else []):
        empty, deltas = _deltas(block)
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    yield _event("message_delta", delta=stop, usage=usage)
    yield _event("message_stop")


def thinking_block(
    text: str, request: MessagesRequest, *, signer: Signer
) -> tuple[ContentBlock, int]:
    """What is not displayed is written and paid for all the same."""
    chosen = request.thinking
    display = chosen.display if isinstance(chosen, (Adaptive, Enabled)) else None
    shown = text if (display or known_model(request.model).display) == "summarized" else ""
    signature = signer.sign(shown, request)
    return {"type": "thinking", "thinking": shown, "signature": signature}, len(text)


def _tool_use(call: Call) -> ContentBlock:
    use_id = f"toolu_{secrets.token_hex(12)}"
    return {"type": "tool_use", "id": use_id, "name": call.tool, "input": call.arguments}


def _deltas(block: ContentBlock) -> tuple[ContentBlock, list[ContentBlock]]:
    kind = block["type"]
    if kind == "text":
        return block | {"text": ""}, [{"type": "text_delta", "text": block["text"]}]
    if kind == "thinking":
        deltas: list[ContentBlock] = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        return block | {"thinking": "", "signature": ""}, deltas
    if kind == "redacted_thinking":
        return block, []
    return block | {"input": {}}, [
        {"type": "input_json_delta", "partial_json": _compact(block["input"])}
    ]


def _event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {_compact({'type': name} | fields)}\n\n".encode()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
