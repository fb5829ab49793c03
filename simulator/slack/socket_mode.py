"""Socket Mode on the wire: tickets, hello, envelopes that want an acknowledgement in time."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from simulator.slack.store import APP_ID

PATH = "/link"
ACKNOWLEDGE_SECONDS = 3.0
CONNECT_SECONDS = 10.0
MORE_TRIES = 3
"""How often Slack sends an event again; commands and presses are sent once."""
EVENTS = "events_api"

Json = dict[str, object]


@dataclass(frozen=True)
class Delivered:
    """What became of one request: acknowledged at which try, and with which words."""

    acknowledged: bool
    tries: int
    answer: Json = field(default_factory=dict)
    status: int = 0
    """The HTTP status of the last try; 0 for a socket."""


@dataclass
class Connection:
    """One open socket, and which envelopes on it still want an acknowledgement."""

    websocket: WebSocket
    waiting: dict[str, "asyncio.Future[Json]"] = field(default_factory=dict)
    takes_words: set[str] = field(default_factory=set)


class SocketMode:
    """The sockets of one app; each request goes to one of them, in turns."""

    def __init__(self, *, acknowledge_seconds: float = ACKNOWLEDGE_SECONDS) -> None:
        self.acknowledge_seconds = acknowledge_seconds
        self.more_tries = MORE_TRIES
        self.connections: list[Connection] = []
        self.violations: list[str] = []
        """What a client did that Slack's protocol does not know."""
        self.opened = 0
        self._tickets: set[str] = set()
        self._sent = 0
        self._changed = asyncio.Condition()

    @property
    def route(self) -> WebSocketRoute:
        """Where sockets are opened."""
        return WebSocketRoute(PATH, self._serve)

    def address(self, base_url: str) -> str:
        """Where one socket can be opened, once: the ticket is used up by it."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        place = base_url.rstrip("/").replace("http", "ws", 1)
        return f"{place}{PATH}?ticket={ticket}&app_id={APP_ID}"

    async def deliver(self, kind: str, sent: Mapping[str, object]) -> Delivered:
        """That was sent, and again where an event was not acknowledged in time."""
        more = self.more_tries if kind == EVENTS else 0
        for number in range(more + 1):
            answer = await self._send(kind, sent, number=number)
            if answer is not None:
                return Delivered(True, number + 1, answer)
        return Delivered(False, more + 1)

    async def refresh(self) -> None:
        """Every socket was told to connect anew, and is closed."""
        notice = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "x"}}
        for connection in list(self.connections):
            await connection.websocket.send_text(json.dumps(notice))
            self.connections.remove(connection)

    async def connected(self, count: int = 1) -> None:
        """So many sockets are open; raises TimeoutError when they do not come."""
        async with asyncio.timeout(CONNECT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.connections) >= count)

    async def _send(self, kind: str, sent: Mapping[str, object], *, number: int) -> Json | None:
        try:
            await self.connected()
        except TimeoutError:
            return None
        connection = self.connections[self._sent % len(self.connections)]
        self._sent += 1
        envelope_id = str(uuid.uuid4())
        takes_words = kind != EVENTS
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": dict(sent),
            "accepts_response_payload": takes_words,
        }
        if kind == EVENTS:
            envelope |= {"retry_attempt": number, "retry_reason": "timeout" if number else ""}
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = future
        if takes_words:
            connection.takes_words.add(envelope_id)
        await connection.websocket.send_text(json.dumps(envelope))
        try:
            async with asyncio.timeout(self.acknowledge_seconds):
                return await future
        except TimeoutError:
            return None
        finally:
            connection.waiting.pop(envelope_id, None)

    async def _serve(self, websocket: WebSocket) -> None:
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close()  # before it is accepted: the handshake is refused
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        connection = Connection(websocket)
        self.opened += 1
        hello = {
            "type": "hello",
            "num_connections": len(self.connections) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "applink-stand-in", "approximate_connection_time": 18060},
        }
        await websocket.send_text(json.dumps(hello))
        async with self._changed:
            self.connections.append(connection)
            self._changed.notify_all()
        try:
            while websocket.client_state is WebSocketState.CONNECTED:
                self._heard(connection, await websocket.receive_text())
        except (WebSocketDisconnect, KeyError):
            pass
        finally:
            if connection in self.connections:
                self.connections.remove(connection)

    def _heard(self, connection: Connection, text: str) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict) or set(said) - {"envelope_id", "payload"}:
            self.violations.append(f"not an acknowledgement: {text[:80]}")
            return
        envelope_id = str(said.get("envelope_id"))
        future = connection.waiting.get(envelope_id)
        if future is None or future.done():
            self.violations.append("an acknowledgement of nothing, or a second or late one")
            return
        words = said.get("payload") or {}
        if words and envelope_id not in connection.takes_words:
            self.violations.append("words in the acknowledgement of an event")
        future.set_result(words)
