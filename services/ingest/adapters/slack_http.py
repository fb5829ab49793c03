"""Slack over HTTP: commands, events and presses of buttons on one path, signed by Slack."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bus import metrics
from bus.errors import Unavailable
from services.ingest import measures
from services.ingest.adapters.http_body import Refused
from services.ingest.adapters.http_room import Room
from services.ingest.adapters.slack_app import SlackApp
from services.ingest.slack_signature import why_forged, why_unlikely

log = logging.getLogger(__name__)
PATH = "/slack/events"
MOST_BYTES = 1024 * 1024
BYTES_AT_ONCE = 8 * MOST_BYTES
"""Of all bodies that are being read or worked on; a usual one has a few KiB."""
BODY_SECONDS = 5.0
MOST_FIELDS = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class SlackHttp:
    """The path.

    Answers 200; 400, 401, 408, 413 or 415 for what Slack does not send like this; 503 for what
    could not be written, or had no room, so that Slack sends it again.
    """

    def __init__(
        self, app: SlackApp, secret: str, *, room: Room, clock: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._secret = secret
        self._room = room
        self._clock = clock

    @property
    def route(self) -> Route:
        """The route for the service's HTTP."""

        async def endpoint(request: Request) -> Response:
            answer = await self.receive(request)
            measures.DOORS.add(1, {"door": PATH, "status": str(answer.status_code)})
            return answer

        return Route(PATH, endpoint, methods=["POST"])

    async def receive(self, request: Request) -> Response:
        """Slack's answer; no body is read behind a head that is not Slack's."""
        unlikely = why_unlikely(request.headers.raw, now=self._clock())
        if unlikely:
            return _refused(unlikely)
        try:
            async with self._room.body(request, MOST_BYTES) as body:
                return await self._judged(request, body)
        except Refused as error:
            return Response(status_code=error.status)
        except ClientDisconnect:
            return Response(status_code=400)
        except Unavailable as error:
            log.warning("%s answers 503: %s", PATH, error)
            return Response(status_code=503)

    async def _judged(self, request: Request, body: bytes) -> Response:
        """Nothing in the body is looked at before the signature is right."""
        forged = why_forged(self._secret, request.headers.raw, body=body, now=self._clock())
        return _refused(forged) if forged else await self._answer(request, body)

    async def _answer(self, request: Request, body: bytes) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        coding = request.headers.get("content-encoding", "identity").strip().lower()
        if kind not in (FORM, JSON) or coding != "identity":
            return Response(status_code=415)
        sent = _parsed(body, kind)
        if sent is None:
            return Response(status_code=400)
        retry = request.headers.get("x-slack-retry-num")
        answered = await self._app.dispatch(sent, {"x-slack-retry-num": retry} if retry else {})
        return Response(
            answered.body or "",
            answered.status,
            media_type=answered.first_headers().get("content-type") if answered.body else None,
        )


def _refused(reason: str) -> Response:
    log.warning("refused a request to %s: %s", PATH, reason)
    metrics.INCIDENTS.add(1, {"outcome": "refused"})
    return Response(status_code=401)


def _parsed(body: bytes, kind: str) -> dict[str, Any] | None:
    """What stands in the body: a command's fields, or the JSON of an event or of a press."""
    try:
        text = body.decode("utf-8")
        if kind == FORM:
            pairs = parse_qsl(
                text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
            fields = dict(pairs)
            if "payload" not in fields:
                return fields
            text = fields["payload"]
        sent = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None
