"""A Messages API that answers what a test tells it to, and takes only what the real one takes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.model.known_models import known_model
from simulator.model.refusal import Refused
from simulator.model.rules import check
from simulator.model.shapes import MessagesRequest, parse
from simulator.model.signing import Signer

Block = dict[str, object]
KEY = "desk-key"
TOLD = "state ALARM since 03:00"
"""What comes with each incident of the tests, and what a diagnosis quotes for want of more."""


@dataclass(frozen=True)
class Said:
    """One reply, or one refusal, that a test has put down."""

    blocks: tuple[Block, ...] = ()
    stop_reason: str = "end_turn"
    thinking: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    held: asyncio.Event | None = None
    """The reply waits for it."""


@dataclass
class ModelDesk:
    """Answers with `replies` in order, then with the last one again and again."""

    replies: list[Said]
    bodies: list[dict[str, object]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    on_request: Callable[[int], None] = lambda number: None
    signer: Signer = field(default_factory=lambda: Signer(KEY))

    def app(self) -> Starlette:
        """The desk on the wire."""
        return Starlette(routes=[Route("/v1/messages", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        self.raw.append(body)
        self.bodies.append(json.loads(body))
        said = self.replies[min(len(self.bodies), len(self.replies)) - 1]
        self.on_request(len(self.bodies))
        try:
            prompt = parse(body, MessagesRequest)
            check(prompt, known_model(prompt.model), signer=self.signer)
        except Refused as refused:
            self.refused.append(refused.message)
            return JSONResponse(refused.body("req_1"), status_code=refused.status)
        if said.held is not None:
            await said.held.wait()
        if said.status != 200:
            error = {"type": "api_error", "message": f"status {said.status} as told"}
            answer = {"type": "error", "error": error}
            return JSONResponse(answer, status_code=said.status, headers=said.headers)
        answered = json.dumps(self._message(said, prompt))
        return Response(answered, media_type="application/json")

    def _message(self, said: Said, prompt: MessagesRequest) -> dict[str, object]:
        thought = said.thinking or "thinking about it"
        block = {
            "type": "thinking",
            "thinking": thought,
            "signature": self.signer.sign(thought, prompt),
        }
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": f"scripted:{prompt.model}",
            "content": [block, *said.blocks],
            "stop_reason": said.stop_reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 100} | said.usage,
        }


def text(words: str, stop_reason: str = "end_turn") -> Said:
    """A reply in plain text."""
    return Said(blocks=({"type": "text", "text": words},), stop_reason=stop_reason)


def asks(*calls: tuple[str, dict[str, object]], stop_reason: str = "tool_use") -> Said:
    """A reply that asks for those tools; the ids are unique."""
    blocks: tuple[Block, ...] = tuple(
        {"type": "tool_use", "id": f"tu_{id(arguments)}_{k}", "name": name, "input": arguments}
        for k, (name, arguments) in enumerate(calls, start=1)
    )
    return Said(blocks=blocks, stop_reason=stop_reason)


def submits(*quotes: tuple[str, str], **changes: object) -> Said:
    """A reply that submits a diagnosis with those (call id, quote) pairs, else with the alarm."""
    quotes = quotes or (("trigger:alarm", TOLD),)
    arguments: dict[str, object] = {
        "verdict": "fault",
        "summary": "The cart cannot be stored.",
        "root_cause": "AddItemAsync throws for loafers",
        "component": "cartservice",
        "evidence": [{"call_id": call_id, "quote": quote} for call_id, quote in quotes],
        "ruled_out": [],
        "gaps": [],
        "confidence": "high",
    }
    return asks(("submit_diagnosis", arguments | changes))
