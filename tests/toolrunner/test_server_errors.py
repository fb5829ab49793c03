"""An error that a server answers is told as what it is, and costs nobody else the connection.

It was taken for a lost server: each such call ended the session, was sent twice and told as "not
reachable", and five of them had all tools of that server left alone.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import MCPError

from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_errors import lacks_session
from services.toolrunner.adapters.mcp_guard import Guard, Limits
from services.toolrunner.adapters.mcp_http import Bounds, Departure
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.ports import ResultUnknown, ServerFailed
from services.toolrunner.servers.not_late import refusal
from services.toolrunner.tool_call import failed
from tests.toolrunner.foreign import serving
from tests.toolrunner.plain_server import PASSWORD, WORDS, PlainServer, error, text

LIMITS = Limits(at_once=4, max_bytes=100_000, failures=2, pause=60)
CODES = (-32603, -32000, -32001, -32600, -32602, -32700, 1)
IMAGE = {"type": "image", "data": "", "mimeType": "image/png"}
LINK = {"type": "resource_link", "uri": "file:///a", "name": "a"}
STATUSES = {
    500: "it answered HTTP 500; nothing was read",
    503: "it answered HTTP 503; nothing was read",
    401: "it answered HTTP 401: it does not accept the credentials that it is asked with; nothing",
    403: "it answered HTTP 403: the credentials that it is asked with do not permit this; nothing",
    413: "it answered HTTP 413; nothing was read",
    429: "its rate is limited; it can be asked again in 60 s; nothing was read",
}
STAND_INS = {400: "Server returned an error response", 404: "Session terminated"}
"""What the MCP client says where such a status came without a JSON-RPC answer."""


@asynccontextmanager
async def connected(server: PlainServer, *, listed: bool = True) -> AsyncIterator[Connection]:
    async with serving(server.app()) as port:
        entry = ServerEntry(url=f"http://127.0.0.1:{port}/mcp")
        guard = Guard.of("shop", LIMITS)
        connection = Connection("shop", entry, at_once=4, bounds=Bounds(100_000), guard=guard)
        keeping = asyncio.create_task(connection.keep())
        if listed:
            await connection.listed.wait()
        try:
            yield connection
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def called(
    connection: Connection, topic: str, *, read_only: bool = True, seconds: float = 5
) -> str:
    return await connection.call(
        "read", {"topic": topic}, seconds=seconds, check=lambda: math.inf, read_only=read_only
    )


async def told(
    connection: Connection, topic: str, *, read_only: bool = True, seconds: float = 5
) -> ToolFailed:
    with pytest.raises(ToolFailed) as failure:
        await called(connection, topic, read_only=read_only, seconds=seconds)
    return failure.value


async def test_an_error_that_a_server_answers_is_its_tools_whatever_its_code() -> None:
    server = PlainServer({str(code): (200, error(code)) for code in CODES})
    server.answers["at 500"] = (500, error(-32603))
    async with connected(server) as connection:
        for topic in server.answers:
            failure = await told(connection, topic)
            assert not isinstance(failure, ServerFailed), topic
            shown = failed(failure).shown
            assert shown.startswith("shop: could not connect: postgres://shop:[secret:url")
            assert PASSWORD not in shown
        assert await called(connection, "tea") == "fine"
    assert server.asked["tools/call"] == len(server.answers) + 1
    assert server.asked["initialize"] == 1


async def test_a_status_without_an_answer_is_told_and_the_call_is_not_sent_again() -> None:
    server = PlainServer({str(status): (status, WORDS) for status in STATUSES})
    async with connected(server) as connection:
        for status, said in STATUSES.items():
            failure = await told(connection, str(status))
            assert said in str(failure)
            assert isinstance(failure, ServerFailed) == (status in (401, 429) or status >= 500)
            assert await called(connection, "tea") == "fine"
    assert server.asked["tools/call"] == 2 * len(STATUSES)
    assert server.asked["initialize"] == 1


async def test_a_call_that_may_change_something_is_of_unknown_result_after_a_gateways_error() -> (
    None
):
    server = PlainServer({"ill": (502, ""), "refused": (403, "")})
    async with connected(server) as connection:
        assert isinstance(await told(connection, "ill", read_only=False), ResultUnknown)
        refused = await told(connection, "refused", read_only=False)
        assert not isinstance(refused, ResultUnknown)
    assert server.asked["tools/call"] == 2


async def test_a_server_that_knows_the_session_no_more_is_asked_in_a_new_one() -> None:
    server = PlainServer({"no session": (404, error(-32001, "Session not found"))})
    async with connected(server) as connection:
        assert await called(connection, "tea") == "fine"
        server.sessions.clear()
        assert await called(connection, "tea") == "fine"
    assert (server.asked["tools/call"], server.asked["initialize"]) == (3, 2)


@pytest.mark.parametrize(
    ("status", "code", "words", "is_gone"),
    [
        (404, -32001, "Session not found", True),
        (404, -32600, "Not Found: Session has been terminated", True),
        (400, -32000, "Bad Request: No valid session ID provided", True),
        (404, -32600, STAND_INS[404], True),
        (400, -32603, STAND_INS[400], True),
        (200, -32001, "Session not found", True),
        (200, -32603, "Session not found: user 7", False),
        (404, -32601, "Method not found", False),
        (400, -32602, "topic is no text", False),
        (500, -32603, STAND_INS[400], False),
    ],
)
def test_a_forgotten_session_is_told_from_what_a_tool_says(
    status: int, code: int, words: str, is_gone: bool
) -> None:
    asked = httpx2.Request("POST", "http://shop/mcp", headers={"mcp-session-id": "s-1"})
    departure = Departure(response=httpx2.Response(status, request=asked))
    assert lacks_session(MCPError(code, words), departure) == is_gone


async def test_no_half_of_a_secret_is_told_of_a_server_that_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is too long was cut before it was cleaned, and half a password is no known form."""
    # Cut at 300 characters it ends in `password@`, which is no address any more.
    server = PlainServer({}, refuses=f"{'E' * 232} {WORDS}")
    with caplog.at_level(logging.DEBUG):
        async with connected(server, listed=False) as connection:
            said = [str(await told(connection, "tea", seconds=0.3)) for _ in range(3)]
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("services")]
    assert any("is away: MCPError: EEE" in each for each in ours)
    assert "not reachable" in said[0]
    assert "not asked" in said[2]
    assert not any(PASSWORD[:6] in each for each in (*said, *ours))


