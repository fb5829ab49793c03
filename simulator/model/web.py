"""The scripted model on the wire: `POST /v1/messages`, `count_tokens` and the list of models."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import Fault, Faults
from simulator.model.conversation import Conversation, opening_of, read_conversation
from simulator.model.faulty import refuse, spoilt_content, spoilt_reply
from simulator.model.gateway import passed_on
from simulator.model.known_models import MODELS, known_model
from simulator.model.plain import plain_model, refuse_extras
from simulator.model.refusal import Refused
from simulator.model.reply import Written, as_events, write
from simulator.model.rules import check, check_limits
from simulator.model.script import Reply, next_reply
from simulator.model.shapes import MessagesRequest, Prompt, parse
from simulator.model.signing import Signer
from simulator.model.unruly import kind_in, unruly
from simulator.model.usage import PromptCache, Usage, prompt_tokens
from simulator.request_log import RequestLog
from simulator.scenario import Scenario
from simulator.striking import NO_ANSWER, SILENT, silence, spoilt

SIGNING_NAME = "scripted model"
"""Signatures outlive a restart of the stand-in, as the real ones do."""
STAND_IN = "model"
VERSIONS = ("2023-06-01", "2026-10-21")
MOST_BYTES = 32 * 1024 * 1024
OPENING_LOGGED = 600
"""Characters of the first message in the log: enough to tell which incident was asked about."""

_Facts = dict[str, object]
_Answer = Callable[[Request, _Facts], Awaitable[Response]]


def build_model(
    scenario: Scenario | Callable[[Conversation], Reply],
    log: RequestLog,
    *,
    api_key: str,
    seconds_per_reply: float = 0.0,
    faults: Faults | None = None,
) -> Starlette:
    """An app that answers the one `api_key` as api.anthropic.com does, by the scenario's script.

    In place of a scenario it takes a function that says what comes next in a conversation.
    The client's base address is `http://host:port`. Every reply takes `seconds_per_reply` and says
    that it is scripted, unless one of the `faults` strikes.
    """
    desk = _Desk(scenario, log, api_key=api_key, faults=faults or Faults())
    desk.seconds_per_reply = seconds_per_reply
    return _served_by(desk)


def build_plain_model(scenario: Scenario, log: RequestLog, *, api_key: str) -> Starlette:
    """The same script as a server of one's own answers with it; see `simulator.model.plain`."""
    desk = _Desk(scenario, log, api_key=api_key, faults=Faults())
    desk.plain = True
    return _served_by(desk)


def _served_by(desk: "_Desk") -> Starlette:
    return Starlette(
        routes=[
            Route("/v1/messages", desk.answering(desk.create), methods=["POST"]),
            Route("/v1/messages/count_tokens", desk.answering(desk.count), methods=["POST"]),
            Route("/v1/models", desk.answering(desk.list_models)),
            Route("/v1/models/{model_id}", desk.answering(desk.show_model)),
        ]
    )


