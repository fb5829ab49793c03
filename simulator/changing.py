"""How a running world becomes another scenario's: apps that change places, and the route for it."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.faults import FaultError
from simulator.scenario import Scenario, ScenarioError, load_scenario

Show = Callable[[Scenario], Awaitable[None]]


class Changing:
    """An app that another can take the place of while it is served, at the same address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, *channels: *tuple[Receive, Send]) -> None:
        """Whichever app is in place when the request arrives answers it."""
        await self.app(scope, *channels)


def changing(show: Show) -> Route:
    """POST of `{"scenario": NAME}` shows that scenario, a name or a file; 400 says why not."""

    async def change(request: Request) -> Response:
        try:
            name = str((await request.json())["scenario"])
            scenario = await asyncio.to_thread(load_scenario, name)
            await show(scenario)
        except (ScenarioError, FaultError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": 'say {"scenario": NAME}'}, status_code=400)
        return JSONResponse({"done": scenario.name})

    return Route("/_simulator/scenario", change, methods=["POST"])
