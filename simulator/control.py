"""The address from which the stand-ins are steered, and where what they were told is read."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import FaultError, Faults, read_faults
from simulator.otlp.receiver import showing
from simulator.otlp.spans import SpanStore
from simulator.request_log import RequestLog
from simulator.slack.store import SlackStandIn

FORMS = ("sns", "eventbridge")


class Alarms(Protocol):
    """Whoever can make the scenario's alarm fire."""

    def fire_alarm(self, form: str = "sns") -> str:
        """The alarm went into ALARM and its notice lies in the queue."""

    def recover_alarm(self, form: str = "sns") -> str:
        """The alarm went back to OK and its notice lies in the queue."""

    def publish_alarm_body(self, body: str) -> str:
        """`body` lies in the queue as it is."""


def build_control(
    log: RequestLog, *, alarms: Alarms, slack: SlackStandIn, spans: SpanStore, faults: Faults
) -> Starlette:
    """An app that fires alarms, plans faults, and shows the request log, Slack and the traces."""
    routes = [*_alarm_routes(alarms), *_reading_routes(log, slack), *_fault_routes(faults)]
    return Starlette(routes=[*routes, *showing(spans)])


def _alarm_routes(alarms: Alarms) -> list[Route]:
    async def fire(request: Request) -> Response:
        return await _change(request, alarms.fire_alarm)

    async def recover(request: Request) -> Response:
        return await _change(request, alarms.recover_alarm)

    async def publish(request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        return await _done(alarms.publish_alarm_body, body)

    return [
        Route("/_simulator/fire-alarm", fire, methods=["POST"]),
        Route("/_simulator/recover-alarm", recover, methods=["POST"]),
        Route("/_simulator/alarm-body", publish, methods=["POST"]),
    ]


def _reading_routes(log: RequestLog, slack: SlackStandIn) -> list[Route]:
    async def requests(request: Request) -> Response:
        stand_in = request.query_params.get("stand_in")
        return JSONResponse({"requests": await asyncio.to_thread(log.read, stand_in)})

    async def messages(request: Request) -> Response:
        # A page at a time, because a thousand cards with all their versions are many megabytes.
        first, count = (request.query_params.get(name, "") for name in ("first", "count"))
        start = int(first) if first.isdecimal() else 0
        end = start + int(count) if count.isdecimal() else None
        return JSONResponse({"messages": slack.record(start, end)})

    return [
        Route("/_simulator/requests", requests),
        Route("/_simulator/messages", messages),
    ]


def _fault_routes(faults: Faults) -> list[Route]:
    async def show(_request: Request) -> Response:
        return JSONResponse({"faults": faults.listed(), "known": faults.known})

    async def plan(request: Request) -> Response:
        try:
            ids = faults.plan(*read_faults(await request.json()))
        except (ValueError, FaultError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"planned": ids})

    async def clear(request: Request) -> Response:
        fault_id = request.path_params.get("fault_id")
        cleared = faults.clear(fault_id)
        return JSONResponse({"cleared": cleared}, 404 if fault_id and not cleared else 200)

    return [
        Route("/_simulator/faults", show),
        Route("/_simulator/faults", plan, methods=["POST"]),
        Route("/_simulator/faults", clear, methods=["DELETE"]),
        Route("/_simulator/faults/{fault_id}", clear, methods=["DELETE"]),
    ]


async def _change(request: Request, change: Callable[[str], str]) -> Response:
    form = await _form(request)
    if form not in FORMS:
        return JSONResponse({"error": f"form is one of {', '.join(FORMS)}"}, status_code=400)
    return await _done(change, form)


async def _form(request: Request) -> str:
    if not await request.body():
        return FORMS[0]
    try:
        asked = await request.json()
    except ValueError:
        return ""
    return str(asked.get("form", FORMS[0])) if isinstance(asked, dict) else ""


async def _done(act: Callable[[str], str], argument: str) -> Response:
    # The AWS stand-in is called with a blocking client.
    return JSONResponse({"done": await asyncio.to_thread(act, argument)})