async def test_no_half_of_a_secret_is_the_reason_for_which_a_server_is_left_alone() -> None:
    guard = Guard.of("shop", LIMITS)
    for pad in range(100, 190, 10):
        for _ in range(2):
            with pytest.raises(ToolFailed):
                async with guard.admitted("read", seconds=1):
                    raise ServerFailed(f"shop: {'E' * pad} {WORDS}")
        with pytest.raises(ToolFailed, match="not asked") as failure:
            async with guard.admitted("read", seconds=1):
                pass
        assert PASSWORD[:6] not in str(failure.value)
        guard = Guard.of("shop", LIMITS)


async def test_what_holds_no_text_is_told_and_structured_content_is_shown() -> None:
    pods = {"pods": [{"name": "cart", "reason": "OOMKilled"}]}
    results: dict[str, dict[str, object]] = {
        "structured": {"content": [], "structuredContent": pods},
        "both": text("as text", structuredContent=pods),
        "image": {"content": [IMAGE]},
        "nothing": {"content": []},
        "many": {"content": [{"type": "text", "text": "seen"}, IMAGE, IMAGE, LINK]},
        "large": {"content": [], "structuredContent": {"a": ["x" * 50] * 3_000}},
        "failed": {"content": [], "structuredContent": {"why": WORDS}, "isError": True},
    }
    answers = {topic: (200, {"result": result}) for topic, result in results.items()}
    async with connected(PlainServer({**answers})) as connection:
        assert await called(connection, "structured") == (
            '{"pods": [{"name": "cart", "reason": "OOMKilled"}]}'
        )
        assert await called(connection, "both") == "as text"
        assert await called(connection, "many") == (
            "seen\n2 images were left out\n1 resource link was left out"
        )
        image = str(await told(connection, "image"))
        assert image == "shop: the answer holds no text; 1 image was left out"
        assert str(await told(connection, "nothing")) == "shop: the answer holds no text"
        assert "is larger than 100000 bytes" in str(await told(connection, "large"))
        assert "could not connect" in str(await told(connection, "failed"))


async def test_a_call_that_came_too_late_is_sent_again_by_who_still_holds_its_lease() -> None:
    late = refusal("it came too late")
    server = PlainServer({"late": (409, {"error": late["error"]})})
    async with connected(server) as connection:
        assert isinstance(await told(connection, "late"), ServerFailed)
    assert server.asked["tools/call"] == 2