class _Desk:
    def __init__(
        self,
        scenario: Scenario | Callable[[Conversation], Reply],
        log: RequestLog,
        *,
        api_key: str,
        faults: Faults,
    ) -> None:
        self._reply: Callable[[Conversation], Reply] = (
            partial(_scripted, scenario) if isinstance(scenario, Scenario) else scenario
        )
        self._log = log
        self._api_key = api_key
        self._faults = faults
        self._signer = Signer(SIGNING_NAME)
        self.seconds_per_reply = 0.0
        self.plain = False
        self._cache = PromptCache(time.monotonic)

    def answering(self, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint with what all share: key, version, faults, the log, and refusals."""

        async def respond(request: Request) -> Response:
            request_id = f"req_{secrets.token_hex(12)}"
            asked = f"{request.method} {request.url.path}"
            facts: _Facts = {"request_id": request_id, "began_at": datetime.now(UTC).isoformat()}
            try:
                _check_key(request, self._api_key)
                _check_version(request)
                response = await answer(request, facts)
            except Refused as refused:
                facts |= {"error": refused.kind, "message": refused.message}
                response = JSONResponse(refused.body(request_id), refused.status, refused.headers)
            fault: Fault | None = getattr(request.state, "fault", None)
            response.headers["request-id"] = request_id
            self._log.record(STAND_IN, asked, status=response.status_code, **facts)
            if fault is not None and fault.fault in SILENT:
                return await silence(fault, request)
            return await spoilt(fault, passed_on(fault, response), request=request)

        return respond

    async def create(self, request: Request, facts: _Facts) -> Response:
        wanted = parse(await _body(request), MessagesRequest)
        facts |= {"opening": opening_of(wanted)[:OPENING_LOGGED], "messages": len(wanted.messages)}
        fault = self._struck(request, f"{opening_of(wanted)} {wanted.model}", facts=facts)
        if fault is not None and fault.fault in SILENT:
            return Response(status_code=NO_ANSWER)
        if fault is not None and fault.fault == "bad_gateway":
            return Response(status_code=502)
        if fault is not None:
            refuse(fault)
        model = plain_model(wanted.model) if self.plain else known_model(wanted.model)
        if self.plain:
            refuse_extras(wanted)
        check(wanted, model, signer=self._signer)
        check_limits(wanted, model, input_tokens=prompt_tokens(wanted))
        usage = self._cache.account(wanted)
        conversation = read_conversation(wanted)
        reply = self._reply(conversation)
        if fault is not None:
            reply = spoilt_reply(fault, reply, conversation=conversation)
        written = write(reply, wanted, signer=self._signer)
        if fault is not None:
            written = spoilt_content(fault, written, request=wanted, signer=self._signer)
        facts |= _facts(wanted, usage, written=written) | _shown(conversation)
        await asyncio.sleep(self.seconds_per_reply)
        message = written.message(wanted.model, usage)
        if wanted.stream:
            return Response(b"".join(as_events(message)), media_type="text/event-stream")
        return JSONResponse(message)

    def _struck(self, request: Request, about: str, *, facts: _Facts) -> Fault | None:
        """The fault that strikes the request, noted where the log and the answer look for it."""
        fault = self._faults.take(STAND_IN, f"{request.method} {request.url.path}", about=about)
        request.state.fault = fault
        facts |= {"fault": fault.fault} if fault is not None else {}
        return fault

    async def count(self, request: Request, facts: _Facts) -> Response:
        wanted = parse(await _body(request), Prompt)
        check(wanted, known_model(wanted.model), signer=self._signer)
        counted = prompt_tokens(wanted)
        facts |= {"model": wanted.model, "input_tokens": counted}
        return JSONResponse({"input_tokens": counted})

    async def list_models(self, _request: Request, _facts: _Facts) -> Response:
        described = [model.described() for model in MODELS.values()]
        ends = {"first_id": described[0]["id"], "last_id": described[-1]["id"]}
        return JSONResponse({"data": described, "has_more": False} | ends)

    async def show_model(self, request: Request, _facts: _Facts) -> Response:
        return JSONResponse(known_model(request.path_params["model_id"]).described())


def _scripted(scenario: Scenario, conversation: Conversation) -> Reply:
    """By the scenario, unless the incident names a kind of model that keeps to no script."""
    if kind_in(conversation.opening):
        return unruly()(conversation)
    return next_reply(scenario, conversation)


def _check_key(request: Request, api_key: str) -> None:
    """Where both headers are sent the API looks at `x-api-key`."""
    given = request.headers.get("x-api-key")
    bearer = request.headers.get("authorization", "")
    if given is None and not bearer:
        raise Refused("x-api-key header is required", "authentication_error")
    if given is None:
        scheme, _, given = bearer.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), api_key.encode()):
            raise Refused("Invalid bearer token", "authentication_error")
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        raise Refused("invalid x-api-key", "authentication_error")


def _check_version(request: Request) -> None:
    version = request.headers.get("anthropic-version")
    if version is None:
        raise Refused("anthropic-version: header is required")
    if version not in VERSIONS:
        raise Refused(f'anthropic-version: "{version}" is not a valid version')


async def _body(request: Request) -> bytes:
    """The whole body. Raises Refused as soon as it is known to be too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refused("Request exceeds the maximum size", "request_too_large")
    return bytes(body)


def _facts(wanted: MessagesRequest, usage: Usage, *, written: Written) -> _Facts:
    calls = [block["name"] for block in written.content if block["type"] == "tool_use"]
    return {
        "model": wanted.model,
        "stop_reason": written.stop_reason,
        "calls": calls,
        "usage": usage.described(written.output_tokens, written.thinking_tokens),
    }


def _shown(conversation: Conversation) -> _Facts:
    """Whether the model was told to conclude, and a short hash of each result, by call id."""
    hashes = {
        shown.call_id: hashlib.sha256(shown.text.encode()).hexdigest()[:12]
        for shown in conversation.shown
        if shown.call_id
    }
    return {"concludes": conversation.told_to_conclude, "shown": hashes}
