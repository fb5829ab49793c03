"""What a struck request meets in any stand-in that is an ASGI app: waiting, silence, a lost line.

A stand-in takes its fault once it has read the request. A fault of `SILENT` means that nothing is
done: it logs the request with status `NO_ANSWER` and returns what `silence` returns. With any other
it does its work, spoils it as its own faults say, logs the request, and returns what `spoilt`
returns.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from simulator.faults import Fault

SILENT = ("hang", "dropped")
NO_ANSWER = 0
LONGEST_HANG_SECONDS = 600.0
SLOW_SECONDS = 2.0
TRANSPORT = "transport"
"""The name under which `Served` lends the connection to the app, in the scope's `state`."""


async def silence(fault: Fault, request: Request) -> Response:
    """The connection has ended: at once, or when the client gave up or the seconds were over."""
    if fault.fault == "hang":
        most = LONGEST_HANG_SECONDS if fault.seconds is None else fault.seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                await _gone(request)
    return await _hung_up(request)


async def spoilt(fault: Fault | None, response: Response, *, request: Request) -> Response:
    """The answer as a shared fault leaves it; any other fault leaves it as it is."""
    name = fault.fault if fault is not None else ""
    if fault is not None and name == "slow":
        await asyncio.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
    if name == "accepted_dropped":
        return await _hung_up(request)
    return cut_short(response, request) if name == "cut" else response


def cut_short(response: Response, request: Request) -> Response:
    """The answer with its head, which says how long it is, and only the first half of its body."""
    whole = bytes(response.body)

    async def half() -> AsyncIterator[bytes]:
        yield whole[: len(whole) // 2]
        await _hung_up(request)

    return StreamingResponse(half(), response.status_code, dict(response.headers))


async def _hung_up(request: Request) -> Response:
    """The connection has ended; what is returned has nobody left to go to."""
    request.scope["state"][TRANSPORT].close()
    await _gone(request)
    return Response()


async def _gone(request: Request) -> None:
    """The client has gone; what had not been read of the request is thrown away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
