"""The attacker's own server: whoever asks it for anything has been made to."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.request_log import RequestLog

STAND_IN = "attacker"
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def build_attacker(log: RequestLog) -> Starlette:
    """An app that answers everything and notes it."""

    async def take(request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        asked = f"{request.method} {request.url.path}"
        log.record(STAND_IN, asked, status=200, query=request.url.query, body=body[:2_000])
        return PlainTextResponse("thank you")

    return Starlette(routes=[Route("/{rest:path}", take, methods=_EVERY_METHOD)])
