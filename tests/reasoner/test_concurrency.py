"""How many model calls one reasoner has in flight: counted, not timed."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.events import IncidentId, IncidentOpened
from bus.streams import DIAGNOSES
from bus.testing import eventually
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import submits

AT_ONCE = 120
ENDS = {
    "model": "claude-sonnet-5-5",
    "content": [
        {
            "type": "tool_use",
            "id": "tu_1",
            "name": "submit_diagnosis",
            "input": {"verdict": "unknown", "summary": "Nothing was looked at."},
        }
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1000, "output_tokens": 100},
}


async def test_a_hundred_and_twenty_model_calls_are_in_flight_at_once_and_none_is_lost(
    make_loop: MakeLoop,
) -> None:
    """The sample of `python -m benchmarks concurrency`.

    The model answers nobody before all have asked: whatever holds calls back, a limit of workers,
    of connections to Redis or to the model, would let this wait for ever.
    """
    all_asked = asyncio.Event()
    calls: list[Request] = []

    async def answer(request: Request) -> Response:
        calls.append(request)
        if len(calls) == AT_ONCE:
            all_asked.set()
        await all_asked.wait()
        return JSONResponse(ENDS)

    app = Starlette(routes=[Route("/v1/messages", answer, methods=["POST"])])
    loop = await make_loop(submits(), app=app, max_day_cost_usd=1e6)
    for number in range(AT_ONCE):
        await loop.bus.publish(
            IncidentOpened(
                service="cart", summary="HTTP 500", incident_id=IncidentId(f"inc-{number}")
            )
        )

    key = loop.bus.keys.stream(DIAGNOSES)

    async def all_over() -> bool:
        return bool(await loop.bus.redis.xlen(key) == AT_ONCE)

    await eventually(all_over, 9)
    assert len(calls) == AT_ONCE
