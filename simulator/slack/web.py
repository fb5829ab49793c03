"""The Slack stand-in on the wire: the Web API, file uploads, and what tests and the demo read."""

from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.faults import Fault, Faults
from simulator.request_log import RequestLog
from simulator.slack.calls import Call, Limited, Refused, read_call
from simulator.slack.faulty import possible, struck
from simulator.slack.files import announce_file, receive_bytes
from simulator.slack.limits import Limits
from simulator.slack.methods import METHODS, Method
from simulator.slack.store import SlackStandIn
from simulator.striking import NO_ANSWER, SILENT, silence, spoilt

STAND_IN = "slack"
_OPEN = "apps.connections.open"
_ANNOUNCE = "files.getUploadURLExternal"
_ANNOUNCE_ARGUMENTS = frozenset({"filename", "length", "alt_txt", "snippet_type"})


def build_slack(
    log: RequestLog,
    token: str,
    *,
    stand_in: SlackStandIn,
    limit: Limits | None = None,
    faults: Faults | None = None,
) -> Starlette:
    """An app that answers one bot `token` as slack.com does; `stand_in` keeps what it was told.

    The client's base address is `http://host:port/api/`. Without a `limit` nothing is refused
    for its rate.
    """
    desk = _Desk(stand_in, log, token=token, limit=limit or Limits(), faults=faults or Faults())
    return Starlette(
        routes=[
            Route("/api/{method}", desk.call, methods=["GET", "POST"]),
            Route("/upload/v1/{file_id}", desk.upload, methods=["POST"]),
            Route("/_simulator/messages", desk.messages),
            *stand_in.routes,
        ]
    )


class _Desk:
    def __init__(
        self,
        stand_in: SlackStandIn,
        log: RequestLog,
        *,
        token: str,
        limit: Limits,
        faults: Faults,
    ) -> None:
        self._faults = faults
        self._world = stand_in
        self._log = log
        self._token = token
        self._limit = limit

    async def call(self, request: Request) -> Response:
        name = request.path_params["method"]
        asked = f"{request.method} /api/{name}"
        facts: dict[str, object] = {}
        fault: Fault | None = None
        try:
            call = await read_call(request, name)
            fault = self._faults.take(STAND_IN, asked, about=_about(call), among=possible(name))
            facts = _facts(call) | ({"fault": fault.fault} if fault else {})
            if fault is not None and fault.fault in SILENT:
                self._log.record(STAND_IN, asked, status=NO_ANSWER, **facts)
                return await silence(fault, request)
            response = self._respond(call, fault, facts=facts, base_url=str(request.base_url))
        except Refused as refused:
            response = _refusal(refused, facts)
        self._log.record(STAND_IN, asked, status=response.status_code, **facts)
        return await spoilt(fault, response, request=request)

    async def upload(self, request: Request) -> Response:
        file = self._world.files.get(request.path_params["file_id"])
        content = await request.body()
        status, words = receive_bytes(file, content)
        self._log.record(STAND_IN, f"POST {request.url.path}", status=status, bytes=len(content))
        return PlainTextResponse(words, status_code=status)

    async def messages(self, _request: Request) -> Response:
        return JSONResponse({"messages": self._world.record()})

    def _respond(
        self, call: Call, fault: Fault | None, *, facts: dict[str, object], base_url: str
    ) -> Response:
        def answer() -> dict[str, object]:
            said = {"ok": True} | self._answer(call, base_url)
            facts.update({"ts": said["ts"]} if "ts" in said else {})
            return said

        spoilt = struck(fault, call, world=self._world, work=answer) if fault else None
        return spoilt if spoilt is not None else JSONResponse(answer())

    def _answer(self, call: Call, base_url: str) -> dict[str, object]:
        method = METHODS.get(call.method)
        if method is None and call.method != _ANNOUNCE:
            raise Refused("unknown_method", req_method=call.method)
        if call.token is None:
            raise Refused("not_authed")
        if self._world.app_token and _OPEN in (call.method, self._meant_for(call.token)):
            return self._open_socket(call, base_url)
        if call.token != self._token:
            raise Refused("invalid_auth")
        if method is None:
            self._count(call)
            return announce_file(self._world, call, base_url=base_url)
        self._count(call)
        return method.answer(self._world, _with_unknown(call, method))

    def _open_socket(self, call: Call, base_url: str) -> dict[str, object]:
        """Two kinds of token for two kinds of methods."""
        known = (self._token, self._world.app_token)
        if call.token not in known:
            raise Refused("invalid_auth")
        if call.method != _OPEN or call.token == self._token:
            raise Refused("not_allowed_token_type")
        return {"url": self._world.socket_address(base_url)}

    def _meant_for(self, token: str) -> str:
        return _OPEN if token == self._world.app_token else ""

    def _count(self, call: Call) -> None:
        channel = self._world.channel_id(call.arguments.get("channel"))
        wait = self._limit.seconds_to_wait(call.method, channel or "")
        if wait:
            raise Limited(wait)


def _refusal(refused: Refused, facts: dict[str, object]) -> JSONResponse:
    answer = refused.answer()
    facts |= {key: answer[key] for key in ("error", "errors") if key in answer}
    return JSONResponse(answer, refused.status, refused.headers)


def _with_unknown(call: Call, method: Method) -> Call:
    return replace(call, unknown=tuple(sorted(set(call.arguments) - method.arguments)))


def _about(call: Call) -> str:
    """What a fault's `where` may name besides the method: where the call goes and what it says."""
    return " ".join(call.text(name) for name in ("channel", "ts", "text", "metadata"))


def _facts(call: Call) -> dict[str, object]:
    known = METHODS[call.method].arguments if call.method in METHODS else _ANNOUNCE_ARGUMENTS
    facts: dict[str, object] = {
        name: call.arguments[name]
        for name in ("channel", "channel_id", "ts", "thread_ts", "metadata")
        if name in call.arguments
    }
    unknown = sorted(set(call.arguments) - known)
    return facts | ({"unknown_arguments": unknown} if unknown else {})
