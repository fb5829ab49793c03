"""What may come from before the API: a page, a redirect, a packed or a huge answer."""

import gzip
from collections.abc import AsyncIterator

from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from simulator.faults import Fault

HUGE_BYTES = 16_000_000
ELSEWHERE = "http://127.0.0.1:9/v1/messages"
"""Where nothing listens."""
_CHUNK = b"x" * 65_536


def passed_on(fault: Fault | None, response: Response) -> Response:
    """The answer as a fault of the way leaves it; any other fault leaves it as it is."""
    name = fault.fault if fault is not None else ""
    if name == "bad_gateway":
        return HTMLResponse("<html><h1>502 Bad Gateway</h1></html>", 502)
    if name == "page":
        return HTMLResponse("<html><h1>Sign in</h1></html>")
    if name == "redirect":
        return RedirectResponse(ELSEWHERE, 307)
    if name == "packed":
        body = gzip.compress(bytes(response.body))
        return Response(body, headers={"content-encoding": "gzip"}, media_type="application/json")
    if fault is not None and name == "huge_answer":
        return _huge(fault.amount or HUGE_BYTES)
    return response


def _huge(size: int) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"type": "message", "content": [{"type": "text", "text": "'
        for _ in range(size // len(_CHUNK) + 1):
            yield _CHUNK
        yield b'"}], "model": "scripted", "usage": {}}'

    return StreamingResponse(parts(), media_type="application/json")
