"""A call that comes too late is refused: its sender was frozen on the way and may be replaced.

Between a sender's last look at its lease and the arrival of the request nobody can hold it back but
who receives it. Sender and servers share one machine, hence one clock of leases.
"""

from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bus.envelope import lease_clock

NOT_AFTER = "x-nightshift-not-after"
"""Seconds of `lease_clock` after which the request must not be answered."""
REFUSED = 409
RUN_OUT = "the lease on this call has run out"


async def refuse_late(request: Request, pass_on: RequestResponseEndpoint) -> Response:
    """Middleware: a request whose time is over gets an error, all others are passed on."""
    not_after = request.headers.get(NOT_AFTER, "")
    if not_after:
        # Headers and body are two writes, and a sender may be frozen between them.
        await request.body()
    if is_late(not_after):
        return JSONResponse(refusal("it came too late"), REFUSED)
    return await pass_on(request)


def is_late(not_after: str) -> bool:
    """Whether that moment has passed; what is no moment never passes."""
    try:
        return lease_clock() > float(not_after)
    except ValueError:
        return False


def refusal(reason: str) -> dict[str, object]:
    """A refused request as JSON-RPC says it: the caller gets the error, the connection stays."""
    return failure(f"{RUN_OUT}: {reason}")


def failure(message: str) -> dict[str, object]:
    """An error that answers the request it is the response to."""
    return {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": message}}
