"""People in the stand-in's workspace: they type commands, mention the app and press buttons."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.slack import payloads
from simulator.slack.block_kit import block_findings
from simulator.slack.payloads import Human, Json
from simulator.slack.socket_mode import EVENTS, MORE_TRIES, Delivered, SocketMode
from simulator.slack.store import Message, SlackStandIn, Version

ANSWERS = 5
"""How often a response_url can be used."""
HTTP_SECONDS = 3.0


class NoSuchButton(Exception):
    """The message has no such button, or is not there."""


@dataclass
class _Hook:
    by: Human
    left: int = ANSWERS
    said: list[str] = field(default_factory=list)


@dataclass
class People:
    """Whatever they do reaches the app by its sockets, or signed at its `request_url`."""

    world: SlackStandIn
    socket: SocketMode
    signing_secret: str = ""
    request_url: str = ""
    address: str = ""
    """Where the stand-in itself is reached: the host of its response URLs."""
    _hooks: dict[str, _Hook] = field(default_factory=dict)

    async def command(
        self, text: str, by: Human | None = None, *, name: str = "/diagnose"
    ) -> Delivered:
        """Somebody typed the command; what the app made of it."""
        who = by or Human()
        sent = payloads.command(text, who, response_url=self._hook(who), name=name)
        return await self.send("slash_commands", sent)

    async def mention(self, text: str, by: Human | None = None) -> Delivered:
        """Somebody mentioned the app."""
        return await self.send(EVENTS, payloads.mention(text, by or Human()))

    async def press(
        self,
        message: Message,
        action_id: str,
        *,
        by: Human | None = None,
        typed: str = "",
    ) -> Delivered:
        """Somebody pressed that button of the message, `typed` standing in its only field.

        Raises NoSuchButton when the message shows none with that action.
        """
        who = by or Human(user=message.ephemeral_for or Human.user, channel=message.channel)
        if message.ephemeral_for not in (None, who.user):
            raise NoSuchButton(f"{who.user} does not see that message")
        action = _button(message, action_id)
        sent = payloads.press(
            action,
            who,
            message=message,
            response_url=self._hook(who),
            state=_state(message, typed),
        )
        return await self.send("interactive", sent)

    async def send(self, kind: str, sent: Mapping[str, object]) -> Delivered:
        """The app got that, as Slack sends it; again, where an event was not acknowledged."""
        if not self.request_url:
            return await self.socket.deliver(kind, sent)
        more = MORE_TRIES if kind == EVENTS else 0
        status = 0
        for number in range(more + 1):
            status, answer = await self._post(sent, number)
            if status == 200:
                return Delivered(True, number + 1, answer, status)
        return Delivered(False, more + 1, status=status)

    def answers(self, user: str = Human.user) -> list[str]:
        """What that person alone was told, oldest first."""
        return [said.now.text for said in self.world.messages if said.ephemeral_for == user]

    def routes(self) -> list[BaseRoute]:
        """Where the app answers, and where a person is told what to do."""
        return [
            self.socket.route,
            Route("/hooks/{hook}", self._answered, methods=["POST"]),
            Route("/hooks/{hook}", self._said, methods=["GET"]),
            Route("/_simulator/hook", self._made, methods=["POST"]),
            Route("/_simulator/person", self._told, methods=["POST"]),
        ]

    def _hook(self, by: Human) -> str:
        name = secrets.token_hex(12)
        self._hooks[name] = _Hook(by)
        return f"{self.address}/hooks/{name}"

    async def _post(self, sent: Mapping[str, object], number: int) -> tuple[int, Json]:
        body, headers = payloads.signed(sent, self.signing_secret)
        if number:
            headers |= {"x-slack-retry-num": str(number), "x-slack-retry-reason": "http_error"}
        limit = aiohttp.ClientTimeout(total=HTTP_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self.request_url, data=body, headers=headers) as response,
            ):
                text = await response.text()
                return response.status, json.loads(text) if text.startswith("{") else {}
        except (aiohttp.ClientError, TimeoutError):
            return 0, {}

    async def _answered(self, request: Request) -> Response:
        hook = self._hooks.get(request.path_params["hook"])
        if hook is None:
            return PlainTextResponse("no_service", 404)
        if hook.left < 1:
            return PlainTextResponse("used_url", 404)
        hook.left -= 1
        try:
            said = await request.json()
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        text, blocks = said.get("text") or "", said.get("blocks") or []
        if block_findings(blocks) if blocks else not text:
            return PlainTextResponse("invalid_blocks" if blocks else "no_text", 400)
        ts = self.world.next_ts()
        alone = said.get("response_type", "ephemeral") == "ephemeral"
        user = hook.by.user if alone else None
        version = Version(ts, text, blocks)
        hook.said.append(text)
        self.world.messages.append(Message(hook.by.channel, ts, [version], ephemeral_for=user))
        return PlainTextResponse("ok")

    async def _made(self, request: Request) -> Response:
        """A response URL for a request that somebody else sends, such as a rehearsal."""
        self.address = self.address or str(request.base_url).rstrip("/")
        return JSONResponse({"url": self._hook(Human())})

    async def _said(self, request: Request) -> Response:
        """What was answered there so far; real ones tell nobody."""
        hook = self._hooks.get(request.path_params["hook"])
        return JSONResponse({"said": hook.said if hook else []}, 200 if hook else 404)

    async def _told(self, request: Request) -> Response:
        """`{"command": "cart is slow"}`, `{"mention": …}` or `{"press": action, "ts": …}`."""
        try:
            order = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"error": "say in JSON what somebody does"}, status_code=400)
        by = Human(**order.get("by", {})) if order.get("by") else None
        self.address = self.address or str(request.base_url).rstrip("/")
        if "command" in order:
            done = await self.command(order["command"], by)
        elif "mention" in order:
            done = await self.mention(order["mention"], by)
        else:
            found = [said for said in self.world.messages if said.ts == order.get("ts")]
            try:
                if not found:
                    raise NoSuchButton("there is no such message")
                typed = str(order.get("typed", ""))
                done = await self.press(found[0], order["press"], by=by, typed=typed)
            except NoSuchButton as error:
                return JSONResponse({"error": str(error)}, status_code=404)
        return JSONResponse({"acknowledged": done.acknowledged, "tries": done.tries})


def let_people_in(
    world: SlackStandIn,
    *,
    app_token: str,
    signing_secret: str = "",
    socket: SocketMode | None = None,
) -> People:
    """People in that workspace; the app opens sockets with the token. Before the app is built."""
    people = People(world, socket or SocketMode(), signing_secret)
    world.app_token = app_token
    world.socket_address = people.socket.address
    world.routes = people.routes()
    return people


def _button(message: Message, action_id: str) -> Json:
    for block in _blocks(message):
        for element in block.get("elements", []) if block.get("type") == "actions" else []:
            if element.get("action_id") == action_id:
                shown = {name: element[name] for name in ("type", "action_id", "value", "text")}
                return shown | {"block_id": block.get("block_id", "b")}
    raise NoSuchButton(f"the message has no button {action_id}")


def _state(message: Message, typed: str) -> Json:
    """What the fields of the message hold, by block and action."""
    return {
        block["block_id"]: {
            block["element"]["action_id"]: {"type": "plain_text_input", "value": typed or None}
        }
        for block in _blocks(message)
        if block.get("type") == "input"
    }


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield from (block for block in message.now.blocks if isinstance(block, dict))
