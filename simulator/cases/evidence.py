"""The MCP server that answers with a case's evidence.

All incidents share one catalogue of tools, and a call says nothing of its case: the server knows
it by the trace in which the call was made. So a model can neither name nor see another case.
"""

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_http_headers
from mcp_types import ToolAnnotations
from starlette.applications import Starlette

from simulator.cases.cast import Cast
from simulator.cases.folder import Case
from simulator.request_log import RequestLog

SERVER = "evidence"
LIST, READ, SEARCH = "list_evidence", "read_evidence", "search_evidence"
STAND_IN = "evidence"
MOST_FOUND = 200


def build_evidence(cast: Cast, log: RequestLog) -> Starlette:
    """The server as an app; its tools stand below `/mcp`."""
    server: FastMCP[None] = FastMCP(SERVER)
    desk = _Desk(cast, log)
    for tool in (desk.list_evidence, desk.read_evidence, desk.search_evidence):
        server.tool(tool, annotations=ToolAnnotations(read_only_hint=True))
    return server.http_app(path="/mcp")


class _Desk:
    def __init__(self, cast: Cast, log: RequestLog) -> None:
        self._cast = cast
        self._log = log

    def list_evidence(self) -> str:
        """Names what was recorded of this incident: each file with its lines and bytes."""
        case = self._case(LIST)
        return "\n".join(
            f"{name}  {len(text.splitlines())} lines, {len(text.encode())} bytes"
            for name, text in case.evidence.items()
        )

    def read_evidence(self, name: str, *, first_line: int = 1, lines: int = 0) -> str:
        """The lines of one recorded file from `first_line` on; with `lines` 0 all that follow."""
        text = _named(self._case(READ, name=name), name)
        if first_line <= 1 and lines <= 0:
            return text
        start = max(first_line - 1, 0)
        found = text.split("\n")[start : start + lines if lines > 0 else None]
        if not found:
            raise ToolError(f"{name} has no line {first_line}")
        return "\n".join(found)

    def search_evidence(self, words: str, name: str = "") -> str:
        """Lines that hold these words, ignoring case, of all recorded files or of one.

        Each stands behind its file and its number in it.
        """
        case = self._case(SEARCH, words=words, name=name)
        files = {name: _named(case, name)} if name else case.evidence
        found = [
            f"{file}:{number}: {line}"
            for file, text in files.items()
            for number, line in enumerate(text.split("\n"), start=1)
            if words.lower() in line.lower()
        ]
        more = [f"({len(found) - MOST_FOUND} more lines)"] if len(found) > MOST_FOUND else []
        return "\n".join(found[:MOST_FOUND] + more) or f"no line holds {words!r}"

    def _case(self, tool: str, **asked: str) -> Case:
        case = self._cast.of_traceparent(get_http_headers().get("traceparent", ""))
        status = 200 if case else 404
        self._log.record(STAND_IN, tool, status=status, case=case.name if case else "", **asked)
        if case is None:
            raise ToolError("nothing was recorded of the incident that asks")
        return case


def _named(case: Case, name: str) -> str:
    if name not in case.evidence:
        raise ToolError(f"there is no {name!r}; recorded are: {', '.join(case.evidence)}")
    return case.evidence[name]
