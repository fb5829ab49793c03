"""An MCP server over HTTP that answers each call in the way its `topic` says, and counts them."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PASSWORD = "Tr0ub4dor" + "Hunter2" + "Pass9"
WORDS = f"could not connect: postgres://shop:{PASSWORD}@db.internal:5432/shop refused"
TOOL = {
    "name": "read",
    "description": "Some lines about a topic.",
    "inputSchema": {"type": "object", "properties": {"topic": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
}


@dataclass
class PlainServer:
    """`answers`: by topic, the status and the JSON of a result or an error, or a bare text."""

    answers: dict[str, tuple[int, dict[str, Any] | str]]
    refuses: str = ""
    """Why it lets nobody begin a session."""
    asked: "Counter[str]" = field(default_factory=Counter)
    sessions: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        """The server as an application; it forgets no session by itself."""
        return Starlette(routes=[Route("/mcp", self._answer, methods=["POST", "GET", "DELETE"])])

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        asked = json.loads(await request.body())
        method = asked["method"]
        self.asked[method] += 1
        if "id" not in asked:
            return Response(status_code=202)
        said = {"jsonrpc": "2.0", "id": asked["id"]}
        if method == "tools/call":
            return self._called(asked["params"]["arguments"]["topic"], request, said=said)
        if method == "initialize" and not self.refuses:
            self.sessions.add(f"s-{self.asked[method]}")
            headers = {"mcp-session-id": f"s-{self.asked[method]}"}
            return JSONResponse(said | {"result": _BEGIN}, headers=headers)
        if method == "tools/list":
            return JSONResponse(said | {"result": {"tools": [TOOL]}})
        error = {"code": -32603, "message": self.refuses or "no such method"}
        return JSONResponse(said | {"error": error})

    def _called(self, topic: str, request: Request, *, said: dict[str, Any]) -> Response:
        if request.headers["mcp-session-id"] in self.sessions:
            status, answer = self.answers.get(topic, (200, {"result": text("fine")}))
        else:
            status, answer = self.answers["no session"]
        if isinstance(answer, str):
            later = {"retry-after": "60"} if status == 429 else {}
            return Response(answer, status, headers=later)
        return JSONResponse(said | answer, status)


def text(words: str, **other: object) -> dict[str, Any]:
    """A result that is that text."""
    return {"content": [{"type": "text", "text": words}], **other}


def error(code: int, words: str = WORDS) -> dict[str, Any]:
    """An answer that is a JSON-RPC error."""
    return {"error": {"code": code, "message": words}}


_BEGIN = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "plain", "version": "1"},
}
