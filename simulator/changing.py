"""The route by which a running world becomes another scenario's."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.scenario import Scenario, ScenarioError, load_scenario

Show = Callable[[Scenario], Awaitable[None]]


def changing(show: Show) -> Route:
    """POST of `{"scenario": NAME}` shows that scenario, a name or a file; 400 says why not."""

    async def change(request: Request) -> Response:
        try:
            name = str((await request.json())["scenario"])
            scenario = await asyncio.to_thread(load_scenario, name)
            await show(scenario)
        except ScenarioError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": 'say {"scenario": NAME}'}, status_code=400)
        return JSONResponse({"done": scenario.name})

    return Route("/_simulator/scenario", change, methods=["POST"])
